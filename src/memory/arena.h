// One mapping made at the start, every page of it present, cut into regions.
//
// What is in it cannot grow, and later writes take no memory that was not there
// from the first moment: the resident size is flat.
//
// Threads: constant once mapped. Lifetime: of the budget it was reserved in.
// Memory: `MappedBytes`, given back by the destructor. Errors:
// kBudgetExceeded (the budget, or the system).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "base/error.h"
#include "memory/budget.h"

namespace revlm::memory {

struct Region {
  Use use = Use::kScratch;
  uint64_t size_bytes = 0;
};

class Arena {
 public:
  // Reserves every region in `budget`, rounded up to pages, or none; then maps
  // them together.
  static Result<Arena> Map(Budget& budget, std::span<const Region> regions);

  // What Map takes for these regions, rounding included.
  static uint64_t MappedBytes(std::span<const Region> regions);

  Arena() = default;
  Arena(Arena&& other) noexcept { Swap(other); }
  Arena& operator=(Arena&& other) noexcept {
    Swap(other);
    return *this;
  }
  ~Arena();

  // Aligned to a page; the first one to a huge page. As long as was asked for.
  std::span<std::byte> region(size_t region_idx) const {
    return regions_[region_idx];
  }
  uint64_t size_bytes() const { return size_bytes_; }

 private:
  void Swap(Arena& other) {
    std::swap(data_, other.data_);
    std::swap(size_bytes_, other.size_bytes_);
    std::swap(reservations_, other.reservations_);
    std::swap(regions_, other.regions_);
  }

  std::byte* data_ = nullptr;
  uint64_t size_bytes_ = 0;
  std::vector<Reservation> reservations_;
  std::vector<std::span<std::byte>> regions_;
};

}  // namespace revlm::memory
