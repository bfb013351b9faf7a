#include "sched/hill_climb.h"

#include <gtest/gtest.h>

namespace revlm::sched {
namespace {

using Point = HillClimb::Point;
using Step = HillClimb::Step;

bool Always(const Point& /*neighbour*/) { return true; }
bool Never(const Point& /*neighbour*/) { return false; }

// Records what `rate` says, without noise.
template <typename Rate>
void Climb(HillClimb& climb, int count, const Rate& rate) {
  while (count-- > 0) climb.Record(rate(climb.point()), Always);
}

TEST(HillClimbTest, MeasuresItsStartBeforeItTriesAnything) {
  HillClimb climb({9, 1, 1}, {4, 0, 0});
  for (int i = 1; i < HillClimb::kBaseMeasurements; ++i) {
    EXPECT_EQ(climb.Record(1, Always), Step::kStay);
    EXPECT_FALSE(climb.is_trial());
  }
  while (climb.Record(1, Always) != Step::kTry) {
    ASSERT_FALSE(climb.is_trial());
  }
  EXPECT_TRUE(climb.is_trial());
  EXPECT_EQ(climb.MeanOf(climb.best()), 1);
}

TEST(HillClimbTest, WithoutNeighboursThereIsNothingToTry) {
  HillClimb climb({1, 1, 1}, {0, 0, 0});
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(climb.Record(1, Always), Step::kStay);
  }
}

TEST(HillClimbTest, NothingIsTriedThatMayNotBe) {
  HillClimb climb({9, 9, 1}, {4, 4, 0});
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(climb.Record(1, Never), Step::kStay);
  }
  // An axis that is closed does not keep the others from being tried.
  const auto first_only = [](const Point& p) { return p[1] == 4; };
  for (int i = 0; i < 1000; ++i) {
    climb.Record(0.3 * climb.point()[0], first_only);
    EXPECT_EQ(climb.point()[1], 4);
  }
  EXPECT_EQ(climb.best(), (Point{8, 4, 0}));
}

TEST(HillClimbTest, FindsTheTopFromAnywhere) {
  for (int x = 0; x < 15; ++x) {
    for (int y = 0; y < 7; ++y) {
      HillClimb climb({15, 7, 3}, {x, y, 1});
      Climb(climb, 300, [](const Point& p) {
        return -0.1 * ((p[0] - 9) * (p[0] - 9) + (p[1] - 2) * (p[1] - 2)) +
               0.2 * p[2];
      });
      EXPECT_EQ(climb.best(), (Point{9, 2, 2})) << x << ' ' << y;
    }
  }
}

TEST(HillClimbTest, WhatIsClearlyWorseIsTriedOnce) {
  HillClimb climb({3, 1, 1}, {1, 0, 0});
  int num_trials = 0;
  for (int i = 0; i < 1000; ++i) {
    num_trials += climb.is_trial() ? 1 : 0;
    climb.Record(climb.point()[0] == 1 ? 5 : 0, Always);
  }
  EXPECT_EQ(num_trials, 2);
  EXPECT_EQ(climb.best()[0], 1);
}

TEST(HillClimbTest, FindsWhatLiesBeyondAPlain) {
  HillClimb climb({21, 1, 1}, {20, 0, 0});
  Climb(climb, 300, [](const Point& p) { return p[0] < 14 ? 2.0 : 0.0; });
  EXPECT_LT(climb.best()[0], 14);
}

TEST(HillClimbTest, OneStrangeMeasurementIsNotCountedTwoForgetAll) {
  HillClimb climb({9, 1, 1}, {4, 0, 0});
  for (int i = 0; i < 20; ++i) climb.Record(1, Never);
  EXPECT_EQ(climb.Record(0, Never), Step::kStay);
  EXPECT_EQ(climb.MeanOf(climb.best()), 1);
  EXPECT_EQ(climb.Record(1, Never), Step::kStay);
  EXPECT_EQ(climb.Record(0, Never), Step::kStay);
  EXPECT_EQ(climb.Record(2, Never), Step::kStay);  // to the other side
  EXPECT_EQ(climb.Record(2, Never), Step::kForget);
  EXPECT_EQ(climb.MeanOf(climb.best()), 2);
}

TEST(HillClimbTest, ATrialEndsWhenItMayNotGoOn) {
  HillClimb climb({9, 1, 1}, {4, 0, 0});
  while (!climb.is_trial()) climb.Record(1, Always);
  EXPECT_EQ(climb.Record(1.02, Never), Step::kReturn);
  EXPECT_FALSE(climb.is_trial());
  EXPECT_EQ(climb.best()[0], 4);
}

}  // namespace
}  // namespace revlm::sched
