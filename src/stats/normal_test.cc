#include "stats/normal.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace revlm::stats {
namespace {

// Simpson's rule over the density from z on, relative to the density at z.
double ReferenceTail(double z) {
  constexpr int kSteps = 20000;
  const double end = 60 / (z + 4);
  const double h = end / kSteps;
  double sum = 0;
  for (int i = 0; i <= kSteps; ++i) {
    const double t = i * h;
    const double weight = i == 0 || i == kSteps ? 1 : i % 2 == 1 ? 4 : 2;
    sum += weight * std::exp(-z * t - t * t / 2);
  }
  return std::log(sum * h / 3) - z * z / 2 -
         0.5 * std::log(2 * std::numbers::pi);
}

TEST(NormalTest, TheTailIsTheIntegralOfTheDensity) {
  for (const double z : {0.0, 0.5, 2.0, 6.0, 24.9, 25.1, 40.0, 1000.0}) {
    const double expected = ReferenceTail(z);
    EXPECT_NEAR(LogNormalTail(z), expected, std::abs(expected) * 1e-9) << z;
  }
}

TEST(NormalTest, BelowTheMeanTheTailIsNearlyAll) {
  EXPECT_NEAR(LogNormalTail(-1), std::log(0.8413447460685429), 1e-12);
  EXPECT_EQ(LogNormalTail(-40), 0);
}

TEST(NormalTest, ExtremesNeitherUnderflowNorOverflow) {
  EXPECT_LT(LogNormalTail(1e6), -4.9e11);
  EXPECT_TRUE(std::isfinite(LogNormalTail(1e100)));
  EXPECT_TRUE(std::isnan(LogNormalTail(NAN)));
}

}  // namespace
}  // namespace revlm::stats
