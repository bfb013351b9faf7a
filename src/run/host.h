// Facts of this machine: what it computes with, not whose it is, as a run's
// manifest notes it, and what memory there is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/error.h"
#include "memory/limit.h"

namespace revlm::run {

struct Host {
  std::string cpu;            // "AMD EPYC 9B14"; empty: unknown
  int32_t num_cpus = 0;       // that this process may use
  uint64_t memory_bytes = 0;  // of the machine; 0: unknown
};

Host DescribeHost();

// The most memory this process has held so far.
uint64_t PeakMemoryBytes();

// The memory this process may take now, `asked_bytes` or the default of
// RunOptions::memory_limit_bytes. Only what was asked for can be refused:
// kBudgetExceeded, with `strict` and less to be had (memory/limit.h).
Result<memory::Limit> ProcessLimit(std::optional<uint64_t> asked_bytes,
                                   bool strict);

}  // namespace revlm::run
