// How much memory runs may take, and how much there is.
//
// Figures ending in `_gb` are GiB, as the parallel guide writes them.
//
// Threads: values and const functions. Errors: kInvalidArgument. Determinism:
// none; what is free changes from one moment to the next.
#pragma once

#include <cstdint>

#include "revlm/error.h"

namespace revlm {

struct MemoryConfig {
  double total_limit_gb = 36.0;
  double per_process_gb = 2.0;  // what a worker begins with
  double buffer_gb = 2.0;       // of the total, what no run may take

  // How many workers fit beside the buffer: 17 of the default. 0: the
  // configuration is refused.
  int32_t max_processes() const;

  bool operator==(const MemoryConfig&) const = default;
};

// Refuses what is no amount, and a total without room for the buffer and one
// worker.
Status CheckMemoryConfig(const MemoryConfig& config);

// The default configuration; buffer and worker are smaller where the total is
// small: a sixteenth of it, and what that leaves.
MemoryConfig MemoryConfigFor(double total_limit_gb);

struct MemorySnapshot {
  double total_limit_gb = 0;
  double allocated_gb = 0;  // held by this process and those it started, as PSS
  double available_gb = 0;  // of the limit, free for use now
  // The most this process ever held, or what is allocated when that is more.
  double peak_gb = 0;
  double system_gb = 0;            // the machine's
  double system_available_gb = 0;  // of it, what control groups leave free
};

class MemoryMonitor {
 public:
  static Result<MemoryMonitor> Create(
      double total_limit_gb = MemoryConfig().total_limit_gb);

  // What of the limit is free for use now: no more than it leaves beside what
  // this process and its workers hold, and no more than the machine and the
  // control groups of this process have left.
  double GetAvailableMemory() const { return Snapshot().available_gb; }
  double GetSystemMemory() const { return Snapshot().system_gb; }
  // The kernel walks all pages for it, about 10 ms for each GiB.
  MemorySnapshot Snapshot() const;

 private:
  explicit MemoryMonitor(double total_limit_gb)
      : total_limit_gb_(total_limit_gb) {}

  double total_limit_gb_;
};

}  // namespace revlm
