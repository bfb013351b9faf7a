#include "memory/process_tree.h"

#include <dirent.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "base/file.h"
#include "memory/machine_memory.h"

namespace revlm::memory {
namespace {

struct Process {
  int32_t pid = 0;
  int32_t parent_pid = 0;
  double cpu_seconds = 0;
};

// Of the text of a /proc/PID/stat: "PID (NAME) STATE PARENT ...". The name may
// hold anything, a ")" as well.
std::optional<Process> ParseStat(int32_t pid, const std::string& text) {
  const size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  static const double ticks_per_second =
      static_cast<double>(std::max(sysconf(_SC_CLK_TCK), 1L));
  Process process = {.pid = pid};
  uint64_t user = 0;
  uint64_t system = 0;
  int64_t children_user = 0;
  int64_t children_system = 0;
  const int num_read = std::sscanf(
      text.c_str() + name_end + 1,
      " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %ld %ld",
      &process.parent_pid, &user, &system, &children_user, &children_system);
  if (num_read != 5) return std::nullopt;
  process.cpu_seconds = (static_cast<double>(user + system) +
                         static_cast<double>(children_user + children_system)) /
                        ticks_per_second;
  return process;
}

std::optional<Process> ReadProcess(int32_t pid) {
  const auto text = base::ReadSystemFile(fmt::format("/proc/{}/stat", pid));
  return text ? ParseStat(pid, *text) : std::nullopt;
}

// Whether this process has any, ended or not.
bool HasChildren() {
  siginfo_t info = {};
  return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

std::vector<Process> ReadProcesses() {
  std::vector<Process> processes;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir("/proc"), closedir);
  if (!folder) return processes;
  while (const struct dirent* entry = readdir(folder.get())) {
    const std::string_view name = entry->d_name;
    int32_t pid = 0;
    const auto parsed =
        std::from_chars(name.data(), name.data() + name.size(), pid);
    if (parsed.ec != std::errc()) continue;
    if (const auto process = ReadProcess(pid)) processes.push_back(*process);
  }
  return processes;
}

// Those among which the descendants of `root_pid` are.
std::vector<Process> ReadCandidates(int32_t root_pid) {
  // Not every kernel lists a process's children: all are looked at, which takes
  // kernel memory for each and is spared where there are none.
  if (root_pid != getpid() || HasChildren()) return ReadProcesses();
  const auto self = ReadProcess(root_pid);
  return self ? std::vector<Process>{*self} : std::vector<Process>{};
}

}  // namespace

PrivateAndMapped PssOf(std::string_view rollup, std::string_view status) {
  const auto bytes = [](std::string_view text, std::string_view name) {
    return FindNumber(text, name).value_or(0) * 1024;
  };
  const uint64_t pss = bytes(rollup, "Pss:");
  if (pss == 0) {
    return {
        .private_bytes = bytes(status, "RssAnon:") + bytes(status, "RssShmem:"),
        .mapped_bytes = bytes(status, "RssFile:")};
  }
  // Kernels before 5.9 only say what is anonymous.
  const uint64_t mapped =
      FindNumber(rollup, "Pss_File:")
          ? bytes(rollup, "Pss_File:")
          : pss - std::min(pss, bytes(rollup, "Anonymous:"));
  return {.private_bytes = pss - std::min(pss, mapped), .mapped_bytes = mapped};
}

std::vector<ProcessUse> ReadProcessTree(int32_t root_pid) {
  const std::vector<Process> all = ReadCandidates(root_pid);
  std::vector<ProcessUse> tree;
  const auto add = [&](const Process& process) {
    const std::string folder = fmt::format("/proc/{}/", process.pid);
    const std::string rollup =
        base::ReadSystemFile(folder + "smaps_rollup").value_or("");
    const std::string status =
        base::ReadSystemFile(folder + "status").value_or("");
    tree.push_back({.pid = process.pid,
                    .memory = PssOf(rollup, status),
                    .cpu_seconds = process.cpu_seconds});
  };
  const auto root = std::ranges::find(all, root_pid, &Process::pid);
  if (root == all.end()) return tree;
  add(*root);
  for (size_t i = 0; i < tree.size(); ++i) {
    const int32_t pid = tree[i].pid;
    for (const Process& process : all) {
      const bool is_new =
          std::ranges::find(tree, process.pid, &ProcessUse::pid) == tree.end();
      if (process.parent_pid == pid && is_new) add(process);
    }
  }
  return tree;
}

ProcessUse Total(const std::vector<ProcessUse>& tree) {
  ProcessUse total;
  if (!tree.empty()) total.pid = tree.front().pid;
  for (const ProcessUse& process : tree) {
    total.memory.private_bytes += process.memory.private_bytes;
    total.memory.mapped_bytes += process.memory.mapped_bytes;
    total.cpu_seconds += process.cpu_seconds;
  }
  return total;
}

}  // namespace revlm::memory
