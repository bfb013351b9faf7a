#include "verify/weights.h"

#include <cmath>
#include <optional>
#include <set>
#include <utility>
#include <variant>

#include "engine/model.h"
#include "engine/thread_pool.h"
#include "verify/tensor_comparison.h"
#include "verify/tensor_pairs.h"
#include "verify/weight_alignment.h"
#include "verify/weight_changes.h"

namespace revlm::verify {
namespace {

using engine::ModelSpec;

// What rests on the alignment.
void TakeAlignment(const WeightAlignment& alignment,
                   const WeightOptions& options, WeightEvidence& evidence) {
  const fingerprint::RelationTest& test = alignment.test;
  evidence.alignment =
      WeightTest{.z = test.z, .log_p = test.log_p, .num_units = test.num_heads};
  if (alignment.units) {
    evidence.match = alignment.units->match;
    evidence.csu = alignment.units->csu;
  }
  std::set<int32_t> matched_a;
  std::set<int32_t> matched_b;
  for (const fingerprint::MatchedLayers& matched : test.layers) {
    evidence.layers.push_back({.layer_a = matched.layers.a,
                               .layer_b = matched.layers.b,
                               .similarity = matched.similarity,
                               .z = matched.z});
    matched_a.insert(matched.layers.a);
    matched_b.insert(matched.layers.b);
  }
  const auto unmatched = [](const ModelSpec& spec,
                            const std::set<int32_t>& matched) {
    std::vector<int32_t> layers;
    for (int32_t i = 0; i < spec.num_layers; ++i) {
      if (!matched.contains(i)) layers.push_back(i);
    }
    return layers;
  };
  evidence.unmatched_layers_a = unmatched(alignment.reader_a.spec(), matched_a);
  evidence.unmatched_layers_b = unmatched(alignment.reader_b.spec(), matched_b);
  evidence.relation = test.log_p <= std::log(options.alpha)
                          ? WeightRelation::kDerived
                          : WeightRelation::kIndependent;
}

bool IsEqual(const WeightEquality& equality) {
  return (equality.level == EqualityLevel::kBytes ||
          equality.level == EqualityLevel::kValues) &&
         equality.differing_settings.empty();
}

std::string Sentence(const WeightSide& a, const WeightSide& b,
                     const WeightEvidence& evidence) {
  switch (evidence.relation) {
    case WeightRelation::kSame:
      return fmt::format(
          "all tensors of {} and {} are equal in {}", a.name, b.name,
          evidence.equality.level == EqualityLevel::kBytes ? "bytes"
                                                           : "values");
    case WeightRelation::kDerived:
      return ChangeSentence(a, b, evidence);
    case WeightRelation::kIndependent:
      return fmt::format("no weights in common were found in {} and {}", a.name,
                         b.name);
    case WeightRelation::kNotComparable:
      return fmt::format("{} and {} are not comparable by weights: {}", a.name,
                         b.name, evidence.reason);
  }
  return "";
}

}  // namespace

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
  const Result<ModelSpec> spec_a = engine::DescribeModel(*a.checkpoint);
  const Result<ModelSpec> spec_b = engine::DescribeModel(*b.checkpoint);
  const ModelSpec* known_a = spec_a ? &*spec_a : nullptr;
  const ModelSpec* known_b = spec_b ? &*spec_b : nullptr;
  engine::ThreadPool pool(options.num_threads);
  WeightEvidence evidence;
  std::optional<WeightAlignment> alignment;
  if (known_a != nullptr && known_b != nullptr) {
    REVLM_ASSIGN_OR_RETURN(auto aligned, AlignWeights(a, *known_a, b, *known_b,
                                                      pool, budget, options));
    if (auto* found = std::get_if<WeightAlignment>(&aligned)) {
      alignment = std::move(*found);
      TakeAlignment(*alignment, options, evidence);
    } else {
      evidence.reason = std::get<std::string>(std::move(aligned));
    }
  } else {
    evidence.reason = (known_a == nullptr ? spec_a : spec_b).error().message;
  }
  std::vector<fingerprint::LayerPair> layers;
  if (evidence.relation == WeightRelation::kDerived) {
    for (const LayerMatch& layer : evidence.layers) {
      layers.push_back({layer.layer_a, layer.layer_b});
    }
  }
  const TensorPairs pairs =
      PairTensors(*a.checkpoint, known_a, *b.checkpoint, known_b, layers);
  REVLM_ASSIGN_OR_RETURN(TensorComparison comparison,
                         CompareTensors(*a.checkpoint, *b.checkpoint, pairs,
                                        pool, budget, options));
  evidence.equality = std::move(comparison.equality);
  evidence.equality.differing_settings =
      DifferingSettings(*a.checkpoint, known_a, *b.checkpoint, known_b);
  if (IsEqual(evidence.equality)) {
    evidence.relation = WeightRelation::kSame;
    evidence.reason.clear();
  } else if (evidence.relation == WeightRelation::kDerived) {
    REVLM_TRY(DescribeChanges(pairs, comparison, *alignment, evidence));
  }
  evidence.sentence = Sentence(a, b, evidence);
  return evidence;
}

}  // namespace revlm::verify
