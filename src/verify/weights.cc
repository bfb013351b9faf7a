#include "verify/weights.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <future>
#include <set>
#include <utility>
#include <variant>

#include "base/names.h"
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

bool AllUsedAreEqual(const WeightEquality& equality) {
  return equality.level == EqualityLevel::kBytes ||
         equality.level == EqualityLevel::kValues;
}

std::string_view HowEqual(const WeightEquality& equality) {
  return equality.num_equal_bytes == equality.num_equal_values ? "bytes"
                                                               : "values";
}

std::string EqualSentence(const WeightSide& a, const WeightSide& b,
                          const WeightEquality& equality) {
  std::vector<std::string> unused = equality.differing_tensors;
  for (const auto* only : {&equality.only_in_a, &equality.only_in_b}) {
    unused.insert(unused.end(), only->begin(), only->end());
  }
  if (unused.empty()) {
    return fmt::format("all tensors of {} and {} are equal in {}", a.name,
                       b.name, HowEqual(equality));
  }
  return fmt::format(
      "all tensors that are used of {} and {} are equal in {}; others are not: "
      "{}",
      a.name, b.name, HowEqual(equality), base::NameSome(unused));
}

// "; settings differ: rope, tokenizer". How many layers there are is said
// elsewhere.
std::string SettingsClause(const WeightEquality& equality) {
  std::vector<std::string> settings = equality.differing_settings;
  std::erase(settings, "num_layers");
  return settings.empty()
             ? ""
             : fmt::format("; settings differ: {}", fmt::join(settings, ", "));
}

std::string EqualElsewhereSentence(const WeightSide& a, const WeightSide& b,
                                   const WeightEquality& equality) {
  std::vector<std::string> settings = equality.differing_settings;
  const bool is_cut_otherwise = std::erase(settings, kTokenizerSetting) > 0;
  std::string how;
  if (!settings.empty()) {
    how = fmt::format("under other settings ({})", fmt::join(settings, ", "));
  }
  if (is_cut_otherwise) {
    how += settings.empty() ? "with another tokenizer"
                            : " and with another tokenizer";
  }
  return fmt::format("{} and {} have the same weights, {}", a.name, b.name,
                     how);
}

std::string DerivedSentence(const WeightSide& a, const WeightSide& b,
                            const WeightEvidence& evidence, double alpha) {
  const WeightEquality& equality = evidence.equality;
  if (AllUsedAreEqual(equality)) return EqualElsewhereSentence(a, b, equality);
  const bool is_aligned =
      evidence.alignment && evidence.alignment->log_p <= std::log(alpha);
  std::string sentence = is_aligned ? ChangeSentence(a, b, evidence) : "";
  if (!equality.common_tensors.empty()) {
    sentence += fmt::format(
        "{}{} of {} tensors{} are equal in {}", is_aligned ? "; " : "",
        equality.num_equal_values, equality.num_tensors,
        is_aligned ? "" : fmt::format(" of {} and {}", a.name, b.name),
        HowEqual(equality));
  }
  return sentence + SettingsClause(equality);
}

// "; b has values that are no numbers or infinite in x".
std::string NotFiniteClause(const std::string& name,
                            const std::vector<std::string>& tensors) {
  return tensors.empty()
             ? ""
             : fmt::format(
                   "; {} has values that are no numbers or infinite in {}",
                   name, base::NameSome(tensors));
}

std::string Sentence(const WeightSide& a, const WeightSide& b,
                     const WeightEvidence& evidence, double alpha) {
  switch (evidence.relation) {
    case WeightRelation::kSame:
      return EqualSentence(a, b, evidence.equality);
    case WeightRelation::kDerived:
      return DerivedSentence(a, b, evidence, alpha);
    case WeightRelation::kIndependent:
      return fmt::format("no weights in common were found in {} and {}", a.name,
                         b.name);
    case WeightRelation::kNotComparable:
      return fmt::format("{} and {} are not comparable by weights: {}", a.name,
                         b.name, evidence.reason);
  }
  return "";
}

// What equality alone says of the relation.
void TakeEquality(WeightEvidence& evidence) {
  const bool all_equal = AllUsedAreEqual(evidence.equality);
  evidence.is_exact = all_equal || !evidence.equality.common_tensors.empty();
  if (!evidence.is_exact) return;
  evidence.relation = all_equal && evidence.equality.differing_settings.empty()
                          ? WeightRelation::kSame
                          : WeightRelation::kDerived;
  evidence.reason.clear();
}

// Everything that is read of two checkpoints: all tensors once, and beside it
// what the alignment needs.
class WeightReader {
 public:
  WeightReader(const WeightSide& a, const ModelSpec* spec_a,
               const WeightSide& b, const ModelSpec* spec_b,
               const WeightOptions& options)
      : a_(a),
        b_(b),
        spec_a_(spec_a),
        spec_b_(spec_b),
        options_(options),
        when_stopped_(options.stop, [this] { stop_.request_stop(); }),
        pool_(NumReaders(options.num_threads)) {
    options_.stop = stop_.get_token();
  }

