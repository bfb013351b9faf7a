#include "verify/behaviour.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "engine/model.h"
#include "verify/logit_store.h"

namespace revlm::verify {
namespace {

std::vector<engine::Request> RequestsFor(const BehaviourModel& model) {
  std::vector<engine::Request> requests;
  for (const EncodedPrompt& prompt : model.prompts) {
    if (prompt.ids.empty()) continue;
    requests.push_back({.prompt = prompt.ids,
                        .max_new_tokens = 0,
                        .want_prompt_logits = true});
  }
  return requests;
}

Result<std::unique_ptr<engine::Engine>> OpenEngine(
    const BehaviourModel& model, const BehaviourOptions& options,
    memory::Budget& budget) {
  return engine::Engine::Open(*model.checkpoint, budget,
                              {.compute = options.compute,
                               .num_threads = options.num_threads,
                               .batch_size = options.batch_size,
                               .spill_directory = options.directory});
}

// Positions of a prompt at which tokens of both models end, as (a's, b's).
std::vector<std::pair<int64_t, int64_t>> SharedPositions(const EncodedPrompt& a,
                                                         const EncodedPrompt& b,
                                                         Scale scale) {
  std::vector<std::pair<int64_t, int64_t>> shared;
  if (scale == Scale::kTokens) {
    if (a.ids != b.ids) return {};
    for (size_t i = 0; i < a.ids.size(); ++i) shared.emplace_back(i, i);
    return shared;
  }
  size_t j = 0;
  for (size_t i = 0; i < a.ends.size(); ++i) {
    // Of several tokens that end at one byte, the last has seen them all.
    if (i + 1 < a.ends.size() && a.ends[i + 1] == a.ends[i]) continue;
    while (j < b.ends.size() && b.ends[j] < a.ends[i]) ++j;
    while (j + 1 < b.ends.size() && b.ends[j + 1] == b.ends[j]) ++j;
    if (j < b.ends.size() && b.ends[j] == a.ends[i]) shared.emplace_back(i, j);
  }
  return shared;
}

// Room for both distributions of a position, over tokens and over bytes.
struct Workspace {
  Distribution tokens[2];
  Distribution bytes[2];
};

// Whether a model's logits have to wait for another model's.
bool IsNeededLater(size_t model_idx, std::span<const PairPlan> pairs) {
  return std::ranges::any_of(pairs, [&](const PairPlan& pair) {
    return pair.a == model_idx && pair.scale != Scale::kNone;
  });
}

// What is held beside engines.
struct OwnNeed {
  std::vector<int64_t> vocabulary;  // by model
  uint64_t value_bytes = 0;
  uint64_t row_bytes = 0;    // distributions of a position
  uint64_t store_bytes = 0;  // of all stores on a disk

  uint64_t sum_bytes() const { return value_bytes + row_bytes + store_bytes; }
};

Result<OwnNeed> OwnNeedOf(std::span<const BehaviourModel> models,
                          std::span<const PairPlan> pairs) {
  OwnNeed need;
  const size_t num_prompts = models.empty() ? 0 : models[0].prompts.size();
  need.value_bytes = pairs.size() * num_prompts * sizeof(PromptDivergence);
  uint64_t largest = 0;
  for (size_t i = 0; i < models.size(); ++i) {
    REVLM_ASSIGN_OR_RETURN(const engine::ModelSpec spec,
                           engine::DescribeModel(*models[i].checkpoint));
    need.vocabulary.push_back(spec.vocab_size);
    const auto vocabulary = static_cast<uint64_t>(spec.vocab_size);
    largest = std::max(largest, vocabulary);
    if (!IsNeededLater(i, pairs)) continue;
    need.store_bytes += LogitStore::BufferBytes(vocabulary * sizeof(float));
  }
  need.row_bytes = 4 * sizeof(double) * (largest + kNumFirstBytes);
  return need;
}

// All that one call keeps.
class Comparison {
 public:
  Comparison(std::span<const BehaviourModel> models,
             std::span<const PairPlan> pairs, const BehaviourOptions& options,
             memory::Budget& budget)
      : models_(models),
        pairs_(pairs),
        options_(options),
        budget_(budget),
        stores_(models.size()) {}

  Result<std::vector<std::vector<PromptDivergence>>> Run();

