#include "api/judge.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "stats/divergence.h"
#include "verify/evidence.h"
#include "verify/nearness.h"
#include "verify/pair_divergence.h"
#include "verify/text_evidence.h"
#include "verify/verdict.h"

namespace revlm {

namespace {

// What texts say, beside what is known of the winner's weights.
Status WeighAgain(const verify::TextScores& scores,
                  const Comparison& comparison, TextFinding& finding) {
  REVLM_ASSIGN_OR_RETURN(
      const verify::TextEvidence weighed,
      verify::WeighTexts(scores, {.alpha = comparison.alpha,
                                  .same_nats = comparison.same_nats}));
  std::optional<WeightFinding> weights = std::move(finding.winner_weights);
  finding = verify::SumUp(weighed, scores);
  if (!finding.winner.empty()) finding.winner_weights = std::move(weights);
  return {};
}

size_t IndexOf(const std::string& alias, const Comparison& comparison) {
  return static_cast<size_t>(
      std::ranges::find(comparison.models, alias, &ComparedModel::alias) -
      comparison.models.begin());
}

// Whether pairs are nearer than is usual here, once each has its finding.
Status FindNearness(const PromptTable& values, Comparison& comparison) {
  std::vector<verify::NearnessPair> pairs;
  for (size_t i = 0; i < comparison.pairs.size(); ++i) {
    const PairComparison& pair = comparison.pairs[i];
    const bool is_related =
        pair.weights && (pair.weights->relation == Relation::kSame ||
                         pair.weights->relation == Relation::kDerived);
    pairs.push_back(
        {.a = IndexOf(pair.a, comparison),
         .b = IndexOf(pair.b, comparison),
         .is_related = is_related,
         .scale = pair.behaviour ? pair.behaviour->scale : Scale::kNone,
         .values = values[i]});
  }
  REVLM_ASSIGN_OR_RETURN(const auto found,
                         verify::FindNearness(pairs, comparison.alpha));
  for (size_t i = 0; i < found.size(); ++i) {
    auto& behaviour = comparison.pairs[i].behaviour;
    if (behaviour) behaviour->nearness = found[i];
  }
  return {};
}

}  // namespace

Status Judge(const Evidence& evidence, Comparison& comparison) {
  const stats::DivergenceRules rules = {.same_nats = comparison.same_nats,
                                        .most_nats = comparison.most_nats,
                                        .alpha = comparison.alpha};
  for (size_t i = 0; i < comparison.pairs.size(); ++i) {
    PairComparison& pair = comparison.pairs[i];
    if (pair.behaviour && pair.behaviour->scale != Scale::kNone) {
      REVLM_ASSIGN_OR_RETURN(
          auto divergence,
          verify::PairDivergence::Create(rules, comparison.pairs.size()));
      for (const verify::PromptDivergence& value : evidence.values[i]) {
        if (value.num_positions == 0) continue;
        REVLM_TRY(divergence.Add(value.nats, value.mirror_nats));
      }
      const Scale scale = pair.behaviour->scale;
      BehaviourFinding found = divergence.Finding(scale);
      found.num_failed = pair.behaviour->num_failed;
      found.why_none = std::move(pair.behaviour->why_none);
      pair.behaviour = std::move(found);
      if (pair.behaviour->closeness == Closeness::kUndecided) {
        pair.behaviour->num_needed = divergence.NumNeeded(scale);
      }
    }
    if (pair.texts && evidence.texts) {
      REVLM_TRY(WeighAgain(*evidence.texts, comparison, *pair.texts));
    }
  }
  REVLM_TRY(FindNearness(evidence.values, comparison));
  std::vector<verify::PairEvidence> pairs;
  for (const PairComparison& pair : comparison.pairs) {
    pairs.push_back({.weights = pair.weights,
                     .behaviour = pair.behaviour,
                     .texts = pair.texts});
  }
  const std::vector<verify::PairVerdict> verdicts =
      verify::FormVerdicts(pairs, rules);
  for (size_t i = 0; i < verdicts.size(); ++i) {
    PairComparison& pair = comparison.pairs[i];
    pair.verdict = verdicts[i].verdict;
    pair.reason = verdicts[i].reason;
    pair.missing = verdicts[i].missing;
    pair.error_bound = verdicts[i].error_bound;
    pair.num_used = verdicts[i].num_used;
  }
  comparison.worst = verify::Worst(verdicts);
  return {};
}

}  // namespace revlm
