#include "verify/verdict.h"

#include <gmock/gmock.h>

#include <cmath>
#include <string>
#include <vector>

namespace revlm::verify {
namespace {

using ::testing::HasSubstr;

constexpr stats::DivergenceRules kRules;

WeightFinding Weights(Relation relation) {
  WeightFinding finding;
  finding.relation = relation;
  finding.sentence = "what the weights say";
  if (relation == Relation::kDerived) finding.error_bound = 1e-6;
  return finding;
}

BehaviourFinding Behaviour(Closeness closeness, double log_e = 0,
                           Scale scale = Scale::kTokens) {
  BehaviourFinding finding;
  finding.scale = scale;
  finding.closeness = closeness;
  finding.num_used = 20;
  finding.num_prompts = 50;
  finding.num_needed = closeness == Closeness::kUndecided ? 800 : 0;
  finding.log_e =
      closeness == Closeness::kDifferent && log_e == 0 ? std::log(1e6) : log_e;
  return finding;
}

PairVerdict FormOne(const PairEvidence& pair) {
  return FormVerdicts({{pair}}, kRules).front();
}

TEST(VerdictTest, IsTheTruthTableOfWeightsAndBehaviour) {
  struct Row {
    Relation relation;
    Closeness closeness;
    Verdict verdict;
  };
  using enum Relation;
  const Row rows[] = {
      {kSame, Closeness::kUndecided, Verdict::kSame},
      {kSame, Closeness::kSame, Verdict::kSame},
      {kSame, Closeness::kDifferent, Verdict::kDerived},
      {kDerived, Closeness::kUndecided, Verdict::kDerived},
      {kDerived, Closeness::kSame, Verdict::kDerived},
      {kDerived, Closeness::kDifferent, Verdict::kDerived},
      {kIndependent, Closeness::kUndecided, Verdict::kUndecided},
      {kIndependent, Closeness::kSame, Verdict::kUndecided},
      {kIndependent, Closeness::kDifferent, Verdict::kDifferent},
      {kNotComparable, Closeness::kUndecided, Verdict::kUndecided},
      {kNotComparable, Closeness::kSame, Verdict::kUndecided},
      {kNotComparable, Closeness::kDifferent, Verdict::kDifferent},
  };
  for (const Row& row : rows) {
    const PairVerdict found = FormOne({.weights = Weights(row.relation),
                                       .behaviour = Behaviour(row.closeness),
                                       .texts = {}});
    EXPECT_EQ(found.verdict, row.verdict)
        << static_cast<int>(row.relation) << static_cast<int>(row.closeness);
    EXPECT_NE(found.reason, "");
    EXPECT_EQ(found.missing.empty(), row.verdict != Verdict::kUndecided);
  }
}

TEST(VerdictTest, WithoutOneOfTheTwo) {
  EXPECT_EQ(FormOne({}).verdict, Verdict::kUndecided);
  EXPECT_THAT(FormOne({}).missing, HasSubstr("--challenges"));
  for (const Relation relation :
       {Relation::kIndependent, Relation::kNotComparable}) {
    EXPECT_EQ(FormOne({.weights = Weights(relation)}).verdict,
              Verdict::kUndecided);
  }
  EXPECT_EQ(FormOne({.weights = Weights(Relation::kSame)}).verdict,
            Verdict::kSame);
  EXPECT_EQ(FormOne({.weights = Weights(Relation::kDerived)}).verdict,
            Verdict::kDerived);
  EXPECT_EQ(FormOne({.behaviour = Behaviour(Closeness::kDifferent)}).verdict,
            Verdict::kDifferent);
  // Behaviour alone never makes local models SAME.
  EXPECT_EQ(FormOne({.behaviour = Behaviour(Closeness::kSame)}).verdict,
            Verdict::kUndecided);
  BehaviourFinding none;
  none.why_none = "no common bytes";
  const PairVerdict found = FormOne(
      {.weights = Weights(Relation::kNotComparable), .behaviour = none});
  EXPECT_EQ(found.verdict, Verdict::kUndecided);
  EXPECT_THAT(found.reason, HasSubstr("no common bytes"));
}

TEST(VerdictTest, PromptsThatFailedAreCounted) {
  PairEvidence pair = {.weights = Weights(Relation::kIndependent),
                       .behaviour = Behaviour(Closeness::kDifferent)};
  pair.behaviour->num_failed = 7;
  EXPECT_THAT(FormOne(pair).reason, HasSubstr("; 7 of 57 prompts failed"));
  pair.behaviour =
      BehaviourFinding{.scale = Scale::kTokens,
                       .why_none = "b failed on all of 7 prompts: not finite",
                       .num_failed = 7};
  EXPECT_EQ(FormOne(pair).verdict, Verdict::kUndecided);
  EXPECT_THAT(FormOne(pair).reason, HasSubstr("on all of 7 prompts"));
}

TEST(VerdictTest, IsTheTruthTableOfTexts) {
  const auto form = [](Closeness closeness, const char* winner) {
    TextFinding texts;
    texts.closeness = closeness;
    texts.num_needed = 700;
    texts.alternatives = {{.name = "int4", .derivation = "int4 of a"}};
    if (winner != nullptr) texts.winner = winner;
    return FormOne({.weights = {}, .behaviour = {}, .texts = texts});
  };
  EXPECT_EQ(form(Closeness::kSame, nullptr).verdict, Verdict::kSame);
  EXPECT_EQ(form(Closeness::kDifferent, nullptr).verdict, Verdict::kDifferent);
  EXPECT_EQ(form(Closeness::kUndecided, nullptr).verdict, Verdict::kUndecided);
  EXPECT_THAT(form(Closeness::kUndecided, nullptr).missing, HasSubstr("700"));
  for (const Closeness closeness :
       {Closeness::kUndecided, Closeness::kDifferent}) {
    const PairVerdict found = form(closeness, "int4");
    EXPECT_EQ(found.verdict, Verdict::kDerived);
    EXPECT_THAT(found.reason, HasSubstr("int4 of a"));
  }
}

TEST(VerdictTest, AnotherModelThatWinsIsWhatItsWeightsSay) {
  const auto form = [](Relation relation, Closeness closeness) {
    TextFinding texts;
    texts.closeness = closeness;
    texts.num_refuted = 5;
    texts.num_requests = 40;
    texts.winner = "other";
    texts.winner_log_odds = std::log(1e20);
    texts.winner_weights = Weights(relation);
    return FormOne({.weights = {}, .behaviour = {}, .texts = texts});
  };
  for (const Closeness closeness :
       {Closeness::kUndecided, Closeness::kDifferent}) {
    const PairVerdict derived = form(Relation::kDerived, closeness);
    EXPECT_EQ(derived.verdict, Verdict::kDerived);
    EXPECT_THAT(derived.reason, HasSubstr("those of other, odds 10^20"));
    EXPECT_DOUBLE_EQ(derived.error_bound, kRules.alpha + 1e-6);
    EXPECT_EQ(derived.num_used, 40);
  }
  for (const Relation relation :
       {Relation::kIndependent, Relation::kNotComparable}) {
    EXPECT_EQ(form(relation, Closeness::kDifferent).verdict,
              Verdict::kDifferent);
    const PairVerdict open = form(relation, Closeness::kUndecided);
    EXPECT_EQ(open.verdict, Verdict::kUndecided);
    EXPECT_THAT(open.missing, HasSubstr("more texts"));
  }
}

TEST(VerdictTest, UndecidedTextsSayWhatIsMissing) {
  TextFinding texts;
  const auto form = [&] {
    return FormOne({.weights = {}, .behaviour = {}, .texts = texts});
  };
  // Text: no number of answers certifies SAME.
  EXPECT_THAT(form().missing, HasSubstr("its tokens"));
  texts.num_refuted = 3;
  EXPECT_EQ(form().verdict, Verdict::kUndecided);
  EXPECT_THAT(form().reason, HasSubstr("not those of the reference"));
  EXPECT_THAT(form().missing, HasSubstr("--alternative"));
  EXPECT_EQ(form().error_bound, 0);
}

TEST(VerdictTest, SaysTheRiskOfEachVerdict) {
  EXPECT_EQ(FormOne({.weights = Weights(Relation::kSame)}).error_bound, 0);
  EXPECT_EQ(FormOne({.weights = Weights(Relation::kDerived)}).error_bound,
            1e-6);
  const PairVerdict different =
      FormOne({.weights = Weights(Relation::kIndependent),
               .behaviour = Behaviour(Closeness::kDifferent)});
  EXPECT_EQ(different.error_bound, kRules.alpha);
  EXPECT_EQ(different.num_used, 20);
}

TEST(VerdictTest, ARelationThatEqualTensorsShowIsExact) {
  WeightFinding exact = Weights(Relation::kDerived);
  exact.error_bound = 0;
  const PairVerdict found = FormOne(
      {.weights = exact, .behaviour = Behaviour(Closeness::kDifferent)});
  EXPECT_EQ(found.verdict, Verdict::kDerived);
  EXPECT_EQ(found.error_bound, 0);
}

TEST(VerdictTest, NothingIsSameThatAnswersOtherwise) {
  const PairVerdict found =
      FormOne({.weights = Weights(Relation::kSame),
               .behaviour = Behaviour(Closeness::kDifferent)});
  EXPECT_EQ(found.verdict, Verdict::kDerived);
  EXPECT_THAT(found.reason, HasSubstr("divergence certified"));
  EXPECT_EQ(found.error_bound, kRules.alpha);
  EXPECT_EQ(found.num_used, 20);
}

TEST(VerdictTest, RelatedBehaviourIsSaidBesideDifferent) {
  PairEvidence pair = {.weights = Weights(Relation::kIndependent),
                       .behaviour = Behaviour(Closeness::kDifferent),
                       .texts = {}};
  pair.behaviour->nearness = NearnessFinding{
      .num_pairs = 9, .ratio = 0.4, .log_e = std::log(1e6), .is_shown = true};
  const PairVerdict related = FormOne(pair);
  EXPECT_EQ(related.verdict, Verdict::kDifferent);
  EXPECT_THAT(related.reason, HasSubstr("related behaviour: 2.5 times as near "
                                        "as the nearest of 9 other unrelated "
                                        "pairs (e = 10^6.0)"));
  pair.behaviour->nearness->is_shown = false;
  EXPECT_EQ(FormOne(pair).reason, "weights unrelated; divergence certified");
}

TEST(VerdictTest, ADisguiseIsDerivedAndTheSameFunction) {
  WeightFinding weights = Weights(Relation::kDerived);
  weights.is_same_function = true;
  const PairVerdict found = FormOne({.weights = weights});
  EXPECT_EQ(found.verdict, Verdict::kDerived);
  EXPECT_THAT(found.reason, HasSubstr("same function"));
}

TEST(VerdictTest, UndecidedSaysHowManyPromptsAreMissing) {
  const PairVerdict found =
      FormOne({.weights = Weights(Relation::kIndependent),
               .behaviour = Behaviour(Closeness::kUndecided)});
  EXPECT_THAT(found.missing, HasSubstr("about 750 more prompts"));
  EXPECT_THAT(found.missing, HasSubstr("--challenges 800"));
  BehaviourFinding at_the_edge = Behaviour(Closeness::kUndecided);
  at_the_edge.num_needed = 0;
  EXPECT_THAT(FormOne({.weights = Weights(Relation::kIndependent),
                       .behaviour = at_the_edge})
                  .missing,
              HasSubstr("will not decide"));
}

TEST(VerdictTest, SeveralPairsNeedMoreThanOne) {
  // Enough for one pair, 1/alpha and a little, not for one of three.
  const PairEvidence weak = {
      .weights = Weights(Relation::kIndependent),
      .behaviour = Behaviour(Closeness::kDifferent, std::log(120.0)),
      .texts = {}};
  const PairEvidence undecided = {.weights = Weights(Relation::kIndependent),
                                  .behaviour = Behaviour(Closeness::kUndecided),
                                  .texts = {}};
  EXPECT_EQ(FormOne(weak).verdict, Verdict::kDifferent);
  const auto three = FormVerdicts({{weak, undecided, undecided}}, kRules);
  EXPECT_EQ(three[0].verdict, Verdict::kUndecided);
  EXPECT_THAT(three[0].reason, HasSubstr("one of 3"));
  // Three of three are enough together.
  for (const PairVerdict& found : FormVerdicts({{weak, weak, weak}}, kRules)) {
    EXPECT_EQ(found.verdict, Verdict::kDifferent);
  }
  // Pairs whose weights are related are not asked, and cost nothing.
  const PairEvidence related = {.weights = Weights(Relation::kDerived),
                                .behaviour = Behaviour(Closeness::kDifferent),
                                .texts = {}};
  EXPECT_EQ(FormVerdicts({{related, weak, related}}, kRules)[1].verdict,
            Verdict::kDifferent);
}

TEST(VerdictTest, TheWorstIsNeverHidden) {
  const auto worst = [](std::vector<Verdict> verdicts) {
    std::vector<PairVerdict> pairs;
    for (const Verdict verdict : verdicts)
      pairs.push_back({.verdict = verdict});
    return Worst(pairs);
  };
  using enum Verdict;
  EXPECT_EQ(worst({kSame}), kSame);
  EXPECT_EQ(worst({kSame, kDerived}), kDerived);
  EXPECT_EQ(worst({kDerived, kUndecided, kSame}), kUndecided);
  EXPECT_EQ(worst({kUndecided, kDifferent, kDerived}), kDifferent);
}

}  // namespace
}  // namespace revlm::verify
