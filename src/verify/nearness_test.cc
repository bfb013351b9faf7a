#include "verify/nearness.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/random.h"
#include "stats/binomial.h"

namespace revlm::verify {
namespace {

constexpr double kAlpha = 0.01;
constexpr uint64_t kSeed = 20260115;

using Values = std::vector<PromptDivergence>;

// Around `nats` in each direction, by up to 1.6 times more or less.
Values Around(double nats, uint64_t seed, size_t num_prompts = 60) {
  Values values;
  for (size_t i = 0; i < num_prompts; ++i) {
    const double factor = std::exp(base::UniformDouble(seed, i) - 0.5);
    values.push_back({.num_positions = 5,
                      .nats = nats * factor,
                      .mirror_nats = nats * factor});
  }
  return values;
}

// Models 0, 1, 2, ...; each pair `usual` apart, 0 and 1 `near`.
struct Game {
  Game(size_t num_models, double near, double usual, uint64_t seed) {
    for (size_t a = 0; a < num_models; ++a) {
      for (size_t b = a + 1; b < num_models; ++b) {
        kept.push_back(Around(a == 0 && b == 1 ? near : usual,
                              base::RandomBits(seed, kept.size())));
        pairs.push_back({.a = a, .b = b, .scale = Scale::kTokens});
      }
    }
    for (size_t i = 0; i < pairs.size(); ++i) pairs[i].values = kept[i];
  }
  NearnessPair& At(size_t a, size_t b) {
    for (NearnessPair& pair : pairs) {
      if (pair.a == a && pair.b == b) return pair;
    }
    return pairs.back();
  }
  std::vector<std::optional<NearnessFinding>> Find() const {
    return FindNearness(pairs, kAlpha).value();
  }

  std::vector<Values> kept;
  std::vector<NearnessPair> pairs;
};

TEST(NearnessTest, AStudentIsNearerThanModelsTrainedApart) {
  const auto found = Game(5, 0.22, 0.55, kSeed).Find();
  ASSERT_TRUE(found[0]);
  EXPECT_TRUE(found[0]->is_shown);
  EXPECT_EQ(found[0]->num_pairs, 9);
  EXPECT_GT(found[0]->ratio, 0.3);
  EXPECT_LT(found[0]->ratio, 0.55);
  EXPECT_GT(found[0]->log_e, std::log(10 / kAlpha));
  for (size_t i = 1; i < found.size(); ++i) {
    ASSERT_TRUE(found[i]);
    EXPECT_FALSE(found[i]->is_shown);
    EXPECT_GE(found[i]->ratio, 1);
    EXPECT_LE(found[i]->log_e, 0);
  }
}

// The bet on one pair against another, by the formula of stats/bet.h.
TEST(NearnessTest, IsTheLeastOfPlainBets) {
  Game game(4, 0.25, 0.5, kSeed + 1);
  double least = INFINITY;
  for (size_t k = 1; k < game.pairs.size(); ++k) {
    double log_e = 0;
    double stake = 0;
    double squares = 1;
    for (size_t i = 0; i < game.kept[0].size(); ++i) {
      const double near = 2 * game.kept[0][i].nats;
      const double far = 0.75 * 2 * game.kept[k][i].nats;
      const double g = far > near ? 1 : -1;
      log_e += std::log1p(stake * g);
      const double z = -g / (1 + stake * g);
      squares += z * z;
      stake -= 2 / (2 - std::log(3.0)) * z / squares;
      stake = std::min(std::max(stake, 0.0), 0.5);
    }
    least = std::min(least, log_e);
  }
  EXPECT_NEAR(game.Find()[0]->log_e, least, 1e-9);
}

TEST(NearnessTest, RelativesAreNotWhatIsUsual) {
  // 4 comes from 1 and is as near to 0 as 1 is.
  Game game(6, 0.22, 0.55, kSeed + 2);
  const Values near = Around(0.21, kSeed + 3);
  game.At(0, 4).values = near;
  EXPECT_FALSE(game.Find()[0]->is_shown);
  const Values tiny = Around(0.01, kSeed + 4);
  game.At(1, 4).values = tiny;
  game.At(1, 4).is_related = true;
  const auto found = game.Find();
  EXPECT_TRUE(found[0]->is_shown);
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].has_value(), !game.pairs[i].is_related);
  }
}

TEST(NearnessTest, NeedsTwoOthersAndTheSameScale) {
  for (const auto& found : Game(3, 0.1, 0.5, kSeed + 5).Find()) {
    EXPECT_FALSE(found);
  }
  Game game(4, 0.1, 0.5, kSeed + 6);
  game.At(2, 3).scale = Scale::kFirstBytes;
  EXPECT_FALSE(game.Find()[0]);
  game.At(2, 3).scale = Scale::kNone;
  EXPECT_FALSE(game.Find()[0]);
  game.At(2, 3).scale = Scale::kTokens;
  EXPECT_TRUE(game.Find()[0]);
  // Prompts without a value are left out.
  Values holes = game.kept[1];
  for (size_t i = 0; i < holes.size(); i += 2) holes[i] = {};
  holes.resize(40);
  game.pairs[1].values = holes;
  EXPECT_TRUE(game.Find()[0]->is_shown);
  game.pairs[1].values = {};
  EXPECT_FALSE(game.Find()[0]);
}

TEST(NearnessTest, OneThatIsJustAtTheBarIsRarelyCalledNearer) {
  constexpr uint64_t kAudits = 2000;
  uint64_t num_errors = 0;
  for (uint64_t audit = 0; audit < kAudits; ++audit) {
    // A pair at 3/4 of one other, far nearer than the rest: nearer by a coin.
    const uint64_t seed = base::RandomBits(kSeed + 7, audit);
    Game game(4, 0.75 * 0.2, 2, seed);
    const Values other = Around(0.2, base::RandomBits(seed, 99));
    game.At(2, 3).values = other;
    num_errors += game.Find()[0]->is_shown;
  }
  EXPECT_LE(stats::UpperRateLimit(num_errors, kAudits, 0.05).value(), kAlpha);
}

}  // namespace
}  // namespace revlm::verify
