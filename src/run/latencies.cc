#include "run/latencies.h"

#include <algorithm>
#include <cmath>

namespace revlm::run {
namespace {

constexpr double kLeastSeconds = 0.001;

}  // namespace

void Latencies::Add(double seconds) {
  const double value = std::max(seconds, 0.0);
  double class_idx = 0;
  if (value > kLeastSeconds) {
    class_idx = std::ceil(std::log2(value / kLeastSeconds) *
                          static_cast<double>(kClassesPerDoubling));
  }
  ++counts_[std::min(static_cast<size_t>(class_idx), kNumClasses - 1)];
  ++count_;
  sum_seconds_ += value;
}

double Latencies::Quantile(double share) const {
  if (count_ == 0) return 0;
  const int64_t rank = std::clamp(
      static_cast<int64_t>(std::ceil(share * static_cast<double>(count_))),
      int64_t{1}, count_);
  int64_t seen = 0;
  size_t class_idx = 0;
  while (seen + counts_[class_idx] < rank) seen += counts_[class_idx++];
  // The middle of the class, on the scale on which classes are equal.
  return kLeastSeconds * std::exp2((static_cast<double>(class_idx) - 0.5) /
                                   static_cast<double>(kClassesPerDoubling));
}

double Latencies::Bound(size_t bound_idx) {
  return kLeastSeconds * std::exp2(2.0 * static_cast<double>(bound_idx));
}

int64_t Latencies::CountWithin(size_t bound_idx) const {
  const size_t num_classes = 2 * kClassesPerDoubling * bound_idx + 1;
  int64_t count = 0;
  for (size_t i = 0; i < num_classes; ++i) count += counts_[i];
  return count;
}

}  // namespace revlm::run
