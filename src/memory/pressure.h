// How much the machine is in need of memory and processors, as Linux tells it:
// /proc/pressure/memory and cpu (PSI) and /proc/loadavg.
//
// Threads: pure functions of what is read. Errors: none; what is absent or
// makes no sense is unknown.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "memory/machine_memory.h"

namespace revlm::memory {

struct Pressure {
  // Of the last ten seconds, those in which some task waited for memory, or for
  // a processor: 0 to 100.
  std::optional<double> memory_stall_percent;
  std::optional<double> cpu_stall_percent;
  // Tasks that run or want to, a mean over about a minute.
  std::optional<double> load;
  // As MachineMemory has it.
  std::optional<uint64_t> available_bytes;
};

Pressure ReadPressure(const ReadSystemText& read);
Pressure ReadPressure();  // of this machine and process

// "some avg10" of a file of /proc/pressure:
//   some avg10=1.53 avg60=1.20 avg300=0.51 total=4122134
std::optional<double> ParseStallPercent(std::string_view text);

// The first number of /proc/loadavg: 0.52 0.41 0.30 2/345 6789
std::optional<double> ParseLoad(std::string_view text);

}  // namespace revlm::memory
