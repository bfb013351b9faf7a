#include "memory/budget.h"

#include <algorithm>

namespace revlm::memory {

std::string_view UseName(Use use) {
  static constexpr std::string_view kNames[kNumUses] = {
      "program",         "weights", "slabs",  "activations",
      "keys and values", "scratch", "results"};
  return kNames[static_cast<size_t>(use)];
}

void Reservation::Release() {
  if (budget_ == nullptr) return;
  budget_->Return(size_bytes_, use_);
  budget_ = nullptr;
  size_bytes_ = 0;
}

Result<Reservation> Budget::Reserve(uint64_t size_bytes, Use use) {
  const std::lock_guard lock(mutex_);
  if (size_bytes > limit_bytes_ - reserved_bytes_) {
    return base::MakeError(
        ErrorCode::kBudgetExceeded,
        "reserving {} bytes for {}: {} of {} bytes are held already",
        size_bytes, UseName(use), reserved_bytes_, limit_bytes_);
  }
  reserved_bytes_ += size_bytes;
  by_use_[static_cast<size_t>(use)] += size_bytes;
  peak_bytes_ = std::max(peak_bytes_, reserved_bytes_);
  return Reservation(this, size_bytes, use);
}

void Budget::Return(uint64_t size_bytes, Use use) {
  const std::lock_guard lock(mutex_);
  reserved_bytes_ -= size_bytes;
  by_use_[static_cast<size_t>(use)] -= size_bytes;
}

uint64_t Budget::reserved_bytes() const {
  const std::lock_guard lock(mutex_);
  return reserved_bytes_;
}

uint64_t Budget::reserved_bytes(Use use) const {
  const std::lock_guard lock(mutex_);
  return by_use_[static_cast<size_t>(use)];
}

uint64_t Budget::peak_bytes() const {
  const std::lock_guard lock(mutex_);
  return peak_bytes_;
}

}  // namespace revlm::memory
