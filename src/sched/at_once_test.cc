#include "sched/at_once.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace revlm::sched {
namespace {

using ::testing::ElementsAre;

TEST(AtOnceTest, OneAfterAnotherIsTheSum) {
  const std::vector<ModelTime> models = {{3, 1}, {2, 2}, {4, 0}};
  EXPECT_DOUBLE_EQ(SecondsAtOnce(models, 1), 9);
}

TEST(AtOnceTest, ThePlaceThatIsFreeFirstTakesTheNext) {
  const std::vector<ModelTime> models = {{3, 0}, {2, 0}, {4, 0}};
  EXPECT_DOUBLE_EQ(SecondsAtOnce(models, 2), 6);
  EXPECT_DOUBLE_EQ(SecondsAtOnce(models, 3), 4);
  EXPECT_DOUBLE_EQ(SecondsAtOnce(models, 9), 4);
  EXPECT_DOUBLE_EQ(SecondsAtOnce({}, 2), 0);
}

TEST(AtOnceTest, TheDiskServesAllOfThem) {
  const std::vector<ModelTime> all_read = {{3, 3}, {3, 3}};
  EXPECT_DOUBLE_EQ(SecondsAtOnce(all_read, 2), 6);
  const std::vector<ModelTime> one_reads = {{3, 3}, {3, 0.5}};
  EXPECT_DOUBLE_EQ(SecondsAtOnce(one_reads, 2), 3.5);
}

TEST(AtOnceTest, ComparesDoublesAndTheMost) {
  EXPECT_THAT(CountsToCompare(1), ElementsAre(1));
  EXPECT_THAT(CountsToCompare(2), ElementsAre(1, 2));
  EXPECT_THAT(CountsToCompare(3), ElementsAre(1, 2, 3));
  EXPECT_THAT(CountsToCompare(8), ElementsAre(1, 2, 4, 8));
  EXPECT_THAT(CountsToCompare(9), ElementsAre(1, 2, 4, 8, 9));
}

TEST(AtOnceTest, TakesTheFewestThatAreNearlyAsFast) {
  const std::vector<AtOnce> faster = {{1, 10}, {2, 6}, {3, 5.8}};
  EXPECT_EQ(ChooseAtOnce(faster).num_models, 2);
  EXPECT_DOUBLE_EQ(ChooseAtOnce(faster).seconds, 6);
  const std::vector<AtOnce> hardly = {{1, 10}, {2, 9.5}};
  EXPECT_EQ(ChooseAtOnce(hardly).num_models, 1);
  const std::vector<AtOnce> slower = {{1, 10}, {2, 20}};
  EXPECT_EQ(ChooseAtOnce(slower).num_models, 1);
}

}  // namespace
}  // namespace revlm::sched
