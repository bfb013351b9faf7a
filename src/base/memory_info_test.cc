#include "base/memory_info.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace revlm::base {
namespace {

std::optional<uint64_t> Available(std::map<std::string, std::string> files) {
  return AvailableMemoryBytes(
      [&](const std::string& path) -> std::optional<std::string> {
        const auto file = files.find(path);
        if (file == files.end()) return std::nullopt;
        return file->second;
      });
}

constexpr char kMeminfo[] =
    "MemTotal:       1000 kB\n"
    "MemFree:         100 kB\n"
    "MemAvailable:    800 kB\n";

TEST(MemoryInfoTest, WithoutGroupsTheMachineDecides) {
  EXPECT_EQ(Available({{"/proc/meminfo", kMeminfo}}), 800u * 1024);
}

TEST(MemoryInfoTest, NothingReadableGivesNothing) {
  EXPECT_EQ(Available({}), std::nullopt);
  EXPECT_EQ(Available({{"/proc/meminfo", "MemAvailable: lots\n"},
                       {"/proc/self/cgroup", "nonsense\n:\n"}}),
            std::nullopt);
}

TEST(MemoryInfoTest, TheTightestVersion2GroupOfThePathCounts) {
  EXPECT_EQ(Available({{"/proc/meminfo", kMeminfo},
                       {"/proc/self/cgroup", "0::/a/b\n"},
                       {"/sys/fs/cgroup/a/b/memory.max", "max\n"},
                       {"/sys/fs/cgroup/a/b/memory.current", "5\n"},
                       {"/sys/fs/cgroup/a/memory.max", "5000\n"},
                       {"/sys/fs/cgroup/a/memory.current", "3000\n"},
                       {"/sys/fs/cgroup/a/memory.stat",
                        "anon 1\nactive_file 7\ninactive_file 1000\n"}}),
            3000u);
}

TEST(MemoryInfoTest, AGroupOutsideOurViewFallsBackToTheRoot) {
  EXPECT_EQ(Available({{"/proc/meminfo", kMeminfo},
                       {"/proc/self/cgroup", "0::/../other\n"},
                       {"/sys/fs/cgroup/memory.max", "4096\n"},
                       {"/sys/fs/cgroup/memory.current", "96\n"}}),
            4000u);
}

TEST(MemoryInfoTest, Version1LimitsCountAndItsHugeNumberIsNoLimit) {
  std::map<std::string, std::string> files = {
      {"/proc/meminfo", kMeminfo},
      {"/proc/self/cgroup", "7:cpu,memory:/job\n3:cpuset:/\n"},
      {"/sys/fs/cgroup/memory/job/memory.limit_in_bytes", "2000\n"},
      {"/sys/fs/cgroup/memory/job/memory.usage_in_bytes", "500\n"}};
  EXPECT_EQ(Available(files), 1500u);
  files["/sys/fs/cgroup/memory/job/memory.limit_in_bytes"] =
      "9223372036854771712\n";
  EXPECT_EQ(Available(files), 800u * 1024);
}

TEST(MemoryInfoTest, AGroupBeyondItsLimitLeavesNothing) {
  EXPECT_EQ(Available({{"/proc/self/cgroup", "0::/\n"},
                       {"/sys/fs/cgroup/memory.max", "100\n"},
                       {"/sys/fs/cgroup/memory.current", "300\n"}}),
            0u);
}

TEST(MemoryInfoTest, ThisMachineHasSomeMemory) {
  EXPECT_GT(AvailableMemoryBytes().value_or(0), uint64_t{1} << 20);
}

}  // namespace
}  // namespace revlm::base
