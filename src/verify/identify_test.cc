#include "verify/identify.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "stats/binomial.h"

namespace revlm::verify {
namespace {

Candidate WithBound(const std::string& name, double log_p,
                    double different_bits) {
  Candidate candidate = {.name = name, .family = name};
  candidate.weights = fingerprint::WeightSimilarity{.log_p = log_p};
  candidate.different_bits = different_bits;
  return candidate;
}

TEST(IdentifyTest, TheSmallestBoundIsFirst) {
  const Identification found =
      Identify({WithBound("a", -3, 0.1),
                WithBound("b", -50, 0.5),
                WithBound("d", 0, 0.3),
                WithBound("c", 0, 0.0),
                {.name = "other shape", .family = "o"}},
               1e-4);
  EXPECT_TRUE(found.is_known);
  EXPECT_EQ(found.candidates[0].name, "b");
  EXPECT_EQ(found.candidates[1].name, "a");
  EXPECT_EQ(found.candidates[2].name, "c");
  EXPECT_EQ(found.candidates[3].name, "d");
  EXPECT_EQ(found.candidates[4].name, "other shape");
}

TEST(IdentifyTest, TheClosestAreTheBestAndThoseOfTheFewestBits) {
  std::vector<Candidate> candidates;
  for (int i = 0; i < 40; ++i) {
    candidates.push_back(WithBound("c", 0, 1 - i / 100.0));
  }
  candidates[5].different_bits = 0;
  const std::vector<size_t> closest = ClosestOf(candidates);
  // The first ten, of which one has the fewest bits, and the last nine.
  ASSERT_EQ(closest.size(), 19U);
  for (size_t i = 0; i < 10; ++i) EXPECT_EQ(closest[i], i);
  for (size_t i = 10; i < 19; ++i) EXPECT_EQ(closest[i], 21 + i);
  EXPECT_EQ(ClosestOf(std::span(candidates).first(3)).size(), 3U);
  EXPECT_TRUE(ClosestOf({}).empty());
}

TEST(IdentifyTest, MatchesAreRankedByTheirWeights) {
  Candidate sibling = WithBound("sibling", -96, 0.01);
  sibling.weights->mean_cosine = 0.9;
  Candidate parent = WithBound("parent", -95.9, 0.05);
  parent.weights->mean_cosine = 0.95;
  Candidate stranger = WithBound("stranger", -2, 0.001);
  stranger.weights->mean_cosine = 0.99;
  const Identification found = Identify({stranger, sibling, parent}, 1e-4);
  EXPECT_EQ(found.candidates[0].name, "parent");
  EXPECT_EQ(found.candidates[1].name, "sibling");
  EXPECT_EQ(found.candidates[2].name, "stranger");
}

TEST(IdentifyTest, TheSameTensorsComeBeforeAnyBound) {
  Candidate same = WithBound("same", -80, 0);
  same.has_same_tensors = true;
  const Identification found =
      Identify({WithBound("derived", -90, 0), same}, 1e-4);
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
  EXPECT_FALSE(Identify({WithBound("a", 0, 0.0)}, 0.5).is_known);
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
