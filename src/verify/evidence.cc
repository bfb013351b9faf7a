#include "verify/evidence.h"

#include <cmath>

#include "verify/weight_changes.h"

namespace revlm::verify {
namespace {

Relation RelationOf(WeightRelation relation) {
  switch (relation) {
    case WeightRelation::kSame:
      return Relation::kSame;
    case WeightRelation::kDerived:
      return Relation::kDerived;
    case WeightRelation::kIndependent:
      return Relation::kIndependent;
    case WeightRelation::kNotComparable:
      break;
  }
  return Relation::kNotComparable;
}

Closeness ClosenessOf(stats::Closeness closeness) {
  switch (closeness) {
    case stats::Closeness::kSame:
      return Closeness::kSame;
    case stats::Closeness::kDifferent:
      return Closeness::kDifferent;
    case stats::Closeness::kUndecided:
      break;
  }
  return Closeness::kUndecided;
}

// Nothing where damaged weights make no number.
std::optional<WeightStatistic> StatisticOf(
    const std::optional<WeightTest>& test) {
  if (!test || !std::isfinite(test->z) || !std::isfinite(test->log_p)) {
    return std::nullopt;
  }
  return WeightStatistic{
      .z = test->z, .log_p = test->log_p, .num_units = test->num_units};
}

}  // namespace

WeightFinding SumUp(const WeightEvidence& evidence,
                    const WeightOptions& options) {
  WeightFinding finding;
  finding.relation = RelationOf(evidence.relation);
  finding.sentence = evidence.relation == WeightRelation::kNotComparable
                         ? evidence.reason
                         : evidence.sentence;
  finding.is_same_function =
      evidence.relation == WeightRelation::kDerived && KeepsFunction(evidence);
  if (evidence.alignment) finding.z = evidence.alignment->z;
  const WeightEquality& equality = evidence.equality;
  finding.tensors = TensorFinding{.num_tensors = equality.num_tensors,
                                  .num_equal_bytes = equality.num_equal_bytes,
                                  .num_equal_values = equality.num_equal_values,
                                  .common = equality.common_tensors,
                                  .equal = equality.equal_tensors,
                                  .differing = equality.differing_tensors,
                                  .only_in_a = equality.only_in_a,
                                  .only_in_b = equality.only_in_b,
                                  .not_finite_in_a = equality.not_finite_in_a,
                                  .not_finite_in_b = equality.not_finite_in_b,
                                  .settings = equality.differing_settings};
  finding.match = StatisticOf(evidence.match);
  finding.csu = StatisticOf(evidence.csu);
  for (const LayerMatch& layer : evidence.layers) {
    if (!std::isfinite(layer.similarity)) continue;
    finding.layers.push_back({.a = layer.layer_a,
                              .b = layer.layer_b,
                              .similarity = layer.similarity});
  }
  if (evidence.relation == WeightRelation::kDerived && !evidence.is_exact) {
    finding.error_bound = options.alpha;
  }
  return finding;
}

TextFinding SumUp(const TextEvidence& evidence, const TextScores& scores) {
  TextFinding finding = {.reading = scores.reading,
                         .num_requests = evidence.num_requests,
                         .num_tokens = evidence.num_tokens,
                         .max_tokens = scores.max_tokens,
                         .log_e = evidence.combined.log_e,
                         .num_refuted = evidence.combined.num_requests,
                         .closeness = ClosenessOf(evidence.closeness),
                         .num_used = evidence.num_decided,
                         .lower_nats = evidence.lower_nats,
                         .upper_nats = evidence.upper_nats};
  if (evidence.winner_idx) {
    finding.winner = scores.alternatives[*evidence.winner_idx].name;
    finding.winner_log_odds = evidence.best_log_odds;
  }
  if (scores.fit) {
    finding.fitted = scores.alternatives[scores.fit->alternative_idx].name;
  }
  // Nothing bounds the divergence of compared answers from above.
  if (scores.reading == Reading::kDrawnTokens && finding.num_refuted == 0) {
    finding.num_needed = evidence.num_needed;
  }
  for (size_t i = 0; i < scores.alternatives.size(); ++i) {
    const AlternativeFacts& facts = scores.alternatives[i];
    const AlternativeWeight& weight = evidence.alternatives[i];
    finding.alternatives.push_back({.name = facts.name,
                                    .derivation = facts.derivation,
                                    .nats = facts.nats,
                                    .nats_error = facts.nats_error,
                                    .dilution = facts.dilution,
                                    .posterior = weight.posterior,
                                    .share = weight.share});
  }
  return finding;
}

}  // namespace revlm::verify
