#include "challenge/portable_math.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/random.h"

namespace revlm::challenge {
namespace {

TEST(PortableMathTest, TheLogarithmIsThatOfTheLibraryToTheLastDigits) {
  for (uint64_t i = 0; i < 100'000; ++i) {
    const double x = std::ldexp(1 + base::UniformDouble(1, i),
                                static_cast<int>(i % 2000) - 1000);
    EXPECT_NEAR(PortableLog2(x), std::log2(x), 1e-13 * (1 + i % 2000 / 10.0));
  }
  EXPECT_EQ(PortableLog2(1), 0);
  EXPECT_EQ(PortableLog2(8), 3);
  EXPECT_EQ(PortableLog2(0.25), -2);
  EXPECT_EQ(PortableLog2(std::numeric_limits<double>::denorm_min()), -1074);
}

TEST(PortableMathTest, DrawsHaveMeanZeroAndVarianceOne) {
  constexpr int kNumDraws = 20'000;
  Draws draws({}, 0);
  double sum = 0;
  double sum_of_squares = 0;
  for (int i = 0; i < kNumDraws; ++i) {
    const double value = DrawNearlyNormal(draws);
    EXPECT_LE(std::abs(value), 6);
    sum += value;
    sum_of_squares += value * value;
  }
  EXPECT_NEAR(sum / kNumDraws, 0, 4 / std::sqrt(kNumDraws));
  EXPECT_NEAR(sum_of_squares / kNumDraws, 1, 4 * std::sqrt(2.0 / kNumDraws));
}

}  // namespace
}  // namespace revlm::challenge
