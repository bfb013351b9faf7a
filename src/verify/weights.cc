#include "verify/weights.h"

#include "engine/model.h"
#include "engine/thread_pool.h"
#include "verify/tensor_pairs.h"
#include "verify/weight_equality.h"

namespace revlm::verify {

std::string_view ChangeKindName(ChangeKind kind) {
  switch (kind) {
    case ChangeKind::kNumberFormat:
      return "number format";
    case ChangeKind::kQuantised:
      return "quantised";
    case ChangeKind::kNoise:
      return "noise";
    case ChangeKind::kPruned:
      return "pruned";
    case ChangeKind::kLowRank:
      return "low-rank change";
    case ChangeKind::kTrained:
      return "fine-tuned";
    case ChangeKind::kTrainedFar:
      return "trained on";
    case ChangeKind::kLayersDropped:
      return "layers dropped";
    case ChangeKind::kPermuted:
      return "permuted";
    case ChangeKind::kRotated:
      return "rotated";
    case ChangeKind::kRescaled:
      return "rescaled";
  }
  return "";
}

Result<WeightEvidence> CompareWeights(const WeightSide& a, const WeightSide& b,
                                      memory::Budget& budget,
                                      const WeightOptions& options) {
  const Result<engine::ModelSpec> spec_a = engine::DescribeModel(*a.checkpoint);
  const Result<engine::ModelSpec> spec_b = engine::DescribeModel(*b.checkpoint);
  const engine::ModelSpec* known_a = spec_a ? &*spec_a : nullptr;
  const engine::ModelSpec* known_b = spec_b ? &*spec_b : nullptr;
  engine::ThreadPool pool(options.num_threads);
  const TensorPairs pairs =
      PairTensors(*a.checkpoint, known_a, *b.checkpoint, known_b);
  WeightEvidence evidence;
  REVLM_ASSIGN_OR_RETURN(
      evidence.equality,
      CompareBytes(*a.checkpoint, *b.checkpoint, pairs, pool, budget, options));
  evidence.equality.differing_settings =
      DifferingSettings(*a.checkpoint, known_a, *b.checkpoint, known_b);
  const bool all_equal = evidence.equality.level == EqualityLevel::kBytes ||
                         evidence.equality.level == EqualityLevel::kValues;
  if (all_equal && evidence.equality.differing_settings.empty()) {
    evidence.relation = WeightRelation::kSame;
    evidence.sentence = fmt::format(
        "all tensors of {} and {} are equal in {}", a.name, b.name,
        evidence.equality.level == EqualityLevel::kBytes ? "bytes" : "values");
  } else {
    evidence.reason = "only equality is looked for";
    evidence.sentence =
        fmt::format("{} of {} tensors of {} and {} are equal",
                    evidence.equality.num_equal_values,
                    evidence.equality.num_tensors, a.name, b.name);
  }
  return evidence;
}

}  // namespace revlm::verify
