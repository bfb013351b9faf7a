// How long things took, in few bytes: counts in classes, each a fifth longer
// than the one before.
//
// Threads: thread-compatible. Memory: fixed, below 1 KiB. Determinism: of what
// was added, in any order.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace revlm::run {

class Latencies {
 public:
  void Add(double seconds);

  int64_t count() const { return count_; }
  double sum_seconds() const { return sum_seconds_; }
  // What `share` of them did not exceed, to within a tenth; 0 of none.
  double Quantile(double share) const;

  // For a histogram: bounds of a millisecond and each four times the last.
  static constexpr size_t kNumBounds = 13;
  static double Bound(size_t bound_idx);
  // How many took no longer than that.
  int64_t CountWithin(size_t bound_idx) const;

 private:
  static constexpr size_t kClassesPerDoubling = 4;
  static constexpr size_t kNumClasses =
      2 * kClassesPerDoubling * (kNumBounds - 1) + 2;

  // Class 0 ends at a millisecond; the last has no end.
  std::array<int64_t, kNumClasses> counts_ = {};
  int64_t count_ = 0;
  double sum_seconds_ = 0;
};

}  // namespace revlm::run
