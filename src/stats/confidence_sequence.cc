#include "stats/confidence_sequence.h"

#include <algorithm>
#include <cmath>

namespace revlm::stats {

Result<ConfidenceSequence> ConfidenceSequence::Create(double alpha) {
  if (!(alpha > 0 && alpha < 1)) {
    return base::MakeError(ErrorCode::kInvalidArgument,
                           "setting up a confidence sequence: found an error "
                           "rate of {}, allowed are those between 0 and 1",
                           alpha);
  }
  return ConfidenceSequence(alpha);
}

ConfidenceSequence::ConfidenceSequence(double alpha)
    : log_two_over_alpha_(std::log(2) - std::log(alpha)) {}

Status ConfidenceSequence::Add(double value) {
  if (!(value >= 0 && value <= 1)) {
    return base::MakeError(ErrorCode::kInvalidArgument,
                           "adding a value to a confidence sequence: found {}, "
                           "allowed are 0 to 1; scale it by its largest "
                           "possible size",
                           value);
  }
  // What is known before the value: its weight must not depend on it.
  const auto t = static_cast<double>(num_values_ + 1);
  const double mean_before = sum_of_values_ / t;
  const double variance_before = sum_of_squares_ / t;
  const double weight =
      std::min(kMostWeight, std::sqrt(2 * log_two_over_alpha_ /
                                      (variance_before * t * std::log1p(t))));
  const double surprise = value - mean_before;
  sum_of_weights_ += weight;
  weighted_sum_ += weight * value;
  bound_sum_ += surprise * surprise * (-std::log1p(-weight) - weight);

  ++num_values_;
  sum_of_values_ += value;
  const double deviation = value - sum_of_values_ / (t + 1);
  sum_of_squares_ += deviation * deviation;
  return {};
}

Interval ConfidenceSequence::interval() const {
  if (num_values_ == 0) return {};
  const double centre = weighted_sum_ / sum_of_weights_;
  const double half_width =
      (log_two_over_alpha_ + bound_sum_) / sum_of_weights_;
  return {.lower = std::max(0.0, centre - half_width),
          .upper = std::min(1.0, centre + half_width)};
}

double ConfidenceSequence::LogEAbove(double mean) const {
  return weighted_sum_ - mean * sum_of_weights_ - bound_sum_;
}

double ConfidenceSequence::LogEBelow(double mean) const {
  return mean * sum_of_weights_ - weighted_sum_ - bound_sum_;
}

}  // namespace revlm::stats
