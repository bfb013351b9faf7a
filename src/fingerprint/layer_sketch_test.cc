#include "fingerprint/layer_sketch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "fingerprint/states_testing.h"

namespace revlm::fingerprint {
namespace {

using testing::AllPositions;
using testing::Mixed;
using testing::RandomStates;
using testing::SketchRows;

using Matrix = std::vector<std::vector<double>>;

// The plain way: the Gram matrix of the rows without its diagonal, centred so
// that the products of two are unbiased (Nguyen et al. 2021 after Song et al.).
Matrix PlainCentred(const std::vector<float>& states, size_t n) {
  const size_t width = states.size() / n;
  Matrix k(n, std::vector<double>(n, 0.0));
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < n; ++j) {
      if (i == j) continue;
      for (size_t c = 0; c < width; ++c) {
        k[i][j] += static_cast<double>(states[i * width + c]) *
                   static_cast<double>(states[j * width + c]);
      }
    }
  }
  const double m = static_cast<double>(n);
  std::vector<double> sums(n, 0.0);
  double total = 0;
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < n; ++j) sums[i] += k[i][j];
    total += sums[i];
  }
  const auto mean = [&](size_t i) {
    return sums[i] / (m - 2) - total / (2 * (m - 1) * (m - 2));
  };
  Matrix centred(n, std::vector<double>(n, 0.0));
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < n; ++j) {
      if (i != j) centred[i][j] = k[i][j] - mean(i) - mean(j);
    }
  }
  return centred;
}

double Inner(const Matrix& a, const Matrix& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    for (size_t j = 0; j < a.size(); ++j) sum += a[i][j] * b[i][j];
  }
  return sum;
}

double PlainCka(const std::vector<float>& a, const std::vector<float>& b,
                size_t n) {
  const Matrix k = PlainCentred(a, n);
  const Matrix l = PlainCentred(b, n);
  return Inner(k, l) / std::sqrt(Inner(k, k) * Inner(l, l));
}

TEST(LayerSketchTest, AgreesWithThePlainFormula) {
  constexpr size_t kNumRows = 60;
  const auto base = RandomStates(1, kNumRows, 48, 0.9);
  const auto other = RandomStates(2, kNumRows, 48, 0.9);
  for (const float share : {0.0f, 0.1f, 0.5f, 1.0f, 3.0f}) {
    const auto mixed = Mixed(base, share, other);
    const auto found =
        UnbiasedCka(SketchRows(base, kNumRows), SketchRows(mixed, kNumRows),
                    AllPositions(kNumRows));
    ASSERT_TRUE(found);
    EXPECT_NEAR(*found, PlainCka(base, mixed, kNumRows), 0.01) << share;
  }
}

TEST(LayerSketchTest, WidthAndBasisDoNotMatter) {
  constexpr size_t kNumRows = 50;
  constexpr size_t kWidth = 20;
  const auto states = RandomStates(3, kNumRows, kWidth, 0.8);
  // In twice the width, turned within planes, and ten times as large.
  std::vector<float> turned(kNumRows * 2 * kWidth);
  for (size_t i = 0; i < kNumRows; ++i) {
    for (size_t c = 0; c < kWidth; ++c) {
      const float value = 10 * states[i * kWidth + c];
      turned[i * 2 * kWidth + 2 * c] = 0.6f * value;
      turned[i * 2 * kWidth + 2 * c + 1] = -0.8f * value;
    }
  }
  const auto found =
      UnbiasedCka(SketchRows(states, kNumRows), SketchRows(turned, kNumRows),
                  AllPositions(kNumRows));
  ASSERT_TRUE(found);
  EXPECT_NEAR(*found, 1, 1e-3);
}

