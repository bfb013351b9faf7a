#include "verify/divergence_floor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/random.h"
#include "support/plain_bet.h"

namespace revlm::verify {
namespace {

using testing::PlainBet;

constexpr uint64_t kSeed = 20260127;

struct Observation {
  double gain;
  double payoff;
  int64_t num_tokens;
};

// The formulas of the headers, written out, for one step: whether it is ever
// refuted.
bool IsRefutedPlainly(const std::vector<Observation>& all, long double nats,
                      long double max_tokens, long double alpha) {
  PlainBet gains;
  PlainBet rarer;
  PlainBet commoner;
  long double sum_of_tokens = max_tokens;
  long double num_answers = 1;
  bool is_refuted = false;
  for (const Observation& seen : all) {
    const auto num_tokens = static_cast<long double>(seen.num_tokens);
    const long double range = std::log(2.0L) + nats * max_tokens;
    const long double gain = std::min(
        std::log(0.5L + std::exp(static_cast<long double>(seen.gain)) / 2),
        range);
    gains.Add((gain - nats * num_tokens) / range);
    const long double c = std::sqrt(2 * nats * sum_of_tokens / num_answers);
    const long double most = 1 + c / 2 + nats * max_tokens / c;
    rarer.Add((seen.payoff - c / 2 - nats * num_tokens / c) / most);
    commoner.Add((-seen.payoff - c / 2 - nats * num_tokens / c) / most);
    sum_of_tokens += num_tokens;
    num_answers += 1;
    const long double e =
        gains.money() / 2 + rarer.money() / 4 + commoner.money() / 4;
    is_refuted = is_refuted || e >= 1 / alpha;
  }
  return is_refuted;
}

double Uniform(uint64_t seed, uint64_t i) {
  return base::UniformDouble(base::RandomBits(kSeed, seed), i);
}

TEST(DivergenceFloorTest, IsTheFormulasOfTheHeader) {
  for (uint64_t audit = 0; audit < 12; ++audit) {
    std::vector<Observation> all;
    auto floor = DivergenceFloor::Create(1e-3, 64, 0.005).value();
    for (uint64_t i = 0; i < 150; ++i) {
      const double drift = static_cast<double>(audit) / 20;
      all.push_back(
          {.gain = 2 * Uniform(audit, 3 * i) - 1 + drift,
           .payoff = std::min(2 * Uniform(audit, 3 * i + 1) - 1 + drift, 1.0),
           .num_tokens =
               1 + static_cast<int64_t>(64 * Uniform(audit, 3 * i + 2))});
      const Observation& last = all.back();
      ASSERT_TRUE(floor.Add(last.gain, last.payoff, last.num_tokens));
    }
    double expected = 0;
    for (int k = -16;; ++k) {
      const double nats = 1e-3 * std::exp2(k / 4.0);
      if (!IsRefutedPlainly(all, nats, 64, 0.005)) break;
      expected = nats;
    }
    EXPECT_EQ(floor.nats(), expected);
    if (audit < 2) {
      EXPECT_EQ(floor.nats(), 0);
    }
    if (audit > 8) {
      EXPECT_GT(floor.nats(), 0);
    }
  }
}

TEST(DivergenceFloorTest, OneLongAnswerThatMayYetComeIsReckonedWith) {
  auto floor = DivergenceFloor::Create(0.05, 1024, 0.005).value();
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(floor.Add(1, 1, 1));
  EXPECT_LT(floor.nats(), 0.05);
  // Where no answer can be long, that much is enough.
  auto sure = DivergenceFloor::Create(0.05, 1, 0.005).value();
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(sure.Add(1, 1, 1));
  EXPECT_GT(sure.nats(), 0.05);
}

TEST(DivergenceFloorTest, CountsATokenAtLeastAndNoMoreThanAnswersMayHave) {
  auto plain = DivergenceFloor::Create(1e-3, 16, 0.005).value();
  auto odd = DivergenceFloor::Create(1e-3, 16, 0.005).value();
  for (int i = 0; i < 40; ++i) {
    ASSERT_TRUE(plain.Add(0.5, 0.5, i % 2 == 0 ? 1 : 16));
    ASSERT_TRUE(odd.Add(0.5, 0.5, i % 2 == 0 ? 0 : 1 << 30));
  }
  EXPECT_GT(plain.nats(), 0);
  EXPECT_EQ(odd.nats(), plain.nats());
}

TEST(DivergenceFloorTest, RefusesWhatIsOutOfRange) {
  EXPECT_FALSE(DivergenceFloor::Create(0, 8, 0.005));
  EXPECT_FALSE(DivergenceFloor::Create(INFINITY, 8, 0.005));
  EXPECT_FALSE(DivergenceFloor::Create(1e-3, 0, 0.005));
  EXPECT_FALSE(DivergenceFloor::Create(1e-3, 8, 1));
  auto floor = DivergenceFloor::Create(1e-3, 8, 0.005).value();
  EXPECT_FALSE(floor.Add(NAN, 0, 1));
  EXPECT_FALSE(floor.Add(0, 2, 1));
  EXPECT_FALSE(floor.Add(0, NAN, 1));
}

}  // namespace
}  // namespace revlm::verify
