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

}  // namespace revlm::verify
