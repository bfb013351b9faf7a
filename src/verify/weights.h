// What the weights of two checkpoints say about how one came from the other.
//
//   REVLM_ASSIGN_OR_RETURN(
//       const WeightEvidence evidence,
//       CompareWeights({.checkpoint = &a, .tokenizer = &a_tokens, .name = "a"},
//                      {.checkpoint = &b, .tokenizer = &b_tokens, .name = "b"},
//                      budget, {.num_threads = 2}));
//
// Three things are kept apart. `equality` is exact, and where it names common
// tensors, so is the relation. `relation` else rests on a statistic with a null
// distribution, that of models trained independently, and carries an error
// rate. `changes` describe how the weights differ; they are estimates and carry
// none.
//
// A relation says "not independently trained", or that nothing of the kind was
// found. It does not say who copied from whom.
//
// Threads: CompareWeights uses `options.num_threads` of its own and, where
// these are several, as many for reading and for hashing each: some wait for
// the disk while others compute. Lifetime: both sides outlive the call. Memory:
// reserved in `budget` before it is taken; evidence is small. Errors:
// kBudgetExceeded, kCancelled, and those of reading. Models that cannot be
// compared are no error: kNotComparable and a reason. Determinism: the same
// evidence for any budget and number of threads.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/error.h"
#include "formats/checkpoint.h"
#include "memory/budget.h"
#include "tokenizer/tokenizer.h"

namespace revlm::verify {

// One of the two checkpoints.
struct WeightSide {
  const formats::Checkpoint* checkpoint = nullptr;
  // Tokens of the two are the same when their texts are. Null: none are known,
  // and only equality is looked for.
  const tokenizer::Tokenizer* tokenizer = nullptr;
  std::string name;  // in sentences: "aster-s0"
};

struct WeightOptions {
  int num_threads = 1;
  // Below this probability, under the null, of a statistic as large, models are
  // called derived.
  double alpha = 1e-6;
  // Which rotary pairs of large heads are compared (relation_reader.h).
  uint64_t seed = 0;
  // Hidden units of all layers are matched, not of some.
  bool full_matching = false;
  std::stop_token stop = {};
  // Called now and then, from the calling thread.
  std::function<void(uint64_t done_bytes, uint64_t total_bytes)> on_progress;
};

// Of WeightEquality::differing_settings.
inline constexpr char kTokenizerSetting[] = "tokenizer";

// Which side.
enum class Side { kNeither, kA, kB };

// ---- Equality -------------------------------------------------------------

enum class EqualityLevel {
  kBytes,   // every tensor of each has one in the other with the same bytes
  kValues,  // the same once numbers are widened exactly (BF16 to F32)
  kSome,    // some tensors, named, are equal in bytes or values
  kNone,
};

struct WeightEquality {
  EqualityLevel level = EqualityLevel::kNone;
  int64_t num_tensors = 0;  // of both together, a pair counted once
  int64_t num_equal_bytes = 0;
  int64_t num_equal_values = 0;            // those included
  std::vector<std::string> equal_tensors;  // names in a
  // Of these, those that both models learned and that two trainings do not
  // arrive at alike: where an element differs from both before it, which differ
  // themselves, in 256 places or more. Tensors of one or two values, such as
  // gains of 1, and short ones are not among them; nor are tables of positions.
  std::vector<std::string> common_tensors;
  std::vector<std::string> differing_tensors;  // names in a
  std::vector<std::string> only_in_a;
  std::vector<std::string> only_in_b;
  // With values that are no numbers or infinite, of pairs that widen to F32;
  // names in a and in b.
  std::vector<std::string> not_finite_in_a;
  std::vector<std::string> not_finite_in_b;
  // What the function computed depends on besides and that differs: keys of the
  // configuration ("rope"), and "tokenizer" last (Tokenizer::IsSame). The same
  // weights under other settings are another model.
  std::vector<std::string> differing_settings;
  // Tensor roots (attest/tensor_root.h), hexadecimal.
  std::string root_a;
  std::string root_b;
};

// ---- Relation -------------------------------------------------------------

enum class WeightRelation {
  kSame,           // equal in bytes or values, under the same settings
  kDerived,        // not independently trained: common tensors, or the test
  kIndependent,    // comparable, and no sign of common weights
  kNotComparable,  // `reason` says why
};

// A test that two models were trained independently.
struct WeightTest {
  double z = 0;           // standard deviations above the mean of the null
  double log_p = 0;       // natural logarithm of P(as large | independent)
  int64_t num_units = 0;  // entries, neurons: what it rests on
};

// A layer of a and the layer of b it corresponds to.
struct LayerMatch {
  int32_t layer_a = 0;
  int32_t layer_b = 0;
  double similarity = 0;  // mean cosine of aligned queries and keys
  double z = 0;
  // |A - B| / |A| of the linear weights. Nothing in disguise, where the
  // difference of weights as they lie says nothing.
  std::optional<double> relative_difference;
};

// ---- Changes --------------------------------------------------------------

enum class ChangeKind {
  kNumberFormat,   // rounded to `number_format`
  kQuantised,      // `bits`, in groups of `group_size` (0: whole rows)
  kNoise,          // independent noise of `relative_size`
  kPruned,         // `fraction` of the weights set to zero
  kLowRank,        // the difference has rank `rank` (LoRA)
  kTrained,        // a difference of another kind: fine-tuned, merged
  kTrainedFar,     // a large one: trained on for long
  kLayersDropped,  // `layers` of the other side are missing
  kPermuted,       // the same function: channels, heads or neurons reordered
  kRotated,        // the same function: residual stream rotated
  kRescaled,       // the same function: scales moved between matrices
};

// "quantised", "low-rank change", ...
std::string_view ChangeKindName(ChangeKind kind);

struct WeightChange {
  ChangeKind kind = ChangeKind::kTrained;
  Side changed = Side::kNeither;  // kNeither: cannot be told
  std::string number_format;      // "F16"
  int32_t bits = 0;
  int32_t group_size = 0;
  int32_t rank = 0;
  double fraction = 0;
  double relative_size = 0;
  std::vector<int32_t> layers;
};

// ---- All together ---------------------------------------------------------

struct WeightEvidence {
  WeightEquality equality;
  WeightRelation relation = WeightRelation::kNotComparable;
  std::string reason;  // why not comparable; empty otherwise
  // kSame or kDerived, and no test was needed to say it.
  bool is_exact = false;

  std::optional<WeightTest> alignment;  // decides it without common tensors
  std::optional<WeightTest> match;      // MATCH: order of gate and up neurons
  std::optional<WeightTest> csu;        // CSU: order of neurons in both models

  std::vector<LayerMatch> layers;  // in the order of a
  std::vector<int32_t> unmatched_layers_a;
  std::vector<int32_t> unmatched_layers_b;

  std::vector<WeightChange> changes;
  // |A - B| / |A| over all matched layers; in disguise, of hidden units once
  // they are matched. Of related models only.
  double relative_difference = 0;

  // One sentence: "int4 quantisation (groups of 32) of aster-s0, layers
  // identical in order".
  std::string sentence;
};

Result<WeightEvidence> CompareWeights(const WeightSide& a, const WeightSide& b,
                                      memory::Budget& budget,
                                      const WeightOptions& options);

}  // namespace revlm::verify
