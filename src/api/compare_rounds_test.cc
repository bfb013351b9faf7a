#include "api/compare_rounds.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace revlm {
namespace {

PairComparison Pair(Closeness closeness, Verdict verdict,
                    Scale scale = Scale::kTokens) {
  PairComparison pair;
  pair.verdict = verdict;
  pair.behaviour = BehaviourFinding{.scale = scale, .closeness = closeness};
  return pair;
}

TEST(CompareRoundsTest, PlainRoundsReadLittleAgainAndAreNotShort) {
  // Two small models, and two of 7B: seconds of all prompts, of reading once.
  EXPECT_EQ(PlainRoundSize(50, 2, 0.01), 50u);
  EXPECT_EQ(PlainRoundSize(1000, 8400, 27), 61u);  // 17 rounds, 16 times more
  EXPECT_EQ(PlainRoundSize(1000, 300, 1), 100u);   // of 30 s
  EXPECT_EQ(PlainRoundSize(1000, 300, 1000), 986u);
  EXPECT_EQ(PlainRoundSize(1000, 1e9, 0), 1u);
  EXPECT_EQ(PlainRoundSize(3, 0, 0), 3u);
}

TEST(CompareRoundsTest, RoundsDoubleWhatWasAskedUpToTheMost) {
  for (const size_t most : {1, 7, 8, 50, 64, 1000}) {
    std::vector<size_t> sizes;
    size_t num_asked = 0;
    while (const size_t size = RoundSize(num_asked, most)) {
      EXPECT_TRUE(num_asked + size == most ||
                  size == std::max<size_t>(num_asked, 8));
      num_asked += size;
      sizes.push_back(size);
    }
    EXPECT_EQ(num_asked, most);
    EXPECT_LE(sizes.size(), 8u);
  }
}

TEST(CompareRoundsTest, APairIsUndecidedAsLongAsPromptsMayDecideIt) {
  Comparison comparison;
  comparison.pairs = {
      Pair(Closeness::kUndecided, Verdict::kUndecided),
      Pair(Closeness::kUndecided, Verdict::kDerived),
      // By itself decided, but not yet in the company of the others.
      Pair(Closeness::kDifferent, Verdict::kUndecided)};
  EXPECT_EQ(NumUndecided(comparison), 3u);
  comparison.pairs = {
      Pair(Closeness::kSame, Verdict::kUndecided),
      Pair(Closeness::kDifferent, Verdict::kDifferent),
      Pair(Closeness::kUndecided, Verdict::kUndecided, Scale::kNone),
      PairComparison()};
  EXPECT_EQ(NumUndecided(comparison), 0u);
}

TEST(CompareRoundsTest, InformationIsThatOfTheFarthestUndecidedPair) {
  Comparison comparison;
  comparison.models = {{.alias = "a"}, {.alias = "b"}, {.alias = "c"}};
  comparison.pairs = {Pair(Closeness::kDifferent, Verdict::kDifferent),
                      Pair(Closeness::kUndecided, Verdict::kUndecided),
                      Pair(Closeness::kUndecided, Verdict::kUndecided)};
  std::vector<MadePrompt> asked(2);
  asked[0].id = "pot-0";
  asked[1].id = "kdf-0";
  const PromptTable values = {
      {{.num_positions = 3, .nats = 9, .mirror_nats = 9},
       {.num_positions = 3, .nats = 9}},
      {{.num_positions = 3, .nats = 1, .mirror_nats = 2}, {.num_positions = 3}},
      {{.num_positions = 3, .nats = 4, .mirror_nats = 1},
       {.num_positions = 3}}};
  const verify::Certainty sure = {.mean_entropy_nats = 0.5,
                                  .mean_top_probability = 0.75};
  const CertaintyTable certainty = {
      {sure, std::nullopt}, {std::nullopt, std::nullopt}, {sure, sure}};
  const auto outcomes = OutcomesOf(comparison, asked, values, certainty);
  ASSERT_EQ(outcomes.size(), 2u);
  EXPECT_EQ(outcomes[0].challenge_id, "pot-0");
  EXPECT_EQ(outcomes[0].information_nats, 2.5);
  ASSERT_EQ(outcomes[0].models.size(), 2u);
  EXPECT_EQ(outcomes[0].models[1].model, "c");
  EXPECT_EQ(outcomes[0].models[1].mean_entropy_nats, 0.5);
  EXPECT_EQ(outcomes[0].models[1].mean_top_probability, 0.75);
  EXPECT_EQ(outcomes[1].information_nats, 0);
  EXPECT_EQ(outcomes[1].models.size(), 1u);
}

TEST(CompareRoundsTest, APromptWithoutAValueIsNoOutcome) {
  Comparison comparison;
  comparison.models = {{.alias = "a"}, {.alias = "b"}, {.alias = "c"}};
  comparison.pairs = {Pair(Closeness::kDifferent, Verdict::kDifferent),
                      Pair(Closeness::kUndecided, Verdict::kUndecided),
                      Pair(Closeness::kUndecided, Verdict::kUndecided)};
  std::vector<MadePrompt> asked(3);
  asked[0].id = "too long";
  asked[1].id = "of a decided pair";
  asked[2].id = "of one open pair";
  const verify::PromptDivergence none;
  const verify::PromptDivergence some = {
      .num_positions = 3, .nats = 1, .mirror_nats = 3};
  const PromptTable values = {
      {none, some, none}, {none, none, none}, {none, none, some}};
  const std::vector<std::optional<verify::Certainty>> sure(3,
                                                           verify::Certainty());
  const auto outcomes =
      OutcomesOf(comparison, asked, values, {sure, sure, sure});
  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_EQ(outcomes[0].challenge_id, "of one open pair");
  EXPECT_EQ(outcomes[0].information_nats, 2);
  EXPECT_EQ(outcomes[0].models.size(), 3u);
}

TEST(CompareRoundsTest, WhatIsLongerThanPlannedIsNotAsked) {
  std::vector<verify::BehaviourModel> planned(2);
  planned[0].prompts = {{.ids = {1, 2}, .ends = {}}, {.ids = {1}, .ends = {}}};
  planned[1].prompts = {{.ids = {1}, .ends = {}}, {.ids = {}, .ends = {}}};
  const std::vector<size_t> most_ids = MostIds(planned);
  EXPECT_EQ(most_ids, (std::vector<size_t>{2, 1}));
  std::vector<verify::BehaviourModel> round(2);
  round[0].prompts = {{.ids = {1, 2, 3}, .ends = {1, 2, 3}},
                      {.ids = {4, 5}, .ends = {1, 2}}};
  round[1].prompts = {{.ids = {6}, .ends = {3}}, {.ids = {7, 8}, .ends = {}}};
  round[0].prompts.push_back({.ids = {5}, .ends = {}});
  round[1].prompts.push_back({.ids = {6}, .ends = {}});
  EXPECT_EQ(LeaveOutLonger(most_ids, round), 2u);  // the first and the second
  EXPECT_TRUE(round[0].prompts[0].ids.empty());
  EXPECT_TRUE(round[0].prompts[0].ends.empty());
  EXPECT_EQ(round[0].prompts[1].ids.size(), 2u);
  EXPECT_EQ(round[1].prompts[0].ids.size(), 1u);
  EXPECT_TRUE(round[1].prompts[1].ids.empty());
}

TEST(CompareRoundsTest, MemoryIsPlannedForTheLongestOfManyMore) {
  std::vector<verify::BehaviourModel> planned(2);
  planned[0].prompts = {{.ids = {1, 2}, .ends = {}}, {.ids = {1}, .ends = {}}};
  planned[1].prompts = {{.ids = {1, 2, 3}, .ends = {}}, {}};
  std::vector<verify::BehaviourModel> more(2);
  more[0].prompts = {{.ids = {1}, .ends = {}},
                     {.ids = {4, 5, 6, 7}, .ends = {1, 2, 3, 4}}};
  more[1].prompts = {{.ids = {4, 5, 6}, .ends = {}}, {.ids = {4}, .ends = {}}};
  TakeLongest(more, planned);
  EXPECT_EQ(planned[0].prompts.size(), 2u);
  EXPECT_EQ(planned[0].prompts[0].ids, (std::vector<int32_t>{4, 5, 6, 7}));
  EXPECT_EQ(planned[0].prompts[0].ends.size(), 4u);
  EXPECT_EQ(planned[0].prompts[1].ids.size(), 1u);
  EXPECT_EQ(planned[1].prompts[0].ids, (std::vector<int32_t>{1, 2, 3}));
  for (const size_t most : {1, 8, 50, 500, 10'000}) {
    EXPECT_GE(NumForPlanning(most), static_cast<int32_t>(most));
    EXPECT_LE(NumForPlanning(most), kMaxPrompts);
  }
}

}  // namespace
}  // namespace revlm
