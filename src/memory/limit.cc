#include "memory/limit.h"

#include <algorithm>
#include <limits>

namespace revlm::memory {
namespace {

double Gibibytes(uint64_t bytes) {
  return static_cast<double>(bytes) / (1 << 30);
}

}  // namespace

Result<Limit> EffectiveLimit(uint64_t asked_bytes, bool strict,
                             uint64_t held_bytes,
                             const MachineMemory& machine) {
  constexpr uint64_t kNoBound = std::numeric_limits<uint64_t>::max();
  auto plus_held = [&](std::optional<uint64_t> bytes) {
    return bytes && *bytes < kNoBound - held_bytes ? *bytes + held_bytes
                                                   : kNoBound;
  };
  if (asked_bytes <= machine.group_limit_bytes.value_or(kNoBound) &&
      asked_bytes <= plus_held(machine.machine_bytes)) {
    return Limit{.limit_bytes = asked_bytes};
  }
  const uint64_t available =
      std::min(plus_held(machine.available_bytes),
               machine.group_limit_bytes.value_or(kNoBound));
  const uint64_t reduced = available / 5 * 4;
  if (strict) {
    return base::MakeError(
        ErrorCode::kBudgetExceeded,
        "memory: {:.1f} GiB asked, {:.1f} GiB available here; ask for less, or "
        "leave out --memory-strict to use {:.1f} GiB (80 %)",
        Gibibytes(asked_bytes), Gibibytes(available), Gibibytes(reduced));
  }
  return Limit{
      reduced, true,
      fmt::format("memory {:.1f} GiB asked, {:.1f} GiB available here, using "
                  "{:.1f} GiB (80 %)",
                  Gibibytes(asked_bytes), Gibibytes(available),
                  Gibibytes(reduced))};
}

uint64_t LimitFor(uint64_t needed_bytes) {
  uint64_t low = needed_bytes;
  uint64_t high =
      needed_bytes + std::min(kMaxReserveBytes, needed_bytes / 15 + 1);
  while (low < high) {
    const uint64_t middle = low + (high - low) / 2;
    if (middle - ReserveBytes(middle) >= needed_bytes) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

}  // namespace revlm::memory
