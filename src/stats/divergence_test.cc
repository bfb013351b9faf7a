#include "stats/divergence.h"

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

// Exponentially distributed.
double DrawNats(double mean, uint64_t seed, uint64_t idx) {
  return -mean * std::log1p(-base::UniformDouble(seed, idx));
}

TEST(DivergenceTest, IsUndecidedBeforeTheFirstPrompt) {
  const auto divergence = Divergence::Create({}).value();
  EXPECT_EQ(divergence.closeness(), Closeness::kUndecided);
  EXPECT_EQ(divergence.interval().lower, 0);
  EXPECT_EQ(divergence.interval().upper, 0.1);
}

TEST(DivergenceTest, EqualModelsAreSameAfterTheFewestPrompts) {
  for (const double most_nats : {0.01, 0.1, 1.0}) {
    auto divergence = Divergence::Create({.most_nats = most_nats}).value();
    const uint64_t fewest = divergence.FewestPromptsForSame();
    uint64_t needed = 0;
    for (; divergence.closeness() == Closeness::kUndecided; ++needed) {
      ASSERT_TRUE(divergence.Add(0));
    }
    EXPECT_EQ(divergence.closeness(), Closeness::kSame);
    EXPECT_NEAR(static_cast<double>(needed), static_cast<double>(fewest), 1);
    // Near what anybody has to see to exclude 1 prompt in so many at the cut.
    EXPECT_LE(static_cast<double>(needed),
              1.1 * std::log(200) / -std::log1p(-1e-3 / most_nats) + 2);
  }
}

TEST(DivergenceTest, LimitsAreThoseOfCutValues) {
  auto divergence = Divergence::Create({.most_nats = 0.05}).value();
  std::vector<double> cut;
  std::vector<double> below_cut;
  uint64_t num_cut = 0;
  for (uint64_t i = 0; i < 500; ++i) {
    const double nats = DrawNats(0.03, 5, i);
    ASSERT_TRUE(divergence.Add(nats));
    cut.push_back(std::min(nats, 0.05));
    below_cut.push_back(0.05 - cut.back());
    num_cut += nats > 0.05 ? 1 : 0;
  }
  EXPECT_EQ(divergence.interval().lower,
            LowerMeanLimit(cut, std::log(2 / 0.01)));
  EXPECT_EQ(divergence.interval().upper,
            0.05 - LowerMeanLimit(below_cut, std::log(2 / 0.01)));
  EXPECT_EQ(divergence.values().size(), 500u);
  EXPECT_EQ(divergence.num_cut(), num_cut);
  EXPECT_GT(num_cut, 0u);
}

TEST(DivergenceTest, QuantisedModelsAreDifferent) {
  auto divergence = Divergence::Create({}).value();
  for (uint64_t i = 0; i < 300; ++i) {
    ASSERT_TRUE(divergence.Add(DrawNats(0.0047, 6, i)));
  }
  EXPECT_EQ(divergence.closeness(), Closeness::kDifferent);
  EXPECT_GT(divergence.interval().lower, 1e-3);
  EXPECT_LT(divergence.interval().lower, 0.0047);
}

// What is 8 times the tolerance, as rounding to 4 bits is, takes a handful.
TEST(DivergenceTest, FewPromptsFindWhatIsThere) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    auto divergence = Divergence::Create({}).value();
    for (uint64_t i = 0; i < 8; ++i) {
      ASSERT_TRUE(divergence.Add(8e-3 * (0.5 + base::UniformDouble(seed, i))));
    }
    EXPECT_EQ(divergence.closeness(), Closeness::kDifferent) << seed;
  }
}

// The limits and the e-processes are two ways to say the same.
TEST(DivergenceTest, IsDecidedWhereAnEProcessIsAboveTwoOverAlpha) {
  const double log_enough = std::log(2 / 0.01);
  for (const double mean : {1e-5, 1e-3, 4e-3}) {
    auto divergence = Divergence::Create({}).value();
    for (uint64_t i = 0; i < 1500; ++i) {
      ASSERT_TRUE(divergence.Add(DrawNats(mean, 8, i)));
      ASSERT_EQ(divergence.closeness() == Closeness::kDifferent,
                divergence.LogEDifferent() > log_enough)
          << mean << " " << i;
      if (i % 50 == 0) {
        ASSERT_EQ(divergence.interval().lower > 1e-3,
                  divergence.LogEDifferent() > log_enough)
            << mean << " " << i;
        ASSERT_EQ(
            divergence.interval().upper<1e-3, divergence.LogESame()> log_enough)
            << mean << " " << i;
      }
      ASSERT_EQ(divergence.closeness() == Closeness::kSame,
                divergence.LogESame() > log_enough)
          << mean << " " << i;
    }
  }
}

TEST(DivergenceTest, EProcessesStartAtOne) {
  const auto divergence = Divergence::Create({}).value();
  EXPECT_NEAR(divergence.LogEDifferent(), 0, 1e-15);
  EXPECT_NEAR(divergence.LogESame(), 0, 1e-15);
}

TEST(DivergenceTest, AtTheEdgeItIsNeverDecided) {
  auto divergence = Divergence::Create({}).value();
  for (uint64_t i = 0; i < 20'000; ++i) {
    ASSERT_TRUE(divergence.Add(DrawNats(1e-3, 7, i)));
    ASSERT_EQ(divergence.closeness(), Closeness::kUndecided) << i;
  }
}

TEST(DivergenceTest, FarPromptsCountAsTheCutAndNoMore) {
  auto far = Divergence::Create({}).value();
  auto at_cut = Divergence::Create({}).value();
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(far.Add(1e300));
    ASSERT_TRUE(at_cut.Add(0.1));
  }
  EXPECT_EQ(far.interval().lower, at_cut.interval().lower);
  EXPECT_EQ(far.closeness(), Closeness::kDifferent);
  EXPECT_EQ(far.num_cut(), 100u);
  EXPECT_EQ(at_cut.num_cut(), 0u);
}

TEST(DivergenceTest, RefusesWhatIsNoDivergence) {
  auto divergence = Divergence::Create({}).value();
  for (const double bad : {std::nan(""), kInf, -kInf, -1e-18}) {
    const Status status = divergence.Add(bad);
    ASSERT_FALSE(status) << bad;
    EXPECT_EQ(status.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(status.error().message, HasSubstr("nats per token"));
  }
  EXPECT_TRUE(divergence.values().empty());
}

TEST(DivergenceTest, RefusesRulesWithoutMeaning) {
  for (const DivergenceRules& bad :
       {DivergenceRules{.same_nats = 0}, DivergenceRules{.same_nats = 0.1},
        DivergenceRules{.same_nats = std::nan("")},
        DivergenceRules{.most_nats = 1e-3}, DivergenceRules{.most_nats = kInf},
        DivergenceRules{.most_nats = std::nan("")}, DivergenceRules{.alpha = 0},
        DivergenceRules{.alpha = 1}}) {
    const auto divergence = Divergence::Create(bad);
    ASSERT_FALSE(divergence);
    EXPECT_EQ(divergence.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(DivergenceTest, ImpossibleCountsAreLargeAndNoOverflow) {
  const auto divergence =
      Divergence::Create({.same_nats = 1e-300, .most_nats = 1e300}).value();
  EXPECT_EQ(divergence.FewestPromptsForSame(), uint64_t{1} << 62);
}

}  // namespace
}  // namespace revlm::stats
