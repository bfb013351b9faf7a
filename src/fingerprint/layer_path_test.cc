#include "fingerprint/layer_path.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace revlm::fingerprint {
namespace {

// The largest sum over all increasing pairings, by trying them.
double BestOfAll(const std::vector<double>& scores, int32_t num_a,
                 int32_t num_b, int32_t a = 0, int32_t b = 0) {
  if (a == num_a || b == num_b) return 0;
  double best = BestOfAll(scores, num_a, num_b, a + 1, b);
  for (int32_t j = b; j < num_b; ++j) {
    best = std::max(best, scores[static_cast<size_t>(a * num_b + j)] +
                              BestOfAll(scores, num_a, num_b, a + 1, j + 1));
  }
  return best;
}

TEST(LayerPathTest, FindsTheBestOfAllPairingsInOrder) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const auto num_a = static_cast<int32_t>(1 + seed % 6);
    const auto num_b = static_cast<int32_t>(1 + seed / 6 % 7);
    std::vector<double> scores;
    for (int32_t i = 0; i < num_a * num_b; ++i) {
      scores.push_back(base::UniformDouble(seed, static_cast<uint64_t>(i)) -
                       0.4);
    }
    const auto path = BestLayerPath(scores, num_a, num_b);
    double sum = 0;
    for (size_t i = 0; i < path.size(); ++i) {
      const double score =
          scores[static_cast<size_t>(path[i].a * num_b + path[i].b)];
      EXPECT_GT(score, 0);
      sum += score;
      if (i > 0) {
        EXPECT_GT(path[i].a, path[i - 1].a);
        EXPECT_GT(path[i].b, path[i - 1].b);
      }
    }
    EXPECT_NEAR(sum, BestOfAll(scores, num_a, num_b), 1e-12) << seed;
  }
}

TEST(LayerPathTest, NamesTheLayersThatWereDropped) {
  std::vector<double> scores(6 * 4, -0.1);
  for (const auto& [a, b] : {std::pair{0, 0}, {1, 1}, {3, 2}, {5, 3}}) {
    scores[static_cast<size_t>(a * 4 + b)] = 1;
  }
  EXPECT_EQ(BestLayerPath(scores, 6, 4),
            (std::vector<LayerPair>{{0, 0}, {1, 1}, {3, 2}, {5, 3}}));
}

TEST(LayerPathTest, WithoutPositiveScoresNothingIsPaired) {
  EXPECT_TRUE(BestLayerPath(std::vector<double>(6, -1.0), 2, 3).empty());
  EXPECT_TRUE(BestLayerPath({}, 0, 3).empty());
}

}  // namespace
}  // namespace revlm::fingerprint
