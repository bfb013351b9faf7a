#include "base/memory_info.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "base/file.h"

namespace revlm::base {
namespace {

// Version 1 says "no limit" with a number near 2^63.
constexpr uint64_t kNoLimit = uint64_t{1} << 60;

std::optional<uint64_t> ParseNumber(std::string_view text) {
  const size_t start = text.find_first_not_of(" \t");
  if (start == std::string_view::npos) return std::nullopt;
  text.remove_prefix(start);
  uint64_t value = 0;
  const auto parsed =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc()) return std::nullopt;
  return value;
}

std::vector<std::string_view> Lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

// Where the files of one version of control groups lie and what they are
// called.
struct GroupFiles {
  std::string_view mount;
  std::string_view limit;
  std::string_view usage;
  std::string_view cache;  // in memory.stat
};
constexpr GroupFiles kVersion1 = {
    "/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes",
    "total_inactive_file"};
constexpr GroupFiles kVersion2 = {"/sys/fs/cgroup", "memory.max",
                                  "memory.current", "inactive_file"};

std::optional<uint64_t> LeftInGroup(const GroupFiles& files,
                                    const std::string& group,
                                    const ReadSystemText& read) {
  const std::string folder = std::string(files.mount) + group + "/";
  const auto number = [&](std::string_view name) {
    const auto text = read(folder + std::string(name));
    return text ? ParseNumber(*text) : std::nullopt;
  };
  const auto limit = number(files.limit);  // "max" is no number: no limit
  if (!limit || *limit >= kNoLimit) return std::nullopt;
  const auto usage = number(files.usage);
  if (!usage) return *limit;
  const auto stat = read(folder + "memory.stat");
  const uint64_t cache = stat ? FindNumber(*stat, files.cache).value_or(0) : 0;
  const uint64_t used = *usage - std::min(*usage, cache);
  return *limit - std::min(*limit, used);
}

}  // namespace

std::optional<uint64_t> FindNumber(std::string_view text,
                                   std::string_view name) {
  for (const std::string_view line : Lines(text)) {
    if (line.starts_with(name) && line.find_first_of(" \t") == name.size()) {
      return ParseNumber(line.substr(name.size()));
    }
  }
  return std::nullopt;
}

std::optional<uint64_t> AvailableMemoryBytes(const ReadSystemText& read) {
  std::optional<uint64_t> available;
  const auto lower = [&](std::optional<uint64_t> bytes) {
    if (bytes) available = std::min(available.value_or(*bytes), *bytes);
  };
  if (const auto meminfo = read("/proc/meminfo")) {
    if (const auto kib = FindNumber(*meminfo, "MemAvailable:")) {
      lower(*kib * 1024);
    }
  }
  // Lines are "number:controllers:path"; version 2 is "0::path".
  const std::string groups = read("/proc/self/cgroup").value_or("");
  for (const std::string_view line : Lines(groups)) {
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos) {
      continue;
    }
    const std::string controllers =
        "," + std::string(line.substr(first + 1, second - first - 1)) + ",";
    const bool is_version_2 = line.starts_with("0::");
    if (!is_version_2 && controllers.find(",memory,") == std::string::npos) {
      continue;
    }
    // The group itself and everything above it; a group outside our own view of
    // the tree has no files, then the root's count.
    std::string group(line.substr(second + 1));
    while (true) {
      while (!group.empty() && group.back() == '/') group.pop_back();
      lower(LeftInGroup(is_version_2 ? kVersion2 : kVersion1, group, read));
      if (group.empty()) break;
      group.resize(std::min(group.rfind('/'), group.size() - 1));
    }
  }
  return available;
}

std::optional<uint64_t> AvailableMemoryBytes() {
  return AvailableMemoryBytes(
      [](const std::string& path) -> std::optional<std::string> {
        auto text = ReadSystemFile(path);
        if (!text) return std::nullopt;
        return std::move(text).value();
      });
}

}  // namespace revlm::base
