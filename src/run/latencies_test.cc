#include "run/latencies.h"

#include <gtest/gtest.h>

#include <cmath>

namespace revlm::run {
namespace {

TEST(LatenciesTest, QuantilesAreWithinATenth) {
  Latencies latencies;
  EXPECT_EQ(latencies.Quantile(0.5), 0);
  for (int i = 1; i <= 1000; ++i) latencies.Add(i * 0.01);
  EXPECT_EQ(latencies.count(), 1000);
  EXPECT_NEAR(latencies.sum_seconds(), 5005, 1e-6);
  for (const double share : {0.01, 0.25, 0.5, 0.95, 0.99, 1.0}) {
    EXPECT_NEAR(latencies.Quantile(share) / (share * 10), 1, 0.1) << share;
  }
  EXPECT_LE(latencies.Quantile(0), latencies.Quantile(0.01));
}

TEST(LatenciesTest, BoundsCountWhatIsNoLonger) {
  Latencies latencies;
  for (size_t i = 0; i < Latencies::kNumBounds; ++i) {
    latencies.Add(Latencies::Bound(i));
    latencies.Add(Latencies::Bound(i) * 1.2);
  }
  for (size_t i = 0; i < Latencies::kNumBounds; ++i) {
    EXPECT_EQ(latencies.CountWithin(i), static_cast<int64_t>(2 * i + 1)) << i;
  }
  EXPECT_DOUBLE_EQ(Latencies::Bound(0), 0.001);
  EXPECT_DOUBLE_EQ(Latencies::Bound(5), 1.024);
}

TEST(LatenciesTest, ExtremesFindAPlace) {
  Latencies latencies;
  latencies.Add(-1);
  latencies.Add(0);
  latencies.Add(1e300);
  EXPECT_EQ(latencies.count(), 3);
  EXPECT_EQ(latencies.CountWithin(0), 2);
  EXPECT_EQ(latencies.CountWithin(Latencies::kNumBounds - 1), 2);
  EXPECT_GT(latencies.Quantile(1), Latencies::Bound(Latencies::kNumBounds - 1));
}

}  // namespace
}  // namespace revlm::run
