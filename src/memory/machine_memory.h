// How much memory this process may take: what the machine has left, and what
// each control group above it (version 1 or 2) allows.
//
// A group's page cache that can be dropped (`inactive_file`) counts as free.
//
// Threads: pure functions of what is read. Errors: none; a file that is absent
// or makes no sense is not counted.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace revlm::memory {

// Gives the text of a file of /proc or /sys, or nothing.
using ReadSystemText =
    std::function<std::optional<std::string>(const std::string& path)>;
std::optional<std::string> ReadMachineText(const std::string& path);

struct MachineMemory {
  // The least limit of this process's group and of those above it.
  std::optional<uint64_t> group_limit_bytes;
  // The least of what the machine has left and what each group has left.
  std::optional<uint64_t> available_bytes;
  // What the machine has left, whatever groups allow.
  std::optional<uint64_t> machine_bytes;
  // What the machine has, used or not.
  std::optional<uint64_t> total_bytes;
};

MachineMemory ReadMachineMemory(const ReadSystemText& read);
MachineMemory ReadMachineMemory();  // of this machine and process

// The number after `name` at the start of a line of "name value" text, such as
// "MemAvailable:" in /proc/meminfo. In the file's own unit.
std::optional<uint64_t> FindNumber(std::string_view text,
                                   std::string_view name);

}  // namespace revlm::memory
