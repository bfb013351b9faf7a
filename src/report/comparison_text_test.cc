#include <gmock/gmock.h>

#include <sstream>
#include <string>

#include "revlm/report.h"

namespace revlm {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Comparison MakeComparison() {
  Comparison comparison;
  comparison.models = {{.alias = "a", .tensor_root = std::string(64, '1')},
                       {.alias = "b"},
                       {.alias = "a-model-with-a-rather-long-name"}};
  comparison.num_prompts = 50;
  comparison.prompt_source = "pot/1";
  comparison.same_nats = 1e-3;
  comparison.most_nats = 0.1;
  comparison.alpha = 0.01;
  comparison.run_dir = "rev-runs/x";
  comparison.seconds = 1.5;
  PairComparison& derived = comparison.pairs.emplace_back();
  derived.a = "a";
  derived.b = "b";
  derived.verdict = Verdict::kDerived;
  derived.reason = "int4 of a\x1b[31m";
  derived.error_bound = 1e-6;
  derived.weights = WeightFinding{.relation = Relation::kDerived,
                                  .sentence = "int4 of a",
                                  .is_same_function = true,
                                  .z = 303.2,
                                  .error_bound = 1e-6};
  derived.weights->tensors = TensorFinding{.num_tensors = 5,
                                           .num_equal_bytes = 3,
                                           .num_equal_values = 4,
                                           .common = {"q", "k"},
                                           .equal = {"gain", "k", "q", "v"},
                                           .differing = {"up"},
                                           .only_in_b = {"extra"},
                                           .settings = {"rope"}};
  derived.weights->match =
      WeightStatistic{.z = 25, .log_p = -276.3, .num_units = 384};
  derived.weights->csu =
      WeightStatistic{.z = 0.5, .log_p = -0.6931, .num_units = 384};
  derived.weights->layers = {{.a = 0, .b = 0, .similarity = 1},
                             {.a = 2, .b = 1, .similarity = 0.98765}};
  derived.behaviour = BehaviourFinding{.scale = Scale::kTokens,
                                       .num_used = 50,
                                       .num_prompts = 50,
                                       .divergence = {0.0091, 0.004, 0.024},
                                       .mirror = {0.0093, 0.005, 0.025}};
  PairComparison& different = comparison.pairs.emplace_back();
  different.a = "a";
  different.b = "a-model-with-a-rather-long-name";
  different.verdict = Verdict::kDifferent;
  different.reason = "weights unrelated; divergence certified";
  different.error_bound = 0.01;
  different.num_used = 8;
  different.behaviour = BehaviourFinding{.scale = Scale::kFirstBytes,
                                         .closeness = Closeness::kDifferent,
                                         .num_used = 8,
                                         .num_prompts = 50,
                                         .num_cut = 47,
                                         .num_failed = 2,
                                         .divergence = {0.546, 0.085, 0.1},
                                         .mirror = {0.569, 0.085, 0.1}};
  different.behaviour->nearness = NearnessFinding{
      .num_pairs = 5, .ratio = 0.455, .log_e = 6.9078, .is_shown = true};
  PairComparison& undecided = comparison.pairs.emplace_back();
  undecided.a = "b";
  undecided.b = "a-model-with-a-rather-long-name";
  undecided.reason = "behaviour was not compared";
  undecided.missing = "a prompt that both can be asked";
  undecided.behaviour =
      BehaviourFinding{.scale = Scale::kNone, .why_none = "no common bytes"};
  comparison.worst = Verdict::kDifferent;
  return comparison;
}

TEST(ComparisonTextTest, TheTableHasEachPairAndTheCounts) {
  const std::string text = RenderText(MakeComparison(), 1, {.columns = 80});
  EXPECT_THAT(text, HasSubstr("a ~ b "));
  EXPECT_THAT(text, HasSubstr("DERIVED    0.0091 [0.004, 0.024]"));
  EXPECT_THAT(text, HasSubstr("<= 1e-06"));
  EXPECT_THAT(text, HasSubstr(">= 0.546 (> 0.085)"));
  EXPECT_THAT(text,
              HasSubstr("3 pairs: 0 SAME, 1 DERIVED, 1 DIFFERENT, 1 UNDECIDED  "
                        "exit 1  1.5 s"));
  EXPECT_THAT(text, HasSubstr("revlm explain rev-runs/x"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
}

TEST(ComparisonTextTest, TensorsInCommonAreNamed) {
  EXPECT_THAT(RenderText(MakeComparison(), 1, {}),
              HasSubstr("\n  equal: q, k, gain and 1 more\n"));
  EXPECT_THAT(RenderExplanation(MakeComparison(), {}),
              HasSubstr("             4 of 5 tensors equal in values: q, k, "
                        "gain and 1 more\n"
                        "             not equal: up\n"
                        "             only in b: extra\n"
                        "             other settings: rope\n"));
}

TEST(ComparisonTextTest, WhatWasMeasuredBesidesIsInTheExplanation) {
  const std::string text = RenderExplanation(MakeComparison(), {});
  EXPECT_THAT(text, HasSubstr("MATCH p = 10^-120 (z = 25, 384 units); "
                              "CSU p = 0.5 (z = 0.5, 384 units)\n"));
  EXPECT_THAT(text,
              HasSubstr("similarity of layers, a~b:  0~0 1.000  2~1 0.988\n"));
  EXPECT_THAT(text, HasSubstr("2 more prompts failed, and count for nothing"));
}

TEST(ComparisonTextTest, RowsOfTheTableFitTheTerminal) {
  for (const int32_t columns : {80, 120}) {
    std::istringstream lines(
        RenderText(MakeComparison(), 1, {.columns = columns}));
    std::string line;
    while (std::getline(lines, line)) {
      if (line.find(" ~ ") == std::string::npos) continue;
      EXPECT_LE(line.size(), static_cast<size_t>(columns)) << line;
    }
  }
}

TEST(ComparisonTextTest, ColorIsOfTheVerdictAlone) {
  const std::string text = RenderText(
      MakeComparison(), 1, {.color = Color::kAlways, .columns = 100});
  EXPECT_THAT(text, HasSubstr("\x1b[1;36mDERIVED  \x1b[0m"));
  EXPECT_THAT(text, HasSubstr("\x1b[1;31mDIFFERENT\x1b[0m"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b[31m")));  // of a reason
}

TEST(ComparisonTextTest, TheExplanationSaysWhyAndWhatIsOpen) {
  const std::string text = RenderExplanation(MakeComparison(), {});
  EXPECT_THAT(text, HasSubstr("a ~ b: DERIVED"));
  EXPECT_THAT(text, HasSubstr("303 standard deviations"));
  EXPECT_THAT(text, HasSubstr("both compute the same function"));
  EXPECT_THAT(text, HasSubstr("wrong with probability 1e-06 at most"));
  EXPECT_THAT(text, HasSubstr("KL(b||a)  0.0093 on average"));
  EXPECT_THAT(text, HasSubstr("47 prompts beyond the cut of 0.1"));
  EXPECT_THAT(text, HasSubstr("a lower bound"));
  EXPECT_THAT(text, HasSubstr("0.455 times the divergence of the nearest of 5 "
                              "other unrelated pairs"));
  EXPECT_THAT(text, HasSubstr("  related behaviour (e = 10^3.0)"));
  EXPECT_THAT(text, HasSubstr("not compared: no common bytes"));
  EXPECT_THAT(text, HasSubstr("missing    a prompt that both can be asked"));
  EXPECT_THAT(text, HasSubstr("one may still have learned from the other"));
}

TEST(ComparisonTextTest, TheDocumentIsThatOfItsCommand) {
  const std::string text = RenderJson(MakeComparison(), kVerifySchema, 1);
  EXPECT_THAT(text, HasSubstr("\"schema\":\"revlm.verify/1\""));
  EXPECT_THAT(text, HasSubstr("\"verdict\":\"DIFFERENT\""));
  EXPECT_THAT(text, HasSubstr("\"exit_code\":1"));
  EXPECT_THAT(text, HasSubstr("\"run_dir\":\"rev-runs/x\""));
}

}  // namespace
}  // namespace revlm