 private:
  Status RunModel(size_t model_idx);
  Status MakeStore(size_t model_idx);
  // What a completed prompt brings all pairs whose other model has answered.
  Status Complete(size_t model_idx, size_t prompt_idx,
                  const engine::Completion& completion);
  Result<PromptDivergence> Compare(const PairPlan& pair, size_t prompt_idx,
                                   std::span<const float> logits_of_b);

  std::span<const BehaviourModel> models_;
  std::span<const PairPlan> pairs_;
  const BehaviourOptions& options_;
  memory::Budget& budget_;
  std::vector<std::optional<LogitStore>> stores_;  // by model
  std::vector<std::vector<bool>> has_logits_;      // by model and prompt
  OwnNeed own_;
  std::vector<std::vector<PromptDivergence>> values_;
  Workspace workspace_;
};

Status Comparison::MakeStore(size_t model_idx) {
  std::vector<int64_t> positions;
  for (const EncodedPrompt& prompt : models_[model_idx].prompts) {
    positions.push_back(static_cast<int64_t>(prompt.ids.size()));
  }
  REVLM_ASSIGN_OR_RETURN(
      LogitStore store,
      LogitStore::Create(options_.directory, positions,
                         own_.vocabulary[model_idx], budget_));
  stores_[model_idx].emplace(std::move(store));
  return {};
}

Result<std::vector<std::vector<PromptDivergence>>> Comparison::Run() {
  const size_t num_prompts = models_.empty() ? 0 : models_[0].prompts.size();
  REVLM_ASSIGN_OR_RETURN(own_, OwnNeedOf(models_, pairs_));
  REVLM_ASSIGN_OR_RETURN(
      const memory::Reservation held_values,
      budget_.Reserve(own_.value_bytes, memory::Use::kResults));
  REVLM_ASSIGN_OR_RETURN(
      const memory::Reservation held_rows,
      budget_.Reserve(own_.row_bytes, memory::Use::kScratch));
  values_.assign(pairs_.size(), std::vector<PromptDivergence>(num_prompts));
  has_logits_.assign(models_.size(), std::vector<bool>(num_prompts, false));
  for (size_t i = 0; i < models_.size(); ++i) {
    const bool is_asked = std::ranges::any_of(pairs_, [&](const PairPlan& of) {
      return of.scale != Scale::kNone && (of.a == i || of.b == i);
    });
    if (is_asked) REVLM_TRY(RunModel(i));
  }
  return std::move(values_);
}

Status Comparison::RunModel(size_t model_idx) {
  const BehaviourModel& model = models_[model_idx];
  if (IsNeededLater(model_idx, pairs_)) REVLM_TRY(MakeStore(model_idx));
  const std::vector<engine::Request> requests = RequestsFor(model);
  std::vector<size_t> prompt_of;
  for (size_t i = 0; i < model.prompts.size(); ++i) {
    if (!model.prompts[i].ids.empty()) prompt_of.push_back(i);
  }
  REVLM_ASSIGN_OR_RETURN(const std::unique_ptr<engine::Engine> engine,
                         OpenEngine(model, options_, budget_));
  // A failure of ours ends the engine's run.
  std::stop_source failed;
  const std::stop_callback forward(options_.stop,
                                   [&] { failed.request_stop(); });
  Status kept;
  engine::RunHooks hooks;
  hooks.stop = failed.get_token();
  if (options_.on_plan) {
    hooks.on_plan = [&](const engine::RunPlan& plan) {
      options_.on_plan(model_idx, plan);
    };
  }
  if (options_.on_progress) {
    hooks.on_progress = [&](const engine::Progress& progress) {
      options_.on_progress(model_idx, progress);
    };
  }
  hooks.on_complete = [&](size_t request_idx,
                          const engine::Completion& completion) {
    if (!kept) return;
    if (completion.error) {
      if (options_.on_failure) {
        options_.on_failure(model_idx, prompt_of[request_idx],
                            *completion.error);
      }
      return;
    }
    kept = Complete(model_idx, prompt_of[request_idx], completion);
    if (!kept) failed.request_stop();
  };
  const Status ran = engine->Run(requests, hooks);
  return kept ? ran : kept;
}

Status Comparison::Complete(size_t model_idx, size_t prompt_idx,
                            const engine::Completion& completion) {
  for (size_t i = 0; i < pairs_.size(); ++i) {
    const PairPlan& pair = pairs_[i];
    if (pair.b != model_idx || pair.scale == Scale::kNone ||
        !has_logits_[pair.a][prompt_idx]) {
      continue;
    }
    REVLM_ASSIGN_OR_RETURN(values_[i][prompt_idx],
                           Compare(pair, prompt_idx, completion.prompt_logits));
  }
  if (options_.on_certainty) {
    const auto row_floats = static_cast<size_t>(own_.vocabulary[model_idx]);
    options_.on_certainty(model_idx, prompt_idx,
                          CertaintyOf(completion.prompt_logits, row_floats,
                                      workspace_.tokens[0]));
  }
  if (!stores_[model_idx]) return {};
  has_logits_[model_idx][prompt_idx] = true;
  return stores_[model_idx]->Put(prompt_idx, completion.prompt_logits);
}

Result<PromptDivergence> Comparison::Compare(
    const PairPlan& pair, size_t prompt_idx,
    std::span<const float> logits_of_b) {
  const BehaviourModel& a = models_[pair.a];
  const BehaviourModel& b = models_[pair.b];
  const auto row_floats = static_cast<size_t>(own_.vocabulary[pair.b]);
  PromptDivergence sum;
  for (const auto& [at_a, at_b] : SharedPositions(
           a.prompts[prompt_idx], b.prompts[prompt_idx], pair.scale)) {
    REVLM_ASSIGN_OR_RETURN(const std::span<const float> row,
                           stores_[pair.a]->Row(prompt_idx, at_a));
    auto& [of_a, of_b] = workspace_.tokens;
    SetFromLogits(row, of_a);
    SetFromLogits(
        logits_of_b.subspan(static_cast<size_t>(at_b) * row_floats, row_floats),
        of_b);
    BothNats both;
    if (pair.scale == Scale::kTokens) {
      both = Divergences(of_a, of_b);
    } else {
      auto& [bytes_a, bytes_b] = workspace_.bytes;
      SetFromTokens(of_a, a.first_bytes, bytes_a);
      SetFromTokens(of_b, b.first_bytes, bytes_b);
      both = Divergences(bytes_a, bytes_b);
    }
    sum.nats += both.nats;
    sum.mirror_nats += both.mirror;
    ++sum.num_positions;
  }
  if (sum.num_positions > 0) {
    sum.nats /= sum.num_positions;
    sum.mirror_nats /= sum.num_positions;
  }
  return sum;
}

}  // namespace

Result<uint64_t> BehaviourFloorBytes(std::span<const BehaviourModel> models,
                                     std::span<const PairPlan> pairs,
                                     const BehaviourOptions& options) {
  memory::Budget nothing(0);  // they are described, not run
  uint64_t floor_bytes = 0;
  for (const BehaviourModel& model : models) {
    REVLM_ASSIGN_OR_RETURN(const std::unique_ptr<engine::Engine> engine,
                           OpenEngine(model, options, nothing));
    floor_bytes = std::max(floor_bytes, engine->FloorBytes(RequestsFor(model)));
  }
  REVLM_ASSIGN_OR_RETURN(const OwnNeed own, OwnNeedOf(models, pairs));
  return floor_bytes + own.sum_bytes();
}

Result<std::vector<engine::RunPlan>> PlanBehaviour(
    std::span<const BehaviourModel> models, std::span<const PairPlan> pairs,
    const BehaviourOptions& options, memory::Budget& budget) {
  REVLM_ASSIGN_OR_RETURN(const OwnNeed own, OwnNeedOf(models, pairs));
  REVLM_ASSIGN_OR_RETURN(
      const memory::Reservation held,
      budget.Reserve(own.sum_bytes(), memory::Use::kResults));
  std::vector<engine::RunPlan> plans;
  for (const BehaviourModel& model : models) {
    const std::vector<engine::Request> requests = RequestsFor(model);
    REVLM_ASSIGN_OR_RETURN(const std::unique_ptr<engine::Engine> engine,
                           OpenEngine(model, options, budget));
    REVLM_ASSIGN_OR_RETURN(engine::RunPlan plan, engine->Plan(requests));
    plans.push_back(plan);
  }
  return plans;
}

Result<std::vector<std::vector<PromptDivergence>>> CompareBehaviour(
    std::span<const BehaviourModel> models, std::span<const PairPlan> pairs,
    const BehaviourOptions& options, memory::Budget& budget) {
  return Comparison(models, pairs, options, budget).Run();
}

}  // namespace revlm::verify
