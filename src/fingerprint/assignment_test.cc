#include "fingerprint/assignment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/random.h"

namespace revlm::fingerprint {
namespace {

double Total(std::span<const float> scores, int32_t num_columns,
             const std::vector<int32_t>& columns) {
  double total = 0;
  for (size_t i = 0; i < columns.size(); ++i) {
    total += scores[i * static_cast<size_t>(num_columns) +
                    static_cast<size_t>(columns[i])];
  }
  return total;
}

// The best of all ways to give each row a column of its own.
double BestOfAll(std::span<const float> scores, int32_t num_rows,
                 int32_t num_columns) {
  std::vector<int32_t> columns(static_cast<size_t>(num_columns));
  std::iota(columns.begin(), columns.end(), 0);
  double best = -1e300;
  do {
    best = std::max(best, Total(scores, num_columns,
                                {columns.begin(), columns.begin() + num_rows}));
  } while (std::ranges::next_permutation(columns).found);
  return best;
}

std::vector<float> RandomScores(uint64_t seed, size_t count, int levels) {
  std::vector<float> scores;
  for (size_t i = 0; i < count; ++i) {
    const double value = base::UniformDouble(seed, i);
    // Few levels: many equal scores.
    scores.push_back(static_cast<float>(
        levels == 0 ? value - 0.5 : std::floor(value * levels)));
  }
  return scores;
}

bool AreDifferent(std::vector<int32_t> columns) {
  std::ranges::sort(columns);
  return std::ranges::adjacent_find(columns) == columns.end();
}

TEST(AssignmentTest, FindsTheBestOfAllPermutations) {
  uint64_t seed = 0;
  for (int32_t rows = 1; rows <= 6; ++rows) {
    for (int32_t columns = rows; columns <= 7; ++columns) {
      for (const int levels : {0, 2, 5}) {
        for (int repeat = 0; repeat < 10; ++repeat) {
          const auto scores =
              RandomScores(++seed, static_cast<size_t>(rows * columns), levels);
          const auto found = BestAssignment(scores, rows, columns);
          ASSERT_TRUE(AreDifferent(found));
          ASSERT_NEAR(Total(scores, columns, found),
                      BestOfAll(scores, rows, columns), 1e-5)
              << rows << " x " << columns << ", seed " << seed;
        }
      }
    }
  }
}

TEST(AssignmentTest, FindsAPermutationThatWasHidden) {
  constexpr int32_t kSize = 300;
  auto scores = RandomScores(7, size_t{kSize} * kSize, 0);
  std::vector<int32_t> hidden(kSize);
  for (int32_t i = 0; i < kSize; ++i) hidden[i] = (i * 7 + 3) % kSize;
  for (int32_t i = 0; i < kSize; ++i) {
    scores[static_cast<size_t>(i * kSize + hidden[i])] += 1;
  }
  EXPECT_EQ(BestAssignment(scores, kSize, kSize), hidden);
}

TEST(AssignmentTest, NoRowsNeedNoColumns) {
  EXPECT_TRUE(BestAssignment({}, 0, 0).empty());
  EXPECT_TRUE(BestAssignment({}, 0, 5).empty());
}

}  // namespace
}  // namespace revlm::fingerprint
