#include "revlm/memory.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>

#include "base/error.h"
#include "memory/machine_memory.h"
#include "memory/process_memory.h"
#include "memory/process_tree.h"
#include "revlm/run.h"

namespace revlm {
namespace {

double Gibibytes(uint64_t bytes) {
  return static_cast<double>(bytes) / (1 << 30);
}

// Written so that what is not a number is refused.
Status CheckAmount(std::string_view name, double value) {
  if (value > 0 && value <= kMaxGibibytes) return {};
  return base::MakeError(
      ErrorCode::kInvalidArgument,
      "memory: found {} {}, allowed is more than 0 and at most {} GiB", name,
      value, kMaxGibibytes);
}

}  // namespace

int32_t MemoryConfig::max_processes() const {
  if (!CheckMemoryConfig(*this)) return 0;
  const double count =
      std::floor((total_limit_gb - buffer_gb) / per_process_gb);
  return static_cast<int32_t>(
      std::clamp<double>(count, 1, std::numeric_limits<int32_t>::max()));
}

Status CheckMemoryConfig(const MemoryConfig& config) {
  REVLM_TRY(CheckAmount("total_limit_gb", config.total_limit_gb));
  REVLM_TRY(CheckAmount("per_process_gb", config.per_process_gb));
  if (config.buffer_gb != 0) {
    REVLM_TRY(CheckAmount("buffer_gb", config.buffer_gb));
  }
  if (config.per_process_gb <= config.total_limit_gb - config.buffer_gb) {
    return {};
  }
  return base::MakeError(
      ErrorCode::kInvalidArgument,
      "memory: found per_process_gb {} and buffer_gb {} of total_limit_gb {}, "
      "allowed is no more than the total; raise it, or lower one of them",
      config.per_process_gb, config.buffer_gb, config.total_limit_gb);
}

MemoryConfig MemoryConfigFor(double total_limit_gb) {
  MemoryConfig config;
  config.total_limit_gb = total_limit_gb;
  config.buffer_gb = std::min(config.buffer_gb, total_limit_gb / 16);
  config.per_process_gb =
      std::min(config.per_process_gb, total_limit_gb - config.buffer_gb);
  return config;
}

Result<MemoryMonitor> MemoryMonitor::Create(double total_limit_gb) {
  REVLM_TRY(CheckAmount("total_limit_gb", total_limit_gb));
  return MemoryMonitor(total_limit_gb);
}

MemorySnapshot MemoryMonitor::Snapshot() const {
  const uint64_t allocated_bytes =
      memory::Total(memory::ReadProcessTree(getpid())).pss_bytes();
  const uint64_t peak_bytes = memory::ReadProcessMemory().peak_bytes;
  const memory::MachineMemory machine = memory::ReadMachineMemory();
  MemorySnapshot snapshot = {
      .total_limit_gb = total_limit_gb_,
      .allocated_gb = Gibibytes(allocated_bytes),
      .peak_gb = Gibibytes(std::max(peak_bytes, allocated_bytes)),
      .system_gb = Gibibytes(machine.total_bytes.value_or(0)),
      .system_available_gb = Gibibytes(machine.available_bytes.value_or(0))};
  snapshot.available_gb =
      std::max(total_limit_gb_ - snapshot.allocated_gb, 0.0);
  if (machine.available_bytes) {
    snapshot.available_gb =
        std::min(snapshot.available_gb, snapshot.system_available_gb);
  }
  return snapshot;
}

}  // namespace revlm
