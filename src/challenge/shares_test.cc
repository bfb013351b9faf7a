#include "challenge/shares.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

namespace revlm::challenge {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

constexpr int64_t kOne = 65536;
constexpr std::array kBalanced = {30, 20, 20, 20, 10};

void LearnMany(Shares& shares, size_t member_idx, double nats, int count) {
  for (int i = 0; i < count; ++i) shares.Learn(member_idx, nats);
}

std::vector<double> Parts(const Shares& shares) {
  const std::vector<int64_t> current = shares.Current();
  const auto sum = static_cast<double>(
      std::accumulate(current.begin(), current.end(), int64_t{0}));
  std::vector<double> parts;
  for (const int64_t share : current) {
    parts.push_back(static_cast<double>(share) / sum);
  }
  return parts;
}

TEST(SharesTest, AreTheStrategysBeforeAnOutcome) {
  const Shares shares(kBalanced, Focus::kSeparation);
  EXPECT_THAT(shares.Current(), ElementsAre(30 * kOne, 20 * kOne, 20 * kOne,
                                            20 * kOne, 10 * kOne));
}

TEST(SharesTest, AreTheStrategysWhereAllBringTheSameOrNothing) {
  for (const double nats : {0.0, 0.001, std::numeric_limits<double>::max()}) {
    Shares shares(kBalanced, Focus::kSeparation);
    for (size_t i = 0; i < kBalanced.size(); ++i) LearnMany(shares, i, nats, 3);
    const auto parts = Parts(shares);
    for (size_t i = 0; i < kBalanced.size(); ++i) {
      EXPECT_NEAR(parts[i], kBalanced[i] / 100.0, 1e-6) << nats;
    }
  }
}

// The formulas of the header, in a plain way.
TEST(SharesTest, AgreeWithTheFormula) {
  constexpr std::array kMeans = {0.001, 0.0012, 0.0011, 0.0007, 0.0};
  struct Case {
    Focus focus;
    double f;
  };
  for (const auto& [focus, f] :
       {Case{Focus::kCoverage, 1}, Case{Focus::kBalanced, 0.25},
        Case{Focus::kSeparation, 0.125}}) {
    Shares shares(kBalanced, focus);
    for (size_t i = 0; i < kMeans.size(); ++i) {
      LearnMany(shares, i, 5, 7);  // no longer among the last 32
      LearnMany(shares, i, kMeans[i], 32);
    }
    const double mean =
        std::accumulate(kMeans.begin(), kMeans.end(), 0.0) / kMeans.size();
    std::vector<double> weights;
    for (size_t i = 0; i < kMeans.size(); ++i) {
      weights.push_back(kBalanced[i] *
                        std::pow((32 * kMeans[i] + 8 * mean) / 40, 16));
    }
    const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
    const auto parts = Parts(shares);
    for (size_t i = 0; i < kMeans.size(); ++i) {
      EXPECT_NEAR(parts[i], f * kBalanced[i] / 100 + (1 - f) * weights[i] / sum,
                  1e-6);
    }
  }
}

TEST(SharesTest, OneOfWhichNothingIsKnownIsLikeTheMean) {
  Shares shares(std::array{1, 1, 1}, Focus::kBalanced);
  LearnMany(shares, 0, 0.002, 32);
  LearnMany(shares, 1, 0.001, 32);
  const auto parts = Parts(shares);
  EXPECT_GT(parts[0], parts[2]);
  EXPECT_GT(parts[2], parts[1]);
}

TEST(SharesTest, WhatIsRemovedLeavesTheOthersAsIfItHadNeverBeen) {
  Shares shares(std::array{1, 1, 2}, Focus::kBalanced);
  LearnMany(shares, 0, 0.5, 32);
  shares.Remove(0);
  LearnMany(shares, 1, 0.25, 1000);
  LearnMany(shares, 2, 0.25, 1000);
  const auto parts = Parts(shares);
  EXPECT_EQ(parts[0], 0);
  EXPECT_NEAR(parts[1], 1 / 3.0, 1e-6);
  shares.Remove(1);
  shares.Remove(2);
  EXPECT_THAT(shares.Current(), Each(0));
}

}  // namespace
}  // namespace revlm::challenge
