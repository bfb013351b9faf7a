#include "verify/model_fingerprint.h"

#include <algorithm>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/hex.h"
#include "challenge/builtin_set.h"
#include "crypto/sha256.h"
#include "fingerprint/alignment.h"
#include "fingerprint/gram.h"
#include "run/weight_digests.h"
#include "verify/model_weights_sketch.h"

namespace revlm::verify {
namespace {

using fingerprint::AlignedPrompt;
using fingerprint::Fingerprint;
using fingerprint::Gram;
using fingerprint::kMissing;

std::string DigestOfChallenges() {
  crypto::Sha256Hasher hasher;
  hasher.Update(base::AsBytes("revlm/challenge-set/v1\n"));
  for (const challenge::BuiltinPrompt& prompt : challenge::BuiltinPrompts()) {
    // Ids and texts hold no NUL.
    hasher.Update(base::AsBytes(std::string(prompt.id) + '\0'));
    hasher.Update(base::AsBytes(std::string(prompt.text) + '\0'));
  }
  return base::ToHex(hasher.Finish());
}

fingerprint::ModelFacts FactsOf(const run::Model& model) {
  const engine::NumericsClass& numerics = model.engine->numerics();
  fingerprint::ModelFacts facts = {
      .name = model.resolved.name,
      .model_type = model.checkpoint->config().model_type,
      .num_layers = static_cast<uint32_t>(model.engine->num_layers()),
      .hidden_size = static_cast<uint32_t>(model.engine->hidden_size()),
      .vocab_size =
          static_cast<uint64_t>(model.checkpoint->config().vocab_size),
      .identity = model.identity,
      .numerics = fmt::format("{}, {}, {}, row tile {}, {}", numerics.isa,
                              numerics.compute, numerics.products,
                              numerics.row_tile, numerics.kernels)};
  for (const formats::TensorInfo& tensor : model.checkpoint->tensors()) {
    facts.num_parameters += run::NumParameters(tensor);
  }
  return facts;
}

// The states of one model at all positions.
class StateTable {
 public:
  StateTable(size_t num_depths, size_t num_rows, size_t width)
      : num_rows_(num_rows),
        width_(width),
        values_(num_depths * num_rows * width) {}

  static uint64_t Bytes(uint64_t num_depths, uint64_t num_rows,
                        uint64_t width) {
    return num_depths * num_rows * width * sizeof(float);
  }

  // All rows of a depth.
  std::span<const float> At(size_t depth) const {
    return std::span(values_).subspan(depth * num_rows_ * width_,
                                      num_rows_ * width_);
  }
  void Put(size_t depth, size_t row, std::span<const float> state) {
    std::ranges::copy(
        state, values_.begin() + static_cast<std::ptrdiff_t>(
                                     (depth * num_rows_ + row) * width_));
  }

 private:
  size_t num_rows_;
  size_t width_;
  std::vector<float> values_;
};

class Maker {
 public:
  Maker(run::Model& model, memory::Budget& budget,
        const FingerprintHooks& hooks)
      : model_(model),
        engine_(*model.engine),
        budget_(budget),
        hooks_(hooks),
        num_depths_(static_cast<size_t>(engine_.num_layers()) + 1),
        width_(static_cast<size_t>(engine_.hidden_size())) {}

  Result<Fingerprint> Make(const std::string& digest_directory);

 private:
  Status AlignPrompts();
  Status RunPrompts(StateTable& table);
  void KeepStates(const AlignedPrompt& prompt, size_t first_row,
                  const engine::Completion& completion, StateTable& table);
  void SketchStates(const StateTable& table);
  Status DigestWeights(const run::DigestCache& cache);

  run::Model& model_;
  engine::Engine& engine_;
  memory::Budget& budget_;
  const FingerprintHooks& hooks_;
  const size_t num_depths_;
  const size_t width_;

