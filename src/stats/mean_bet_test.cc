#include "stats/mean_bet.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "base/random.h"

namespace revlm::stats {
namespace {

using ::testing::HasSubstr;

constexpr double kInf = std::numeric_limits<double>::infinity();

// The formula of the header, with logarithms of products.
double SlowLogE(const std::vector<double>& values, double mean) {
  long double e = 0;
  for (int k = 0; k <= 31; ++k) {
    const long double stake =
        k == 0
            ? 1
            : std::pow(
                  std::sin(std::numbers::pi_v<long double> * (2 * k - 1) / 124),
                  2);
    long double log_money = std::log(k == 0 ? 0.5L : 0.5L / 31);
    for (const double value : values) {
      log_money += std::log1p(stake * (value / (long double)mean - 1));
    }
    e += std::exp(log_money);
  }
  return static_cast<double>(std::log(e));
}

// Exponentially distributed.
double Draw(double mean, uint64_t seed, uint64_t idx) {
  return -mean * std::log1p(-base::UniformDouble(seed, idx));
}

TEST(MeanBetTest, IsTheFormula) {
  for (const double mean : {1e-3, 0.2, 4e5}) {
    for (const double times : {0.0, 0.2, 1.0, 30.0}) {
      auto bet = MeanBet::Create(mean).value();
      EXPECT_NEAR(bet.log_e(), 0, 1e-15);
      std::vector<double> values;
      for (uint64_t i = 0; i < 400; ++i) {
        values.push_back(Draw(times * mean, 3, i));
        ASSERT_TRUE(bet.Add(values.back()));
        if (i % 50 != 0) continue;
        const double slow = SlowLogE(values, mean);
        ASSERT_NEAR(bet.log_e(), slow, 1e-10 * (1 + std::abs(slow)))
            << mean << " " << times << " " << i;
      }
    }
  }
}

TEST(MeanBetTest, StaysInRangeWhateverComes) {
  auto bet = MeanBet::Create(1e-300).value();
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(bet.Add(1e300));
  EXPECT_GT(bet.log_e(), 1000 * 100.0);
  EXPECT_TRUE(std::isfinite(bet.log_e()));
  for (int i = 0; i < 2'000'000; ++i) ASSERT_TRUE(bet.Add(0));
  // The smallest stake loses little, and is never ruined.
  EXPECT_TRUE(std::isfinite(bet.log_e()));
}

// A few values of a few times the mean are enough, of any spread.
TEST(MeanBetTest, FewValuesAreEnough) {
  const auto num_needed = [](auto value) {
    auto bet = MeanBet::Create(1).value();
    uint64_t needed = 0;
    while (bet.log_e() < std::log(200)) bet.Add(value(needed++)).value();
    return needed;
  };
  EXPECT_LE(num_needed([](uint64_t) { return 8.0; }), 3u);
  EXPECT_LE(num_needed([](uint64_t) { return 2.0; }), 9u);
  EXPECT_LE(num_needed([](uint64_t) { return 1.2; }), 40u);
  // The best stake, 0.018, would need 200.
  EXPECT_LE(num_needed([](uint64_t i) { return i % 50 == 49 ? 500.0 : 0.0; }),
            350u);
}

TEST(LowerMeanLimitTest, IsWhereTheBetIsEnough) {
  const double log_enough = std::log(100);
  for (const double mean : {1e-3, 50.0}) {
    std::vector<double> values;
    for (uint64_t i = 0; i < 300; ++i) {
      values.push_back(Draw(mean, 4, i));
      if (i % 60 != 59) continue;
      const double limit = LowerMeanLimit(values, log_enough);
      EXPECT_GT(limit, mean / 4) << i;
      EXPECT_LT(limit, mean) << i;
      EXPECT_GE(SlowLogE(values, limit * (1 - 1e-9)), log_enough);
      EXPECT_LT(SlowLogE(values, limit * (1 + 1e-9)), log_enough);
    }
  }
}

TEST(LowerMeanLimitTest, IsNothingWhereNothingIsKnown) {
  EXPECT_EQ(LowerMeanLimit({}, 1), 0);
  EXPECT_EQ(LowerMeanLimit(std::vector<double>(100, 0.0), 1), 0);
}

TEST(FewestValuesTest, IsWhatTheBetTakes) {
  for (const double gain : {2.0, 0.5, 0.01}) {
    for (const double log_enough : {1.0, std::log(200)}) {
      auto bet = MeanBet::Create(1).value();
      uint64_t needed = 0;
      for (; bet.log_e() < log_enough; ++needed) {
        ASSERT_TRUE(bet.Add(1 + gain));
      }
      EXPECT_NEAR(static_cast<double>(FewestValues(1, 1 + gain, log_enough)),
                  static_cast<double>(needed), 1);
    }
  }
  EXPECT_EQ(FewestValues(1, 1, 1), uint64_t{1} << 62);
}

TEST(MeanBetTest, RefusesWhatIsNoValueAndStaysAsItWas) {
  auto bet = MeanBet::Create(1).value();
  ASSERT_TRUE(bet.Add(3));
  const double log_e = bet.log_e();
  for (const double bad : {std::nan(""), kInf, -kInf, -1e-18}) {
    const Status status = bet.Add(bad);
    ASSERT_FALSE(status) << bad;
    EXPECT_THAT(status.error().message, HasSubstr("0 or more"));
  }
  EXPECT_EQ(bet.log_e(), log_e);
  for (const double bad : {0.0, -1.0, kInf, std::nan("")}) {
    EXPECT_FALSE(MeanBet::Create(bad)) << bad;
  }
}

}  // namespace
}  // namespace revlm::stats
