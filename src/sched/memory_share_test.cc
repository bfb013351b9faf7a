#include "sched/memory_share.h"

#include <gtest/gtest.h>

namespace revlm::sched {
namespace {

using Change = MemoryShare::Change;

MemorySigns Available(double share) {
  return {.stall_percent = std::nullopt, .available_share = share};
}
MemorySigns Stalled(double percent) {
  return {.stall_percent = percent, .available_share = std::nullopt};
}

TEST(MemoryShareTest, NothingKnownMeansNothingToDo) {
  MemoryShare share(0.1);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(share.Update({}), Change::kNone);
  EXPECT_EQ(share.share(), 1);
}

TEST(MemoryShareTest, EnoughIsLeftAlone) {
  MemoryShare share(0.1);
  EXPECT_EQ(share.Update(Available(1)), Change::kNone);
  EXPECT_EQ(share.Update(Stalled(0.9)), Change::kNone);
  EXPECT_EQ(share.share(), 1);
}

TEST(MemoryShareTest, ItFallsToNineTenthsOfWhatIsThere) {
  MemoryShare share(0.1);
  EXPECT_EQ(share.Update(Available(0.5)), Change::kFall);
  EXPECT_DOUBLE_EQ(share.share(), 0.45);
  // That is enough.
  EXPECT_EQ(share.Update(Available(0.5)), Change::kNone);
  EXPECT_EQ(share.Update(Available(0.2)), Change::kFall);
  EXPECT_DOUBLE_EQ(share.share(), 0.18);
}

TEST(MemoryShareTest, ItNeverFallsBelowTheLeast) {
  MemoryShare share(0.25);
  EXPECT_EQ(share.Update(Available(0)), Change::kFall);
  EXPECT_EQ(share.share(), 0.25);
  EXPECT_EQ(share.Update(Available(0)), Change::kNone);
  EXPECT_EQ(share.Update(Stalled(90)), Change::kNone);
}

TEST(MemoryShareTest, StallsHalveItUnlessTheyAreFadingAlready) {
  MemoryShare share(0.1);
  EXPECT_EQ(share.Update(Stalled(5)), Change::kFall);
  EXPECT_EQ(share.share(), 0.5);
  EXPECT_EQ(share.Update(Stalled(3)), Change::kNone);
  EXPECT_EQ(share.Update(Stalled(4)), Change::kFall);
  EXPECT_EQ(share.share(), 0.25);
}

TEST(MemoryShareTest, ItRisesInStepsAfterSomeCalm) {
  MemoryShare share(0.1);
  share.Update(Stalled(5));
  EXPECT_EQ(share.Update({}), Change::kNone);
  EXPECT_EQ(share.Update({}), Change::kRise);
  EXPECT_DOUBLE_EQ(share.share(), 0.625);
  int num_updates = 0;
  while (share.share() < 1) {
    share.Update({});
    ASSERT_LT(++num_updates, 10);
  }
  EXPECT_EQ(share.share(), 1);
}

TEST(MemoryShareTest, ItRisesNoFurtherThanThereIsMemory) {
  MemoryShare share(0.1);
  share.Update(Available(0.4));
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(share.Update(Available(0.45)), Change::kNone);
  }
  for (int i = 0; i < 20; ++i) share.Update(Available(0.6));
  EXPECT_LE(share.share(), 0.54);
  EXPECT_GT(share.share(), 0.4);
}

// A rise that is soon followed by a fall doubles the wait for the next.
TEST(MemoryShareTest, WaitsGrowWhileRisesFail) {
  MemoryShare share(0.1);
  share.Update(Stalled(5));
  int last_wait = 0;
  for (int round = 0; round < 5; ++round) {
    int wait = 0;
    while (share.Update({}) != Change::kRise) ++wait;
    EXPECT_GT(wait, last_wait);
    last_wait = wait;
    EXPECT_EQ(share.Update(Stalled(5)), Change::kFall);
  }
  EXPECT_GE(last_wait, 30);
}

// One that has lasted is not blamed for what comes later.
TEST(MemoryShareTest, WaitsDoNotGrowAfterALongCalm) {
  MemoryShare share(0.1);
  for (int round = 0; round < 5; ++round) {
    EXPECT_EQ(share.Update(Stalled(5)), Change::kFall);
    int wait = 0;
    while (share.Update({}) != Change::kRise) ++wait;
    EXPECT_EQ(wait, 1);
    for (int i = 0; i < 100; ++i) share.Update({});
    EXPECT_EQ(share.share(), 1);
  }
}

}  // namespace
}  // namespace revlm::sched
