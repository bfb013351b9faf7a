#include "stats/bet.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/random.h"

namespace revlm::stats {
namespace {

using ::testing::HasSubstr;

constexpr double kInf = std::numeric_limits<double>::infinity();

// The formulas of the header, from all payoffs so far, each time anew: the
// money and not its logarithm.
struct SlowBet {
  explicit SlowBet(double tolerance_in) : tolerance(tolerance_in) {}

  void Add(double payoff) {
    payoffs.push_back(payoff);
    long double stake = 0;
    long double a = 1;
    money = 1;
    for (const double g : payoffs) {
      const long double b = (g - tolerance) / (1 + tolerance);
      money *= 1 + stake * b;
      const long double z = -b / (1 + stake * b);
      a += z * z;
      stake -= 2 / (2 - std::log(3.0L)) * z / a;
      stake = std::clamp(stake, 0.0L, 0.5L);
    }
    next_stake = stake;
  }

  const long double tolerance;
  std::vector<double> payoffs;
  long double money = 1;
  long double next_stake = 0;
};

TEST(BetTest, IsThePlainProductOfGains) {
  for (const double tolerance : {0.0, 0.1, 0.7}) {
    for (uint64_t seed = 1; seed <= 20; ++seed) {
      Bet bet = Bet::Create(tolerance).value();
      SlowBet slow(tolerance);
      for (uint64_t i = 0; i < 100; ++i) {
        const double payoff = 2 * std::pow(base::UniformDouble(seed, i),
                                           static_cast<double>(seed) / 10) -
                              1;
        ASSERT_TRUE(bet.Add(payoff));
        slow.Add(payoff);
        ASSERT_NEAR(bet.stake(), static_cast<double>(slow.next_stake), 1e-12);
        ASSERT_NEAR(bet.e_process().log_e(),
                    static_cast<double>(std::log(slow.money)), 1e-11);
      }
    }
  }
}

TEST(BetTest, FirstStepsByHand) {
  Bet bet = Bet::Create(0).value();
  EXPECT_EQ(bet.stake(), 0);
  ASSERT_TRUE(bet.Add(1));
  // Nothing was staked; then 2.2187 / 2, cut to a half.
  EXPECT_EQ(bet.e_process().e(), 1);
  EXPECT_EQ(bet.stake(), 0.5);
  ASSERT_TRUE(bet.Add(1));
  EXPECT_DOUBLE_EQ(bet.e_process().e(), 1.5);
  ASSERT_TRUE(bet.Add(-1));
  EXPECT_DOUBLE_EQ(bet.e_process().e(), 0.75);
}

TEST(BetTest, ToleranceIsInUnitsOfThePayoff) {
  // Payoffs exactly at the tolerance gain nothing, however many there are.
  Bet at = Bet::Create(0.2).value();
  Bet above = Bet::Create(0.2).value();
  for (int i = 0; i < 10'000; ++i) {
    ASSERT_TRUE(at.Add(0.2));
    ASSERT_TRUE(above.Add(0.25));
  }
  EXPECT_EQ(at.e_process().log_max_e(), 0);
  EXPECT_TRUE(above.e_process().Rejects(1e-50));
}

TEST(BetTest, LosesToTheBestConstantStakeByALogarithmOnly) {
  for (const double probability : {0.55, 0.6, 0.75}) {
    for (uint64_t seed = 1; seed <= 20; ++seed) {
      constexpr uint64_t kNumPayoffs = 10'000;
      Bet bet = Bet::Create(0).value();
      uint64_t num_gains = 0;
      for (uint64_t i = 0; i < kNumPayoffs; ++i) {
        const bool gain = base::UniformDouble(seed, i) < probability;
        num_gains += gain ? 1 : 0;
        ASSERT_TRUE(bet.Add(gain ? 1 : -1));
      }
      const double share =
          static_cast<double>(num_gains) / static_cast<double>(kNumPayoffs);
      const double stake = std::clamp(2 * share - 1, 0.0, 0.5);
      const double best =
          static_cast<double>(kNumPayoffs) *
          (share * std::log1p(stake) + (1 - share) * std::log1p(-stake));
      EXPECT_GT(bet.e_process().log_e(),
                best - 3 * std::log(static_cast<double>(kNumPayoffs)))
          << probability << ", seed " << seed;
    }
  }
}

TEST(BetTest, TenMillionPayoffsNeitherDriftNorOverflow) {
  Bet bet = Bet::Create(0).value();
  long double log_e = 0;
  for (uint64_t i = 0; i < 10'000'000; ++i) {
    const double payoff = base::UniformDouble(3, i) < 0.6 ? 1 : -1;
    log_e += std::log1p(static_cast<double>(payoff * bet.stake()));
    ASSERT_TRUE(bet.Add(payoff));
  }
  EXPECT_GT(bet.e_process().log_e(), 100'000);
  EXPECT_NEAR(bet.e_process().log_e() / static_cast<double>(log_e), 1, 1e-12);
  // What the best stake gains: 0.0201 nats each.
  EXPECT_NEAR(bet.e_process().log_e() / 1e7, 0.0201, 0.0003);
  EXPECT_NEAR(bet.stake(), 0.2, 0.005);
}

TEST(BetTest, ALongLossIsForgottenSoon) {
  Bet bet = Bet::Create(0).value();
  for (int i = 0; i < 1'000'000; ++i) ASSERT_TRUE(bet.Add(-1));
  // Nothing was ever staked on it.
  EXPECT_EQ(bet.e_process().e(), 1);
  EXPECT_EQ(bet.stake(), 0);
}

TEST(BetTest, RefusesPayoffsOutOfBoundsAndStaysAsItWas) {
  Bet bet = Bet::Create(0).value();
  ASSERT_TRUE(bet.Add(0.3));
  ASSERT_TRUE(bet.Add(0.3));
  const double log_e = bet.e_process().log_e();
  const double stake = bet.stake();
  for (const double bad :
       {std::nan(""), kInf, -kInf, std::nextafter(1.0, 2.0), -1.1}) {
    const Status status = bet.Add(bad);
    ASSERT_FALSE(status) << bad;
    EXPECT_EQ(status.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(status.error().message, HasSubstr("allowed are -1 to 1"));
  }
  EXPECT_EQ(bet.e_process().log_e(), log_e);
  EXPECT_EQ(bet.stake(), stake);
  EXPECT_TRUE(bet.Add(1));
  EXPECT_TRUE(bet.Add(-1));
}

TEST(BetTest, RefusesImpossibleTolerances) {
  for (const double bad : {-0.01, 1.0, kInf, std::nan("")}) {
    const auto bet = Bet::Create(bad);
    ASSERT_FALSE(bet) << bad;
    EXPECT_EQ(bet.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(bet.error().message, HasSubstr("setting up a bet"));
  }
}

}  // namespace
}  // namespace revlm::stats
