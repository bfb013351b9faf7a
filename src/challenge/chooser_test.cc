#include "challenge/chooser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <vector>

#include "challenge/pot.h"
#include "challenge/strategy.h"

namespace revlm::challenge {
namespace {

std::deque<Challenge> Proposals(uint64_t seed, size_t count) {
  const auto made = GenerateChallenges(
      kPot, DeriveSessionKey({.seed = SeedFromNumber(seed)}), {}, count);
  return {made->begin(), made->end()};
}

bool IsOf(const Challenge& challenge, std::string_view domain) {
  return challenge.parameters[0].value == domain;
}

// Has learnt that prompts of `domain` bring eight times as much.
Chooser Taught(Focus focus, std::string_view domain) {
  Chooser chooser({}, Strategy::kBalanced, focus);
  for (const Challenge& challenge : Proposals(1, 270)) {
    chooser.Learn(challenge, IsOf(challenge, domain) ? 8e-3 : 1e-3, {});
  }
  return chooser;
}

TEST(ChooserTest, LeavesEverythingAsItIsBeforeItHasLearnt) {
  Chooser chooser({}, Strategy::kBehavioral, Focus::kSeparation);
  auto proposals = Proposals(2, 100);
  chooser.Order(proposals, 0);
  EXPECT_EQ(proposals, Proposals(2, 100));
  EXPECT_EQ(chooser.NumProposals(5), 5u);
}

TEST(ChooserTest, PutsInFrontWhatPromisesMostAndKeepsPlacesForTheRest) {
  for (const Focus focus :
       {Focus::kCoverage, Focus::kSeparation, Focus::kBalanced}) {
    Chooser chooser = Taught(focus, "code");
    const auto before = Proposals(3, 90);
    auto after = before;
    chooser.Order(after, 0);
    size_t next_idx = 0;
    size_t num_of_domain = 0;
    size_t num_chosen = 0;
    for (size_t i = 0; i < 12; ++i) {
      if (IsInOwnOrder(focus, i)) {
        // The first that was not taken before.
        while (std::find(after.begin(), after.begin() + i, before[next_idx]) !=
               after.begin() + i) {
          ++next_idx;
        }
        EXPECT_EQ(after[i], before[next_idx]);
      } else {
        ++num_chosen;
        num_of_domain += IsOf(after[i], "code") ? 1 : 0;
      }
    }
    // Ten of the 90 are of the domain.
    EXPECT_GE(num_of_domain + 1, std::min<size_t>(num_chosen, 9));
    EXPECT_THAT(after, ::testing::UnorderedElementsAreArray(before));
  }
}

TEST(ChooserTest, PlacesGoOnFromWhatWasGivenBefore) {
  Chooser chooser = Taught(Focus::kBalanced, "code");
  auto proposals = Proposals(4, 90);
  const Challenge first = proposals.front();
  chooser.Order(proposals, 7);  // place 7 is by promise, place 8 is not
  EXPECT_TRUE(IsOf(proposals[0], "code"));
  EXPECT_EQ(proposals[1], first);
}

TEST(ChooserTest, BehavioralAsksWhereModelsDiffer) {
  const auto count = [](Strategy strategy) {
    Chooser chooser({}, strategy, Focus::kSeparation);
    for (const Challenge& challenge : Proposals(5, 450)) {
      const double entropy = IsOf(challenge, "lists") ? 6 : 2;
      // Little by which the predictor could tell prompts apart.
      const double information = challenge.text.size() % 2 == 0 ? 1e-3 : 1.5e-3;
      chooser.Learn(challenge, information,
                    std::vector<ModelObservation>{
                        {.model = "a", .mean_entropy_nats = 2},
                        {.model = "b", .mean_entropy_nats = entropy}});
    }
    auto proposals = Proposals(6, 90);
    chooser.Order(proposals, 0);
    return std::count_if(proposals.begin(), proposals.begin() + 10,
                         [](const auto& item) { return IsOf(item, "lists"); });
  };
  EXPECT_GT(count(Strategy::kBehavioral), count(Strategy::kBalanced));
  EXPECT_GE(count(Strategy::kBehavioral), 7);
}

TEST(ChooserTest, AsksForMoreThanAreDueWithinBounds) {
  const Chooser chooser = Taught(Focus::kBalanced, "code");
  EXPECT_EQ(chooser.NumProposals(1), 65u);
  EXPECT_EQ(chooser.NumProposals(100), 800u);
  EXPECT_EQ(chooser.NumProposals(3000), 7096u);
}

TEST(StrategyTest, SharesAreInPercentAndNamesDiffer) {
  for (size_t i = 0; i < kNumStrategies; ++i) {
    int sum = 0;
    for (const int share : SharesOf(static_cast<Strategy>(i))) sum += share;
    EXPECT_EQ(sum, 100) << StrategyName(static_cast<Strategy>(i));
  }
  EXPECT_THAT(SharesOf(Strategy::kBalanced),
              ::testing::ElementsAre(30, 20, 20, 20, 10));
  EXPECT_EQ(SystemKindName(SystemKind::kHierarchical), "hierarchical");
  EXPECT_EQ(FocusName(Focus::kSeparation), "separation");
}

}  // namespace
}  // namespace revlm::challenge
