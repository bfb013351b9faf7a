#include "verify/evidence.h"

#include <algorithm>

namespace revlm::verify {
namespace {

bool KeepsFunction(const WeightChange& change) {
  return change.kind == ChangeKind::kPermuted ||
         change.kind == ChangeKind::kRotated ||
         change.kind == ChangeKind::kRescaled;
}

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

}  // namespace

WeightFinding SumUp(const WeightEvidence& evidence,
                    const WeightOptions& options) {
  WeightFinding finding;
  finding.relation = RelationOf(evidence.relation);
  finding.sentence = evidence.relation == WeightRelation::kNotComparable
                         ? evidence.reason
                         : evidence.sentence;
  finding.is_same_function =
      evidence.relation == WeightRelation::kDerived &&
      !evidence.changes.empty() &&
      std::ranges::all_of(evidence.changes, KeepsFunction);
  if (evidence.alignment) finding.z = evidence.alignment->z;
  if (evidence.relation == WeightRelation::kDerived) {
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
