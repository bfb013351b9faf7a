#include "fingerprint/sites.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "fingerprint/states_testing.h"

namespace revlm::fingerprint {
namespace {

using ::testing::ElementsAre;
using testing::Mixed;
using testing::RandomStates;
using testing::SketchRows;

constexpr size_t kNumRows = 120;
constexpr size_t kWidth = 30;
constexpr uint32_t kRowsPerPrompt = 6;

std::vector<uint32_t> Prompts() {
  std::vector<uint32_t> prompt_of;
  for (uint32_t i = 0; i < kNumRows; ++i) {
    prompt_of.push_back(i / kRowsPerPrompt);
  }
  return prompt_of;
}

// States that take up a share of something new in each layer.
std::vector<LayerSketch> StatesThatChange(const std::vector<float>& shares) {
  std::vector<float> states = RandomStates(1, kNumRows, kWidth, 0.95);
  std::vector<LayerSketch> sketches = {SketchRows(states, kNumRows)};
  for (size_t i = 0; i < shares.size(); ++i) {
    states =
        Mixed(states, shares[i], RandomStates(2 + i, kNumRows, kWidth, 0.95));
    sketches.push_back(SketchRows(states, kNumRows));
  }
  return sketches;
}

TEST(SitesTest, FindsTheLayersThatChangeMost) {
  const auto changes = MeasureChanges(
      StatesThatChange({0.1f, 0.1f, 2.0f, 0.1f, 0.1f, 1.5f, 0.1f, 1.0f, 0.1f}),
      Prompts());
  ASSERT_EQ(changes.size(), 9U);
  EXPECT_THAT(RestrictionSites(changes), ElementsAre(2, 5, 7));
  for (const uint32_t site : {2, 5, 7}) {
    EXPECT_GT(changes[site].low, changes[0].high);
    EXPECT_GT(changes[site].top_share, 0.95f);
  }
  EXPECT_LT(changes[0].top_share, 0.05f);
}

TEST(SitesTest, IntervalsHoldTheChangeAndAreNotTrivial) {
  const auto changes =
      MeasureChanges(StatesThatChange({0.5f, 1.0f, 0.3f}), Prompts());
  for (const LayerChange& change : changes) {
    EXPECT_LT(change.low, change.change);
    EXPECT_GT(change.high, change.change);
    EXPECT_LT(change.high - change.low, change.change);
  }
}

TEST(SitesTest, LayersThatChangeAlikeAreNoSites) {
  // What is new in each layer is the same share of the states, which grow.
  std::vector<float> shares = {0.3f};
  while (shares.size() < 12) shares.push_back(shares.back() * 1.044f);
  const auto changes = MeasureChanges(StatesThatChange(shares), Prompts());
  EXPECT_LT(RestrictionSites(changes).size(), kNumSites);
}

TEST(SitesTest, IsTheSameEachTime) {
  const auto states = StatesThatChange({0.5f, 1.0f, 0.3f});
  EXPECT_EQ(MeasureChanges(states, Prompts()),
            MeasureChanges(states, Prompts()));
}

TEST(SitesTest, IntervalsCoverTheChangeOfMorePrompts) {
  // The change that a large sample of prompts has lies in the interval of a
  // small one, about nine times in ten.
  constexpr int kNumTrials = 100;
  constexpr size_t kMany = 1200;
  const auto change_of = [](uint64_t seed, size_t n) {
    const auto before = RandomStates(seed, n, kWidth, 0.9);
    const auto after =
        Mixed(before, 1.0f, RandomStates(seed + 1, n, kWidth, 0.9));
    std::vector<uint32_t> prompt_of(n);
    for (uint32_t i = 0; i < n; ++i) prompt_of[i] = i;
    return MeasureChanges(
        std::vector{SketchRows(before, n), SketchRows(after, n)}, prompt_of)[0];
  };
  const float truth = change_of(1, kMany).change;
  int num_covered = 0;
  for (uint64_t trial = 0; trial < kNumTrials; ++trial) {
    const LayerChange found = change_of(10 + 2 * trial, 100);
    num_covered += found.low <= truth && truth <= found.high ? 1 : 0;
  }
  EXPECT_GE(num_covered, 78);
}

}  // namespace
}  // namespace revlm::fingerprint
