#include "verify/pair_divergence.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/random.h"
#include "stats/combine.h"

namespace revlm::verify {
namespace {

PairDivergence MakeOne(size_t num_pairs = 1) {
  return PairDivergence::Create({}, num_pairs).value();
}

// Exponentially distributed.
double DrawNats(double mean, uint64_t seed, uint64_t idx) {
  return -mean * std::log1p(-base::UniformDouble(seed, idx));
}

TEST(PairDivergenceTest, AModelAndItselfAreSameAfterTheFewestPrompts) {
  auto pair = MakeOne();
  const auto fewest = static_cast<int64_t>(
      stats::Divergence::Create({}).value().FewestPromptsForSame());
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(pair.Add(0, 0));
  const BehaviourFinding found = pair.Finding(Scale::kTokens);
  EXPECT_EQ(found.closeness, Closeness::kSame);
  EXPECT_GE(found.num_used, fewest);
  EXPECT_LE(found.num_used, fewest + fewest / 10);
  EXPECT_EQ(found.num_prompts, 1000);
  EXPECT_EQ(found.divergence.nats, 0);
  EXPECT_EQ(found.divergence.lower, 0);
  EXPECT_LT(found.divergence.upper, 1e-3);
  EXPECT_LT(found.log_e, 0);
}

TEST(PairDivergenceTest, ALowerBoundIsNeverSame) {
  auto pair = MakeOne();
  for (int i = 0; i < 2000; ++i) ASSERT_TRUE(pair.Add(0, 0));
  const BehaviourFinding found = pair.Finding(Scale::kFirstBytes);
  EXPECT_EQ(found.closeness, Closeness::kUndecided);
  EXPECT_EQ(found.num_used, 2000);
  EXPECT_EQ(pair.NumNeeded(Scale::kFirstBytes), 0);
}

TEST(PairDivergenceTest, EitherDirectionMakesThemDifferent) {
  for (const bool is_mirrored : {false, true}) {
    auto pair = MakeOne();
    for (int i = 0; i < 60; ++i) {
      ASSERT_TRUE(is_mirrored ? pair.Add(0, 0.2) : pair.Add(0.2, 0));
    }
    const BehaviourFinding found = pair.Finding(Scale::kTokens);
    EXPECT_EQ(found.closeness, Closeness::kDifferent);
    EXPECT_LT(found.num_used, 30);
    EXPECT_EQ(found.num_cut, is_mirrored ? 0 : 60);
    EXPECT_GT(found.log_e, std::log(1 / 0.01));
    const DivergenceFinding& at_zero =
        is_mirrored ? found.divergence : found.mirror;
    EXPECT_EQ(at_zero.nats, 0);
  }
}

TEST(PairDivergenceTest, TheFirstLookThatDecidesStands) {
  auto pair = MakeOne();
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(pair.Add(0.1, 0.1));
  const BehaviourFinding before = pair.Finding(Scale::kTokens);
  ASSERT_EQ(before.closeness, Closeness::kDifferent);
  // What comes after would have said SAME.
  for (int i = 0; i < 200'000; ++i) ASSERT_TRUE(pair.Add(0, 0));
  const BehaviourFinding after = pair.Finding(Scale::kTokens);
  EXPECT_LT(after.divergence.upper, 1e-3);
  EXPECT_EQ(after.closeness, Closeness::kDifferent);
  EXPECT_EQ(after.num_used, before.num_used);
  EXPECT_EQ(after.log_e, before.log_e);
}

// The header's rules, from all values anew at every look.
TEST(PairDivergenceTest, IsWhatTheHeaderSays) {
  for (const double mean : {2e-4, 1e-3, 5e-3}) {
    for (const size_t num_pairs : {1, 40}) {
      std::vector<double> forward_nats;
      std::vector<double> mirror_nats;
      auto pair = MakeOne(num_pairs);
      Closeness closeness = Closeness::kUndecided;
      double log_e = 0;
      bool is_enough = false;
      for (uint64_t i = 0; i < 300; ++i) {
        forward_nats.push_back(DrawNats(mean, 1, i));
        mirror_nats.push_back(DrawNats(mean, 2, i));
        ASSERT_TRUE(pair.Add(forward_nats.back(), mirror_nats.back()));

        auto forward = stats::Divergence::Create({}).value();
        auto mirror = stats::Divergence::Create({}).value();
        for (size_t j = 0; j < forward_nats.size(); ++j) {
          forward.Add(forward_nats[j]).value();
          mirror.Add(mirror_nats[j]).value();
        }
        const stats::Interval of_forward = forward.interval();
        const stats::Interval of_mirror = mirror.interval();
        if (closeness == Closeness::kUndecided) {
          if (std::max(of_forward.lower, of_mirror.lower) > 1e-3) {
            closeness = Closeness::kDifferent;
          } else if (std::max(of_forward.upper, of_mirror.upper) < 1e-3) {
            closeness = Closeness::kSame;
          }
        }
        if (!is_enough) {
          log_e = std::log((std::exp(forward.LogEDifferent()) +
                            std::exp(mirror.LogEDifferent())) /
                           2);
          is_enough = log_e >= std::log(static_cast<double>(num_pairs) / 0.01);
        }
        const BehaviourFinding found = pair.Finding(Scale::kTokens);
        ASSERT_EQ(found.closeness, closeness) << i;
        ASSERT_NEAR(found.log_e, log_e, 1e-9 * (1 + std::abs(log_e))) << i;
        ASSERT_EQ(found.divergence.lower, of_forward.lower);
        ASSERT_EQ(found.mirror.upper, of_mirror.upper);
      }
    }
  }
}

TEST(PairDivergenceTest, OnePairIsNeverTakenBackByEBh) {
  uint64_t num_different = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    auto pair = MakeOne();
    for (uint64_t i = 0; i < 100; ++i) {
      ASSERT_TRUE(pair.Add(DrawNats(1e-2, seed, 2 * i),
                           DrawNats(1e-3, seed, 2 * i + 1)));
    }
    const BehaviourFinding found = pair.Finding(Scale::kTokens);
    if (found.closeness != Closeness::kDifferent) continue;
    ++num_different;
    EXPECT_EQ(stats::RejectedByEBh({{found.log_e}}, 0.01)->size(), 1u);
  }
  EXPECT_GT(num_different, 20u);
}

TEST(PairDivergenceTest, SaysHowManyPromptsWouldDecide) {
  auto pair = MakeOne();
  for (uint64_t i = 0; i < 50; ++i) {
    ASSERT_TRUE(pair.Add(DrawNats(1e-4, 9, i), DrawNats(1e-4, 8, i)));
  }
  const int64_t needed = pair.NumNeeded(Scale::kTokens);
  ASSERT_GT(needed, 575);
  ASSERT_LT(needed, 700);
  // By as many more like them it comes true.
  for (int64_t i = 50; i < needed; ++i) {
    const auto again = static_cast<uint64_t>(i % 50);
    ASSERT_EQ(pair.Finding(Scale::kTokens).closeness, Closeness::kUndecided);
    ASSERT_TRUE(pair.Add(DrawNats(1e-4, 9, again), DrawNats(1e-4, 8, again)));
  }
  EXPECT_EQ(pair.Finding(Scale::kTokens).closeness, Closeness::kSame);
}

TEST(PairDivergenceTest, RefusesWhatIsNoDivergence) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  auto pair = MakeOne();
  EXPECT_FALSE(pair.Add(-1, 0));
  EXPECT_FALSE(pair.Add(0, -1));
  EXPECT_FALSE(pair.Add(0, kInf));
  EXPECT_FALSE(pair.Add(std::nan(""), 0));
  EXPECT_EQ(pair.Finding(Scale::kTokens).num_prompts, 0);
  EXPECT_FALSE(PairDivergence::Create({}, 0));
  EXPECT_FALSE(PairDivergence::Create({.alpha = 0}, 1));
}

}  // namespace
}  // namespace revlm::verify
