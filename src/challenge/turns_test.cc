#include "challenge/turns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <vector>

namespace revlm::challenge {
namespace {

using ::testing::ElementsAre;

std::vector<size_t> Take(Turns& turns, int count) {
  std::vector<size_t> taken;
  for (int i = 0; i < count; ++i) {
    taken.push_back(turns.Peek());
    turns.Advance();
  }
  return taken;
}

TEST(TurnsTest, AreSpreadAndNotInRuns) {
  Turns turns(std::array<int64_t, 3>{5, 1, 1});
  EXPECT_THAT(Take(turns, 7), ElementsAre(0, 0, 1, 0, 2, 0, 0));
  EXPECT_THAT(Take(turns, 7), ElementsAre(0, 0, 1, 0, 2, 0, 0));
}

TEST(TurnsTest, EachHasItsShareOfAnyNumber) {
  const std::array<int64_t, 5> shares = {30, 20, 20, 20, 10};
  Turns turns(shares);
  std::array<int, 5> counts = {};
  for (int n = 1; n <= 10'000; ++n) {
    ++counts[turns.Peek()];
    turns.Advance();
    for (size_t i = 0; i < shares.size(); ++i) {
      ASSERT_LT(std::abs(counts[i] - n * static_cast<double>(shares[i]) / 100),
                1.0)
          << n;
    }
  }
}

TEST(TurnsTest, CountingThemTakesNone) {
  Turns turns(std::array<int64_t, 2>{3, 1});
  Take(turns, 3);
  EXPECT_THAT(turns.Count(9), ElementsAre(7, 2));
  EXPECT_THAT(turns.Count(9), ElementsAre(7, 2));
  EXPECT_THAT(turns.Count(0), ElementsAre(0, 0));
}

TEST(TurnsTest, WhatOneLeavesGoesToTheOthersByTheirShares) {
  Turns turns(std::array<int64_t, 3>{50, 30, 20});
  Take(turns, 11);
  turns.SetShares(std::array<int64_t, 3>{0, 30, 20});
  EXPECT_THAT(turns.Count(500), ElementsAre(0, 300, 200));
  turns.SetShares(std::array<int64_t, 3>{});
  EXPECT_TRUE(turns.empty());
}

// A share so small that its turn comes in none of the parts alone.
TEST(TurnsTest, SharesThatAreSetAnewAfterEveryTurnAreKeptAllTheSame) {
  Turns turns(std::array<int64_t, 2>{1, 1});
  std::array<int, 2> counts = {};
  for (int i = 0; i < 1000; ++i) {
    turns.SetShares(std::array<int64_t, 2>{98 + i % 2, 2 - i % 2});
    ++counts[turns.Peek()];
    turns.Advance();
  }
  EXPECT_NEAR(counts[1], 15, 1);
}

}  // namespace
}  // namespace revlm::challenge
