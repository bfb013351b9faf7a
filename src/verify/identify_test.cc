#include "verify/identify.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "stats/binomial.h"

namespace revlm::verify {
namespace {

Candidate WithBound(const std::string& name, double log_p, double mean_cka) {
  Candidate candidate = {.name = name, .family = name};
  candidate.weights = fingerprint::WeightSimilarity{.log_p = log_p};
  candidate.states = fingerprint::StateSimilarity{.mean_cka = mean_cka};
  return candidate;
}

TEST(IdentifyTest, TheSmallestBoundIsFirst) {
  const Identification found =
      Identify({WithBound("a", -3, 0.9),
                WithBound("b", -50, 0.1),
                WithBound("c", 0, 1.0),
                {.name = "other shape", .family = "o"}},
               1e-4);
  EXPECT_TRUE(found.is_known);
  EXPECT_EQ(found.candidates[0].name, "b");
  EXPECT_EQ(found.candidates[1].name, "a");
  EXPECT_EQ(found.candidates[2].name, "c");
  EXPECT_EQ(found.candidates[3].name, "other shape");
}

TEST(IdentifyTest, MatchesAreRankedByTheirWeights) {
  Candidate sibling = WithBound("sibling", -96, 0.99);
  sibling.weights->mean_cosine = 0.9;
  Candidate parent = WithBound("parent", -95.9, 0.95);
  parent.weights->mean_cosine = 0.95;
  Candidate stranger = WithBound("stranger", -2, 0.999);
  stranger.weights->mean_cosine = 0.99;
  const Identification found = Identify({stranger, sibling, parent}, 1e-4);
  EXPECT_EQ(found.candidates[0].name, "parent");
  EXPECT_EQ(found.candidates[1].name, "sibling");
  EXPECT_EQ(found.candidates[2].name, "stranger");
}

TEST(IdentifyTest, TheSameTensorsComeBeforeAnyBound) {
  Candidate same = WithBound("same", -80, 1);
  same.has_same_tensors = true;
  const Identification found =
      Identify({WithBound("derived", -90, 1), same}, 1e-4);
  EXPECT_TRUE(found.is_known);
  EXPECT_EQ(found.candidates[0].name, "same");
}

TEST(IdentifyTest, AlphaIsSharedAmongReferences) {
  // ln 1e-4 is -9.21; of two references, -9.90.
  EXPECT_TRUE(Identify({WithBound("a", -9.5, 0)}, 1e-4).is_known);
  EXPECT_FALSE(
      Identify({WithBound("a", -9.5, 0), WithBound("b", 0, 0)}, 1e-4).is_known);
  EXPECT_TRUE(Identify({WithBound("a", -9.95, 0), WithBound("b", 0, 0)}, 1e-4)
                  .is_known);
}

TEST(IdentifyTest, AlikeStatesAreNoMatch) {
  EXPECT_FALSE(Identify({WithBound("a", 0, 1.0)}, 0.5).is_known);
  EXPECT_FALSE(Identify({}, 1e-4).is_known);
}

TEST(IdentifyTest, CountsWhatIsMatchedWithoutItsFamily) {
  const std::vector<ForeignPair> pairs = {
      {0, 1, -20}, {0, 2, 0}, {1, 2, -9.5}, {3, 0, -1}};
  const auto found = LeaveFamiliesOut(5, pairs, 1e-4);
  ASSERT_TRUE(found);
  // 0 and 1 are matched; 2 has two foreign references, and -9.5 is not enough;
  // 4 has none.
  EXPECT_EQ(found->num_trials, 4U);
  EXPECT_EQ(found->num_false, 2U);
  EXPECT_DOUBLE_EQ(found->upper_limit,
                   stats::UpperRateLimit(2, 4, 0.05).value_or(-1));
}

TEST(IdentifyTest, WithoutForeignReferencesNothingIsKnownOfTheRate) {
  const auto found = LeaveFamiliesOut(3, {}, 1e-4);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->num_trials, 0U);
  EXPECT_EQ(found->upper_limit, 1);
}

}  // namespace
}  // namespace revlm::verify
