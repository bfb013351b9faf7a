#include "memory/machine_memory.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace revlm::memory {
namespace {

MachineMemory Read(std::map<std::string, std::string> files) {
  return ReadMachineMemory(
      [&](const std::string& path) -> std::optional<std::string> {
        const auto file = files.find(path);
        if (file == files.end()) return std::nullopt;
        return file->second;
      });
}

std::optional<uint64_t> Available(std::map<std::string, std::string> files) {
  return Read(std::move(files)).available_bytes;
}

constexpr char kMeminfo[] =
    "MemTotal:       1000 kB\n"
    "MemFree:         100 kB\n"
    "MemAvailable:    800 kB\n";

TEST(MachineMemoryTest, WithoutGroupsTheMachineDecides) {
  EXPECT_EQ(Available({{"/proc/meminfo", kMeminfo}}), 800u * 1024);
}

TEST(MachineMemoryTest, TheMachineIsToldApartFromWhatIsLeftOfIt) {
  const MachineMemory memory = Read({{"/proc/meminfo", kMeminfo}});
  EXPECT_EQ(memory.total_bytes, 1000u * 1024);
  EXPECT_EQ(memory.machine_bytes, 800u * 1024);
  EXPECT_EQ(Read({}).total_bytes, std::nullopt);
}

TEST(MachineMemoryTest, NothingReadableGivesNothing) {
  EXPECT_EQ(Available({}), std::nullopt);
  EXPECT_EQ(Available({{"/proc/meminfo", "MemAvailable: lots\n"},
                       {"/proc/self/cgroup", "nonsense\n:\n"}}),
            std::nullopt);
}

TEST(MachineMemoryTest, TheTightestVersion2GroupOfThePathCounts) {
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

TEST(MachineMemoryTest, AGroupOutsideOurViewFallsBackToTheRoot) {
  EXPECT_EQ(Available({{"/proc/meminfo", kMeminfo},
                       {"/proc/self/cgroup", "0::/../other\n"},
                       {"/sys/fs/cgroup/memory.max", "4096\n"},
                       {"/sys/fs/cgroup/memory.current", "96\n"}}),
            4000u);
}

TEST(MachineMemoryTest, Version1LimitsCountAndItsHugeNumberIsNoLimit) {
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

TEST(MachineMemoryTest, TheLeastLimitAboveCountsWhateverIsUsed) {
  const MachineMemory memory =
      Read({{"/proc/meminfo", kMeminfo},
            {"/proc/self/cgroup", "0::/a/b/c\n"},
            {"/sys/fs/cgroup/a/b/c/memory.max", "9000\n"},
            {"/sys/fs/cgroup/a/b/memory.max", "max\n"},
            {"/sys/fs/cgroup/a/b/memory.high", "7000\n"},
            {"/sys/fs/cgroup/a/memory.max", "8000\n"},
            {"/sys/fs/cgroup/a/memory.current", "6000\n"}});
  EXPECT_EQ(memory.group_limit_bytes, 7000u);
  EXPECT_EQ(memory.available_bytes, 2000u);
  EXPECT_EQ(memory.machine_bytes, 800u * 1024);
}

TEST(MachineMemoryTest, GroupsAreFoundWhereTheyAreMounted) {
  const MachineMemory memory =
      Read({{"/proc/self/mountinfo",
             "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n"
             "33 31 0:30 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
             "34 31 0:31 /docker/x /mnt/mem rw shared:9 - cgroup cgroup "
             "rw,memory\n"},
            {"/proc/self/cgroup", "4:memory:/docker/x/job\n"},
            {"/mnt/mem/job/memory.limit_in_bytes", "5000\n"},
            {"/mnt/mem/memory.limit_in_bytes", "4000\n"}});
  EXPECT_EQ(memory.group_limit_bytes, 4000u);
}

TEST(MachineMemoryTest, AMountIsOfItsOwnGroupNotOfOneNamedAlike) {
  // Nothing of /docker/xy is below /docker/x: its mount counts, no more.
  const MachineMemory memory =
      Read({{"/proc/self/mountinfo",
             "34 31 0:31 /docker/x /mnt/mem rw - cgroup2 cgroup2 rw\n"},
            {"/proc/self/cgroup", "0::/docker/xy/job\n"},
            {"/mnt/memy/job/memory.max", "1000\n"},
            {"/mnt/mem/memory.max", "4000\n"}});
  EXPECT_EQ(memory.group_limit_bytes, 4000u);
}

TEST(MachineMemoryTest, BothVersionsCountWhereBothAreMounted) {
  std::map<std::string, std::string> files = {
      {"/proc/self/mountinfo",
       "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n"
       "a line that makes no sense\n"
       "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
       "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"},
      {"/proc/self/cgroup", "4:memory:/jobs/a\n0::/slice\n"},
      {"/sys/fs/cgroup/memory/jobs/a/memory.limit_in_bytes", "9000\n"},
      {"/sys/fs/cgroup/memory/jobs/memory.limit_in_bytes", "8000\n"},
      {"/sys/fs/cgroup/memory/jobs/memory.usage_in_bytes", "6000\n"},
      {"/sys/fs/cgroup/memory/jobs/memory.stat",
       "inactive_file 1\ntotal_inactive_file 500\n"}};
  EXPECT_EQ(Read(files).group_limit_bytes, 8000u);
  EXPECT_EQ(Read(files).available_bytes, 2500u);
  files["/sys/fs/cgroup/unified/slice/memory.max"] = "2000\n";
  EXPECT_EQ(Read(files).group_limit_bytes, 2000u);
  EXPECT_EQ(Read(files).available_bytes, 2000u);
}

TEST(MachineMemoryTest, AGroupBeyondItsLimitLeavesNothing) {
  EXPECT_EQ(Available({{"/proc/self/cgroup", "0::/\n"},
                       {"/sys/fs/cgroup/memory.max", "100\n"},
                       {"/sys/fs/cgroup/memory.current", "300\n"}}),
            0u);
}

TEST(MachineMemoryTest, ThisMachineHasSomeMemory) {
  EXPECT_GT(ReadMachineMemory().available_bytes.value_or(0), uint64_t{1} << 20);
}

}  // namespace
}  // namespace revlm::memory
