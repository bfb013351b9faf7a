#include "challenge/shares.h"

#include <algorithm>

#include "base/check.h"

namespace revlm::challenge {
namespace {

constexpr size_t kMaxRecent = 32;
constexpr double kNumAtTheMean = 8;
constexpr int64_t kResolution = 65536;  // for each 1 by the strategy
// Of what two models can be apart; a sum of some of these is finite.
constexpr double kMostNats = 0x1p64;

double SixteenthPower(double x) {
  const double square = x * x;
  const double fourth = square * square;
  const double eighth = fourth * fourth;
  return eighth * eighth;
}

}  // namespace

Shares::Shares(std::span<const int> by_strategy, Focus focus) : focus_(focus) {
  for (const int share : by_strategy) {
    REVLM_CHECK(share > 0);
    members_.push_back({.by_strategy = share, .recent = {}});
  }
}

void Shares::Learn(size_t member_idx, double information_nats) {
  std::deque<double>& recent = members_[member_idx].recent;
  recent.push_back(std::min(information_nats, kMostNats));
  if (recent.size() > kMaxRecent) recent.pop_front();
}

void Shares::Remove(size_t member_idx) { members_[member_idx].by_strategy = 0; }

std::vector<double> Shares::Means() const {
  std::vector<double> sums(members_.size());
  double sum = 0;
  double count = 0;
  for (size_t i = 0; i < members_.size(); ++i) {
    for (const double nats : members_[i].recent) sums[i] += nats;
    sum += sums[i];
    count += static_cast<double>(members_[i].recent.size());
  }
  if (count == 0) return sums;
  for (size_t i = 0; i < members_.size(); ++i) {
    sums[i] = (sums[i] + kNumAtTheMean * (sum / count)) /
              (static_cast<double>(members_[i].recent.size()) + kNumAtTheMean);
  }
  return sums;
}

std::vector<int64_t> Shares::Current() const {
  const std::vector<double> means = Means();
  int64_t sum_by_strategy = 0;
  double largest_mean = 0;
  for (size_t i = 0; i < members_.size(); ++i) {
    if (members_[i].by_strategy == 0) continue;
    sum_by_strategy += members_[i].by_strategy;
    largest_mean = std::max(largest_mean, means[i]);
  }
  std::vector<double> weights(members_.size());
  double sum_of_weights = 0;
  for (size_t i = 0; i < members_.size() && largest_mean > 0; ++i) {
    weights[i] =
        members_[i].by_strategy * SixteenthPower(means[i] / largest_mean);
    sum_of_weights += weights[i];
  }
  // Of each share by the strategy, in units of which 2^16 are a share of 1.
  const int64_t kept = sum_of_weights > 0
                           ? kResolution / 8 * EighthsByStrategy(focus_)
                           : kResolution;
  const auto moved =
      static_cast<double>((kResolution - kept) * sum_by_strategy);
  std::vector<int64_t> shares(members_.size());
  for (size_t i = 0; i < members_.size(); ++i) {
    shares[i] = kept * members_[i].by_strategy;
    if (sum_of_weights > 0) {
      shares[i] += static_cast<int64_t>(moved * weights[i] / sum_of_weights);
    }
  }
  return shares;
}

}  // namespace revlm::challenge
