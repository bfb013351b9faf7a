// Facts of this machine that a run's manifest notes: what it computes with, not
// whose it is.
#pragma once

#include <cstdint>
#include <string>

namespace revlm::run {

struct Host {
  std::string cpu;            // "AMD EPYC 9B14"; empty: unknown
  int32_t num_cpus = 0;       // that this process may use
  uint64_t memory_bytes = 0;  // of the machine; 0: unknown
};

Host DescribeHost();

// The most memory this process has held so far.
uint64_t PeakMemoryBytes();

}  // namespace revlm::run