  std::vector<AlignedPrompt> prompts_;
  std::vector<size_t> first_rows_;   // of each prompt
  std::vector<uint32_t> prompt_of_;  // of each row
  Fingerprint fingerprint_;
};

// Prompts that a model's context does not hold are missing for it.
Status Maker::AlignPrompts() {
  for (const challenge::BuiltinPrompt& prompt : challenge::BuiltinPrompts()) {
    REVLM_ASSIGN_OR_RETURN(AlignedPrompt aligned,
                           fingerprint::Align(*model_.tokenizer, prompt.text));
    const bool fits =
        !aligned.ids.empty() &&
        aligned.ids.size() <= static_cast<size_t>(engine_.context_length());
    if (!fits) std::ranges::fill(aligned.tokens, kMissing);
    first_rows_.push_back(prompt_of_.size());
    for (const int32_t token : aligned.tokens) {
      if (token == kMissing) {
        fingerprint_.row_of.push_back(kMissing);
        continue;
      }
      fingerprint_.row_of.push_back(static_cast<int32_t>(prompt_of_.size()));
      prompt_of_.push_back(static_cast<uint32_t>(prompts_.size()));
    }
    prompts_.push_back(std::move(aligned));
  }
  if (!prompt_of_.empty()) return {};
  return base::MakeError(
      ErrorCode::kUnsupported,
      "taking the fingerprint of {}: of {} places where a word of the "
      "challenge set ends its tokenizer ends a token at none; check "
      "tokenizer.json",
      model_.reference, fingerprint_.row_of.size());
}

void Maker::KeepStates(const AlignedPrompt& prompt, size_t first_row,
                       const engine::Completion& completion,
                       StateTable& table) {
  size_t row = first_row;
  for (const int32_t token : prompt.tokens) {
    if (token == kMissing) continue;
    for (size_t depth = 0; depth < num_depths_; ++depth) {
      const size_t place =
          depth * prompt.ids.size() + static_cast<size_t>(token);
      table.Put(
          depth, row,
          std::span(completion.hidden_states).subspan(place * width_, width_));
    }
    ++row;
  }
}

Status Maker::RunPrompts(StateTable& table) {
  std::vector<engine::Request> requests;
  std::vector<size_t> prompt_of_request;
  for (size_t i = 0; i < prompts_.size(); ++i) {
    const auto& tokens = prompts_[i].tokens;
    if (std::ranges::all_of(tokens, [](int32_t t) { return t == kMissing; })) {
      continue;
    }
    requests.push_back({.prompt = prompts_[i].ids,
                        .max_new_tokens = 0,
                        .capture = engine::Capture::kAll});
    prompt_of_request.push_back(i);
  }
  std::optional<Error> failed;
  engine::RunHooks hooks;
  hooks.stop = hooks_.stop;
  engine::Progress progress;
  hooks.on_progress = [&](const engine::Progress& now) {
    progress = now;
    if (hooks_.on_progress) hooks_.on_progress(progress);
  };
  hooks.on_complete = [&](size_t request, engine::Completion completion) {
    const size_t prompt = prompt_of_request[request];
    if (completion.error) {
      if (!failed) failed = *completion.error;
      return;
    }
    KeepStates(prompts_[prompt], first_rows_[prompt], completion, table);
  };
  REVLM_TRY(engine_.Run(requests, hooks));
  progress.num_complete = progress.num_requests;
  if (hooks_.on_progress) hooks_.on_progress(progress);
  if (!failed) return {};
  return base::WithContext(*std::move(failed),
                           "taking the fingerprint of " + model_.reference);
}

void Maker::SketchStates(const StateTable& table) {
  const uint32_t num_layers = fingerprint_.model.num_layers;
  const size_t num_rows = prompt_of_.size();
  const std::vector<uint32_t> wanted =
      fingerprint::HypervectorDepths(num_layers);
  std::vector<fingerprint::LayerSketch> all;
  std::vector<Gram> grams(wanted.size());
  for (uint32_t depth = 0; depth <= num_layers; ++depth) {
    const std::span<const float> states = table.At(depth);
    fingerprint_.state_sha256.push_back(
        base::ToHex(crypto::Sha256(std::as_bytes(states))));
    const Gram gram = fingerprint::CentredGram(states, num_rows, width_);
    all.push_back(fingerprint::SketchOf(gram));
    for (size_t i = 0; i < wanted.size(); ++i) {
      if (wanted[i] == depth) grams[i] = gram;
    }
  }
  fingerprint_.hypervector =
      fingerprint::MakeHypervector(grams, fingerprint_.row_of);
  fingerprint_.changes = fingerprint::MeasureChanges(all, prompt_of_);
  fingerprint_.depths = fingerprint::SketchedDepths(num_layers);
  for (const uint32_t depth : fingerprint_.depths) {
    fingerprint_.states.push_back(all[depth]);
  }
}

Status Maker::DigestWeights(const run::DigestCache& cache) {
  REVLM_ASSIGN_OR_RETURN(const auto tensors,
                         engine_.TensorDigests(hooks_.stop));
  REVLM_ASSIGN_OR_RETURN(const run::WeightDigests digests,
                         run::MakeWeightDigests(*model_.checkpoint, tensors));
  cache.Store(*model_.checkpoint, digests);
  fingerprint_.model.tensor_root = digests.root;
  return {};
}

Result<Fingerprint> Maker::Make(const std::string& digest_directory) {
  fingerprint_.model = FactsOf(model_);
  fingerprint_.challenge_sha256 = DigestOfChallenges();
  REVLM_TRY(AlignPrompts());
  REVLM_ASSIGN_OR_RETURN(const engine::ModelSpec spec,
                         engine::DescribeModel(*model_.checkpoint));
  REVLM_ASSIGN_OR_RETURN(
      fingerprint_.weights,
      SketchWeights(*model_.checkpoint, spec, *model_.tokenizer,
                    AllLayers(spec), budget_, hooks_.stop));
  const uint64_t num_rows = prompt_of_.size();
  const engine::MemoryNeed need = engine_.memory_need();
  REVLM_ASSIGN_OR_RETURN(
      const memory::Reservation of_engine,
      budget_.Reserve(need.heap_bytes + need.thread_bytes + need.library_bytes,
                      memory::Use::kProgram));
  // One Gram matrix at work beside those of the hypervector.
  REVLM_ASSIGN_OR_RETURN(
      const memory::Reservation held,
      budget_.Reserve(StateTable::Bytes(num_depths_, num_rows, width_) +
                          (fingerprint::kHypervectorDepths + 1) * num_rows *
                              num_rows * sizeof(double),
                      memory::Use::kResults));
  StateTable table(num_depths_, num_rows, width_);
  const run::DigestCache cache(digest_directory);
  const std::optional<run::WeightDigests> known =
      cache.Find(*model_.checkpoint);
  if (!known) engine_.HashWeights();  // while the prompts run
  REVLM_TRY(RunPrompts(table));
  SketchStates(table);
  if (!known) {
    REVLM_TRY(DigestWeights(cache));
  } else {
    fingerprint_.model.tensor_root = known->root;
  }
  return std::move(fingerprint_);
}

}  // namespace

Result<Fingerprint> MakeFingerprint(run::Model& model, memory::Budget& budget,
                                    const std::string& digest_directory,
                                    const FingerprintHooks& hooks) {
  return Maker(model, budget, hooks).Make(digest_directory);
}

Result<WeightProbe> ProbeWeights(run::Model& model, memory::Budget& budget,
                                 const FingerprintHooks& hooks) {
  REVLM_ASSIGN_OR_RETURN(const engine::ModelSpec spec,
                         engine::DescribeModel(*model.checkpoint));
  WeightProbe probe = {.layers = ProbedLayers(spec)};
  probe.fingerprint.model = FactsOf(model);
  REVLM_ASSIGN_OR_RETURN(
      probe.fingerprint.weights,
      SketchWeights(*model.checkpoint, spec, *model.tokenizer, probe.layers,
                    budget, hooks.stop));
  return probe;
}

}  // namespace revlm::verify