TEST(LayerSketchTest, UnrelatedStatesHaveNoneOnAverage) {
  // Wider than there are rows: the plain CKA would be 0.9.
  constexpr size_t kNumRows = 40;
  constexpr int kNumPairs = 200;
  double sum = 0;
  for (uint64_t pair = 0; pair < kNumPairs; ++pair) {
    const auto a = RandomStates(100 + 2 * pair, kNumRows, 256, 1);
    const auto b = RandomStates(101 + 2 * pair, kNumRows, 256, 1);
    const auto found =
        UnbiasedCka(SketchRows(a, kNumRows), SketchRows(b, kNumRows),
                    AllPositions(kNumRows));
    ASSERT_TRUE(found);
    sum += *found;
  }
  // A pair's standard deviation is about sqrt(2) / 40.
  EXPECT_NEAR(sum / kNumPairs, 0, 4 * 0.036 / std::sqrt(kNumPairs));
}

TEST(LayerSketchTest, ComparesThePositionsThatBothHave) {
  constexpr size_t kNumRows = 40;
  const auto states = RandomStates(5, kNumRows, 16, 0.8);
  // The other one lacks the first ten rows and has ten of its own at the end.
  std::vector<float> shifted(states.begin() + 10 * 16, states.end());
  const auto more = RandomStates(6, 10, 16, 0.8);
  shifted.insert(shifted.end(), more.begin(), more.end());
  PositionPairs pairs;
  for (uint32_t i = 10; i < kNumRows; ++i) {
    pairs.a.push_back(i);
    pairs.b.push_back(i - 10);
  }
  const auto found = UnbiasedCka(SketchRows(states, kNumRows),
                                 SketchRows(shifted, kNumRows), pairs);
  ASSERT_TRUE(found);
  EXPECT_NEAR(*found, 1, 1e-3);
}

TEST(LayerSketchTest, NeighboursAreComparedAsAnyTwo) {
  constexpr size_t kNumRows = 30;
  std::vector<LayerSketch> states;
  for (const uint64_t seed : {10, 11, 12}) {
    states.push_back(
        SketchRows(RandomStates(seed, kNumRows, 16, 0.8), kNumRows));
  }
  // Of the second nothing is left.
  states.insert(states.begin() + 1,
                SketchRows(std::vector<float>(kNumRows * 4, 3.0f), kNumRows));
  const PositionPairs pairs = {{3, 5, 8, 9, 20}, {3, 5, 8, 9, 20}};
  const auto found = NeighbourCkas(states, pairs.a);
  ASSERT_EQ(found.size(), 3u);
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i], UnbiasedCka(states[i], states[i + 1], pairs)) << i;
  }
  EXPECT_FALSE(found[0]);
  EXPECT_TRUE(found[2]);
  EXPECT_EQ(NeighbourCkas(states, {}).size(), 3u);
  EXPECT_TRUE(NeighbourCkas({}, pairs.a).empty());
}

TEST(LayerSketchTest, SaysWhatIsLeftOut) {
  constexpr size_t kNumRows = 100;
  EXPECT_LT(SketchRows(RandomStates(7, kNumRows, 24, 1), kNumRows).left_out,
            1e-6f);
  const float much =
      SketchRows(RandomStates(8, kNumRows, 400, 1), kNumRows).left_out;
  EXPECT_GT(much, 0.5f);
  EXPECT_LT(much, 0.8f);
}

TEST(LayerSketchTest, EqualStatesHaveNoSimilarity) {
  const std::vector<float> equal(10 * 4, 3.0f);
  const auto found =
      UnbiasedCka(SketchRows(equal, 10),
                  SketchRows(RandomStates(9, 10, 4, 1), 10), AllPositions(10));
  EXPECT_FALSE(found);
  const auto few = SketchRows(RandomStates(9, 3, 4, 1), 3);
  EXPECT_FALSE(UnbiasedCka(few, few, AllPositions(3)));
}

TEST(LayerSketchTest, NumbersThatAreNoneGiveAnEmptySketch) {
  std::vector<float> states(12, 1.0f);
  states[5] = std::nanf("");
  EXPECT_EQ(SketchRows(states, 3).rank(), 0U);
}

}  // namespace
}  // namespace revlm::fingerprint
