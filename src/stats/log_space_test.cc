#include "stats/log_space.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

namespace revlm::stats {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

TEST(LogSpaceTest, SumsAreThoseOfPlainNumbers) {
  EXPECT_DOUBLE_EQ(LogAdd(std::log(2), std::log(3)), std::log(5));
  EXPECT_DOUBLE_EQ(LogSum(std::array{std::log(1), std::log(2), std::log(4)}),
                   std::log(7));
}

TEST(LogSpaceTest, LargeAndSmallTermsNeitherOverflowNorVanish) {
  EXPECT_DOUBLE_EQ(LogAdd(1e6, 1e6), 1e6 + std::log(2));
  EXPECT_DOUBLE_EQ(LogAdd(-1e6, -1e6), -1e6 + std::log(2));
  EXPECT_EQ(LogAdd(1e6, -1e6), 1e6);
}

TEST(LogSpaceTest, ZerosAndNonNumbers) {
  EXPECT_EQ(LogSum({}), -kInf);
  EXPECT_EQ(LogAdd(-kInf, -kInf), -kInf);
  EXPECT_EQ(LogAdd(-kInf, 2), 2);
  EXPECT_EQ(LogAdd(kInf, 2), kInf);
  EXPECT_TRUE(std::isnan(LogAdd(std::nan(""), 2)));
  EXPECT_TRUE(std::isnan(LogAdd(2, std::nan(""))));
}

}  // namespace
}  // namespace revlm::stats