  // Tensors are taken to correspond in the order of layers.
  Status Read(memory::Budget& budget) {
    // Held until both are done, so that whether the budget is enough does not
    // depend on which is first.
    REVLM_ASSIGN_OR_RETURN(buffers_,
                           MapComparisonBuffers(*a_.checkpoint, *b_.checkpoint,
                                                pool_.num_threads(), budget));
    const auto policy = options_.num_threads > 1
                            ? std::launch::async | std::launch::deferred
                            : std::launch::deferred;
    std::future<Result<Aligned>> aligning = std::async(policy, [&] {
      Result<Aligned> aligned = Align(budget);
      if (!aligned) stop_.request_stop();
      return aligned;
    });
    if (options_.num_threads == 1) aligning.wait();
    Status compared = Compare({});
    if (!compared) stop_.request_stop();
    Result<Aligned> aligned = aligning.get();
    // Where one of them failed, the other was stopped.
    const bool was_stopped =
        !compared && compared.error().code == ErrorCode::kCancelled;
    if (!aligned && (compared || was_stopped)) {
      return std::unexpected(std::move(aligned).error());
    }
    REVLM_TRY(std::move(compared));
    aligned_ = *std::move(aligned);
    return {};
  }

  // Compares once more if layers correspond in another order.
  Status PairLayers(std::span<const LayerMatch> matches) {
    std::vector<fingerprint::LayerPair> layers;
    bool in_order = spec_a_->num_layers == spec_b_->num_layers;
    for (const LayerMatch& match : matches) {
      layers.push_back({match.layer_a, match.layer_b});
      in_order &= match.layer_a == match.layer_b;
    }
    in_order &= matches.size() == static_cast<size_t>(spec_a_->num_layers);
    return in_order ? Status() : Compare(layers);
  }

  // Null where there is none, or none was looked for.
  WeightAlignment* alignment() {
    return std::get_if<WeightAlignment>(&aligned_);
  }
  const std::string* why_not_aligned() const {
    return std::get_if<std::string>(&aligned_);
  }
  const TensorPairs& pairs() const { return pairs_; }
  TensorComparison& comparison() { return comparison_; }

 private:
  using Aligned = std::variant<std::string, WeightAlignment>;

  // Half of them wait for the disk. One alone does one thing at a time.
  static int NumReaders(int num_threads) {
    constexpr int kMostReaders = 16;
    return num_threads == 1 ? 1 : std::min(2 * num_threads, kMostReaders);
  }

  Result<Aligned> Align(memory::Budget& budget) {
    if (spec_a_ == nullptr || spec_b_ == nullptr) return Aligned();
    engine::ThreadPool pool(options_.num_threads);
    return AlignWeights(a_, *spec_a_, b_, *spec_b_, pool, budget, options_);
  }

  Status Compare(std::span<const fingerprint::LayerPair> layers) {
    pairs_ =
        PairTensors(*a_.checkpoint, spec_a_, *b_.checkpoint, spec_b_, layers);
    REVLM_ASSIGN_OR_RETURN(
        comparison_, CompareTensors(*a_.checkpoint, *b_.checkpoint, pairs_,
                                    pool_, buffers_, options_));
    return {};
  }

  const WeightSide& a_;
  const WeightSide& b_;
  const ModelSpec* spec_a_;
  const ModelSpec* spec_b_;
  std::stop_source stop_;
  WeightOptions options_;
  // When the caller stops, so does all of it.
  std::stop_callback<std::function<void()>> when_stopped_;
  engine::ThreadPool pool_;
  memory::Arena buffers_;
  TensorPairs pairs_;
  TensorComparison comparison_;
  Aligned aligned_;
};

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
  WeightReader reader(a, known_a, b, known_b, options);
  REVLM_TRY(reader.Read(budget));
  WeightEvidence evidence;
  if (known_a == nullptr || known_b == nullptr) {
    evidence.reason = (known_a == nullptr ? spec_a : spec_b).error().message;
  } else if (const auto* reason = reader.why_not_aligned()) {
    evidence.reason = *reason;
  } else {
    TakeAlignment(*reader.alignment(), options, evidence);
  }
  const bool is_derived = evidence.relation == WeightRelation::kDerived;
  if (is_derived) REVLM_TRY(reader.PairLayers(evidence.layers));
  TensorComparison& comparison = reader.comparison();
  evidence.equality = std::move(comparison.equality);
  evidence.equality.differing_settings =
      DifferingSettings(a, known_a, b, known_b);
  TakeEquality(evidence);
  if (is_derived && !AllUsedAreEqual(evidence.equality)) {
    REVLM_TRY(DescribeChanges(reader.pairs(), comparison, *reader.alignment(),
                              evidence));
  }
  evidence.sentence =
      Sentence(a, b, evidence, options.alpha) +
      NotFiniteClause(a.name, evidence.equality.not_finite_in_a) +
      NotFiniteClause(b.name, evidence.equality.not_finite_in_b);
  return evidence;
}

}  // namespace revlm::verify
