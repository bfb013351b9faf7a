#include "stats/mean_bet.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

#include "stats/log_space.h"

namespace revlm::stats {
namespace {

// Money is held within 2^-200 and 2^200, and no value multiplies it by more
// than 2^200: what is cut off there only makes e smaller.
constexpr int kMostExponent = 200;
constexpr double kMostFactor = 0x1p200;

}  // namespace

const std::array<double, MeanBet::kNumStakes>& MeanBet::Stakes() {
  static const auto kStakes = [] {
    constexpr double kNumNodes = kNumStakes - 1;
    std::array<double, kNumStakes> stakes = {1};
    for (size_t k = 1; k < kNumStakes; ++k) {
      const double root =
          std::sin(std::numbers::pi * (2 * static_cast<double>(k) - 1) /
                   (4 * kNumNodes));
      stakes[k] = root * root;
    }
    return stakes;
  }();
  return kStakes;
}

MeanBet::MeanBet(double mean) : mean_(mean) {
  money_.fill(0.5 / (kNumStakes - 1));
  money_[0] = 0.5;
}

Result<MeanBet> MeanBet::Create(double mean) {
  if (!(mean > 0 && std::isfinite(mean))) {
    return base::MakeError(ErrorCode::kInvalidArgument,
                           "setting up a bet on a mean: found a mean of {}, "
                           "allowed are finite ones above 0",
                           mean);
  }
  return MeanBet(mean);
}

Status MeanBet::Add(double value) {
  if (!(value >= 0 && std::isfinite(value))) {
    return base::MakeError(ErrorCode::kInvalidArgument,
                           "adding a value to a bet on a mean: found {}, "
                           "allowed are finite ones of 0 or more",
                           value);
  }
  Multiply(value);
  return {};
}

void MeanBet::Multiply(double value) {
  const double gain = std::min(value / mean_, kMostFactor) - 1;
  double sum = 0;
  for (size_t k = 0; k < kNumStakes; ++k) {
    money_[k] *= 1 + Stakes()[k] * gain;
    sum += money_[k];
  }
  const int direction = sum > kMostFactor ? 1 : sum < 1 / kMostFactor ? -1 : 0;
  if (direction == 0) return;
  const double scale = direction > 0 ? 1 / kMostFactor : kMostFactor;
  for (double& money : money_) money *= scale;
  exponent_ += direction * kMostExponent;
}

double MeanBet::log_e() const {
  return std::log(std::accumulate(money_.begin(), money_.end(), 0.0)) +
         static_cast<double>(exponent_) * std::numbers::ln2;
}

double LowerMeanLimit(std::span<const double> values, double log_enough) {
  const auto is_enough = [&](double mean) {
    MeanBet bet(mean);
    for (const double value : values) bet.Multiply(value);
    return bet.log_e() >= log_enough;
  };
  // e falls as the mean rises, and is 1 at most at the largest value.
  double above = values.empty() ? 0 : *std::ranges::max_element(values);
  double below = above / 2;
  for (; !is_enough(below); below /= 2) {
    if (!(below > 0x1p-1000)) return 0;
    above = below;
  }
  for (int i = 0; i < 48; ++i) {
    const double middle = std::midpoint(below, above);
    (is_enough(middle) ? below : above) = middle;
  }
  return below;
}

uint64_t FewestValues(double mean, double largest, double log_enough) {
  const double gain = (largest - mean) / mean;
  const MeanBet start(mean);
  const auto is_enough = [&](uint64_t num_values) {
    double log_e = -std::numeric_limits<double>::infinity();
    for (size_t k = 0; k < MeanBet::kNumStakes; ++k) {
      log_e = LogAdd(log_e, std::log(start.money_[k]) +
                                static_cast<double>(num_values) *
                                    std::log1p(MeanBet::Stakes()[k] * gain));
    }
    return log_e >= log_enough;
  };
  constexpr uint64_t kMost = uint64_t{1} << 62;
  uint64_t enough = 1;
  while (enough < kMost && !is_enough(enough)) enough *= 2;
  if (enough == kMost) return kMost;
  uint64_t too_few = enough / 2;
  while (enough - too_few > 1) {
    const uint64_t middle = std::midpoint(too_few, enough);
    (is_enough(middle) ? enough : too_few) = middle;
  }
  return enough;
}

}  // namespace revlm::stats
