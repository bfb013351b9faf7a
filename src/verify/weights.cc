#include "verify/weights.h"

#include <algorithm>
#include <cmath>

#include "engine/model.h"
#include "engine/thread_pool.h"
#include "fingerprint/relation.h"
#include "verify/engine_multiplier.h"
#include "verify/relation_reader.h"
#include "verify/shared_tokens.h"
#include "verify/tensor_pairs.h"
#include "verify/tensor_reader.h"
#include "verify/weight_equality.h"

namespace revlm::verify {
namespace {

using engine::ModelSpec;

// Tokens that the residual map is made of: so many times the width.
constexpr size_t kTokensByWidth = 4;
constexpr size_t kFewestTokens = 4096;

// Why heads of the two cannot be compared; empty where they can.
std::string WhyNotComparable(const WeightSide& a, const ModelSpec& spec_a,
                             const WeightSide& b, const ModelSpec& spec_b) {
  if (spec_a.hidden_size != spec_b.hidden_size) {
    return fmt::format("{} is {} wide, {} is {}", a.name, spec_a.hidden_size,
                       b.name, spec_b.hidden_size);
  }
  if (spec_a.family->norm != spec_b.family->norm) {
    return fmt::format("{} ({}) and {} ({}) have norms of different kinds",
                       a.name, spec_a.family->model_type, b.name,
                       spec_b.family->model_type);
  }
  const fingerprint::AttentionShape shape_a = AttentionShapeOf(spec_a);
  const fingerprint::AttentionShape shape_b = AttentionShapeOf(spec_b);
  if (shape_a != shape_b) {
    const auto text = [](const fingerprint::AttentionShape& shape) {
      return fmt::format("{} heads ({} of keys) of {}, {} rotated",
                         shape.num_heads, shape.num_kv_heads, shape.head_dim,
                         shape.rotary_dim);
    };
    return fmt::format("{} has {}, {} has {}", a.name, text(shape_a), b.name,
                       text(shape_b));
  }
  if (shape_b.num_kv_heads == 1 && spec_b.num_layers == 1) {
    return fmt::format("{} has a single key head: nothing to compare it with",
                       b.name);
  }
  if (a.tokenizer == nullptr || b.tokenizer == nullptr) {
    return "without both tokenizers it is not known which tokens they share";
  }
  return "";
}

// Sets what rests on the alignment, or `reason`.
Status CompareHeads(const WeightSide& a, const ModelSpec& spec_a,
                    const WeightSide& b, const ModelSpec& spec_b,
                    engine::ThreadPool& pool, memory::Budget& budget,
                    const WeightOptions& options, WeightEvidence& evidence) {
  evidence.reason = WhyNotComparable(a, spec_a, b, spec_b);
  if (!evidence.reason.empty()) return {};
  const auto width = static_cast<size_t>(spec_a.hidden_size);
  const SharedTokens tokens = FindSharedTokens(
      *a.tokenizer, spec_a.vocab_size, *b.tokenizer, spec_b.vocab_size,
      std::max(kFewestTokens, kTokensByWidth * width));
  if (tokens.size() < width) {
    evidence.reason = fmt::format(
        "{} and {} share {} tokens; {} are needed to align {} channels", a.name,
        b.name, tokens.size(), width, width);
    return {};
  }
  REVLM_ASSIGN_OR_RETURN(
      TensorReader reader_a,
      TensorReader::Create(*a.checkpoint, spec_a, pool, budget));
  REVLM_ASSIGN_OR_RETURN(
      TensorReader reader_b,
      TensorReader::Create(*b.checkpoint, spec_b, pool, budget));
  EngineMultiplier multiplier(pool, budget);
  REVLM_ASSIGN_OR_RETURN(
      const fingerprint::Matrix map,
      ReadResidualMap(reader_a, reader_b, tokens, budget, multiplier));
  REVLM_ASSIGN_OR_RETURN(
      const HeadPair heads,
      ReadHeads(reader_a, reader_b, tokens, map, budget, multiplier));
  REVLM_ASSIGN_OR_RETURN(
      const fingerprint::RelationTest test,
      fingerprint::TestRelation(heads.shape, heads.a, heads.b, budget,
                                multiplier));
  evidence.alignment =
      WeightTest{.z = test.z, .log_p = test.log_p, .num_units = test.num_heads};
  std::vector<bool> has_a(static_cast<size_t>(spec_a.num_layers));
  std::vector<bool> has_b(static_cast<size_t>(spec_b.num_layers));
  for (const fingerprint::MatchedLayers& matched : test.layers) {
    evidence.layers.push_back({.layer_a = matched.layers.a,
                               .layer_b = matched.layers.b,
                               .similarity = matched.similarity,
                               .z = matched.z});
    has_a[static_cast<size_t>(matched.layers.a)] = true;
    has_b[static_cast<size_t>(matched.layers.b)] = true;
  }
  for (size_t i = 0; i < has_a.size(); ++i) {
    if (!has_a[i]) {
      evidence.unmatched_layers_a.push_back(static_cast<int32_t>(i));
    }
  }
  for (size_t i = 0; i < has_b.size(); ++i) {
    if (!has_b[i]) {
      evidence.unmatched_layers_b.push_back(static_cast<int32_t>(i));
    }
  }
  evidence.relation = test.log_p <= std::log(options.alpha)
                          ? WeightRelation::kDerived
                          : WeightRelation::kIndependent;
  return {};
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
      return fmt::format(
          "{} and {} were not trained independently: their heads are {:.0f} "
          "standard deviations more alike than chance",
          a.name, b.name, evidence.alignment->z);
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
  const TensorPairs pairs =
      PairTensors(*a.checkpoint, known_a, *b.checkpoint, known_b);
  WeightEvidence evidence;
  REVLM_ASSIGN_OR_RETURN(
      evidence.equality,
      CompareBytes(*a.checkpoint, *b.checkpoint, pairs, pool, budget, options));
  evidence.equality.differing_settings =
      DifferingSettings(*a.checkpoint, known_a, *b.checkpoint, known_b);
  if (known_a != nullptr && known_b != nullptr) {
    REVLM_TRY(CompareHeads(a, *known_a, b, *known_b, pool, budget, options,
                           evidence));
  } else {
    evidence.reason = (known_a == nullptr ? spec_a : spec_b).error().message;
  }
  if ((evidence.equality.level == EqualityLevel::kBytes ||
       evidence.equality.level == EqualityLevel::kValues) &&
      evidence.equality.differing_settings.empty()) {
    evidence.relation = WeightRelation::kSame;
    evidence.reason.clear();
  }
  evidence.sentence = Sentence(a, b, evidence);
  return evidence;
}

}  // namespace revlm::verify
