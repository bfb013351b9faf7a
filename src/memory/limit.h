// The memory a run may take, from what the user asked for and what there is.
//
// Threads: pure functions. Errors: kBudgetExceeded.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"
#include "memory/machine_memory.h"

namespace revlm::memory {

struct Limit {
  uint64_t limit_bytes = 0;
  bool is_reduced = false;  // it is less than was asked for
  std::string notice;       // one line that says so
};

// The user's figure, when no control group allows less and the machine has as
// much beside what this process holds already; otherwise 80 % of what is
// available here, or, when `strict`, a refusal.
Result<Limit> EffectiveLimit(uint64_t asked_bytes, bool strict,
                             uint64_t held_bytes, const MachineMemory& machine);

// What is kept free of a limit, for what the kernel counts and nobody can
// foresee to the byte.
inline constexpr uint64_t kMaxReserveBytes = uint64_t{2} << 30;
constexpr uint64_t ReserveBytes(uint64_t limit_bytes) {
  const uint64_t share = limit_bytes / 16;
  return share < kMaxReserveBytes ? share : kMaxReserveBytes;
}

// The least limit that leaves `needed_bytes` beside its reserve.
uint64_t LimitFor(uint64_t needed_bytes);

}  // namespace revlm::memory
