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
  Turns turns(std::array{5, 1, 1});
  EXPECT_THAT(Take(turns, 7), ElementsAre(0, 0, 1, 0, 2, 0, 0));
  EXPECT_THAT(Take(turns, 7), ElementsAre(0, 0, 1, 0, 2, 0, 0));
}

TEST(TurnsTest, EachHasItsShareOfAnyNumber) {
  const std::array shares = {30, 20, 20, 20, 10};
  Turns turns(shares);
  std::array<int, 5> counts = {};
  for (int n = 1; n <= 10'000; ++n) {
    ++counts[turns.Peek()];
    turns.Advance();
    for (size_t i = 0; i < shares.size(); ++i) {
      ASSERT_LT(std::abs(counts[i] - n * shares[i] / 100.0), 1.0) << n;
    }
  }
}

TEST(TurnsTest, CountingThemTakesNone) {
  Turns turns(std::array{3, 1});
  Take(turns, 3);
  EXPECT_THAT(turns.Count(9), ElementsAre(7, 2));
  EXPECT_THAT(turns.Count(9), ElementsAre(7, 2));
  EXPECT_THAT(turns.Count(0), ElementsAre(0, 0));
}

TEST(TurnsTest, WhatOneLeavesGoesToTheOthersByTheirShares) {
  Turns turns(std::array{50, 30, 20});
  Take(turns, 11);
  turns.Remove(0);
  EXPECT_THAT(turns.Count(500), ElementsAre(0, 300, 200));
  turns.Remove(1);
  turns.Remove(2);
  EXPECT_TRUE(turns.empty());
}

}  // namespace
}  // namespace revlm::challenge
