#include "memory/machine_memory.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "base/file.h"

namespace revlm::memory {
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

// What the files of one version of control groups are called.
struct GroupFiles {
  std::string_view filesystem;  // in /proc/self/mountinfo
  std::string_view usual_mount;
  std::string_view limit;
  std::string_view soft_limit;  // reclaims beyond it: as good as a limit
  std::string_view usage;
  std::string_view cache;  // in memory.stat
};
constexpr GroupFiles kVersion1 = {
    "cgroup", "/sys/fs/cgroup/memory", "memory.limit_in_bytes",
    "",       "memory.usage_in_bytes", "total_inactive_file"};
constexpr GroupFiles kVersion2 = {"cgroup2",        "/sys/fs/cgroup",
                                  "memory.max",     "memory.high",
                                  "memory.current", "inactive_file"};

void Lower(std::optional<uint64_t>& least, std::optional<uint64_t> bytes) {
  if (bytes) least = std::min(least.value_or(*bytes), *bytes);
}

void CountGroup(const GroupFiles& files, const std::string& folder,
                const ReadSystemText& read, MachineMemory& memory) {
  const auto number = [&](std::string_view name) -> std::optional<uint64_t> {
    if (name.empty()) return std::nullopt;
    const auto text = read(folder + "/" + std::string(name));
    return text ? ParseNumber(*text) : std::nullopt;
  };
  // "max" is no number: no limit.
  std::optional<uint64_t> limit = number(files.limit);
  Lower(limit, number(files.soft_limit));
  if (!limit || *limit >= kNoLimit) return;
  Lower(memory.group_limit_bytes, limit);
  const auto usage = number(files.usage);
  const auto stat = read(folder + "/memory.stat");
  const uint64_t cache = stat ? FindNumber(*stat, files.cache).value_or(0) : 0;
  const uint64_t used = usage.value_or(0) - std::min(usage.value_or(0), cache);
  Lower(memory.available_bytes, *limit - std::min(*limit, used));
}

// A mount of control groups: its place, and the group that is its root.
struct Mount {
  std::string place;
  std::string root;
};

// Lines of mountinfo are "id parent dev ROOT PLACE options - TYPE source
// SUPER-OPTIONS".
Mount FindMount(const GroupFiles& files, const ReadSystemText& read) {
  const std::string mounts = read("/proc/self/mountinfo").value_or("");
  for (const std::string_view line : Lines(mounts)) {
    const size_t dash = line.find(" - ");
    if (dash == std::string_view::npos) continue;
    std::vector<std::string_view> fields;
    for (size_t at = 0; at < dash;) {
      const size_t end = std::min(line.find(' ', at), dash);
      fields.push_back(line.substr(at, end - at));
      at = end + 1;
    }
    const std::string_view kind = line.substr(dash + 3);
    if (fields.size() < 5 ||
        !kind.starts_with(std::string(files.filesystem) + " ")) {
      continue;
    }
    const std::string options =
        "," + std::string(kind.substr(kind.rfind(' ') + 1)) + ",";
    if (files.filesystem == kVersion1.filesystem &&
        options.find(",memory,") == std::string::npos) {
      continue;
    }
    return {std::string(fields[4]), std::string(fields[3])};
  }
  return {std::string(files.usual_mount), "/"};
}

// Where `group` lies beneath `root`; `group` itself when it does not.
std::string PathBeneath(const std::string& root, const std::string& group) {
  if (root == "/" || !group.starts_with(root)) return group;
  std::string rest = group.substr(root.size());
  return rest.empty() || rest.front() == '/' ? rest : group;
}

// A group and everything above it; one outside our own view of the tree has no
// files, then the root's count.
void CountGroups(const GroupFiles& files, const std::string& path,
                 const ReadSystemText& read, MachineMemory& memory) {
  const Mount mount = FindMount(files, read);
  std::string group = PathBeneath(mount.root, path);
  while (true) {
    while (!group.empty() && group.back() == '/') group.pop_back();
    CountGroup(files, mount.place + group, read, memory);
    if (group.empty()) break;
    group.resize(std::min(group.rfind('/'), group.size() - 1));
  }
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

MachineMemory ReadMachineMemory(const ReadSystemText& read) {
  MachineMemory memory;
  if (const auto meminfo = read("/proc/meminfo")) {
    if (const auto kib = FindNumber(*meminfo, "MemAvailable:")) {
      memory.machine_bytes = *kib * 1024;
      memory.available_bytes = memory.machine_bytes;
    }
    if (const auto kib = FindNumber(*meminfo, "MemTotal:")) {
      memory.total_bytes = *kib * 1024;
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
    CountGroups(is_version_2 ? kVersion2 : kVersion1,
                std::string(line.substr(second + 1)), read, memory);
  }
  return memory;
}

std::optional<std::string> ReadMachineText(const std::string& path) {
  auto text = base::ReadSystemFile(path);
  if (!text) return std::nullopt;
  return std::move(text).value();
}

MachineMemory ReadMachineMemory() { return ReadMachineMemory(ReadMachineText); }

}  // namespace revlm::memory
