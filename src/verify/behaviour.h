// Local models on the same prompts: how far apart what they expect next is.
//
// Each model is streamed once, with all its prompts together (engine/engine.h).
// Its logits go to a scratch file until the models after it have answered
// (verify/logit_store.h), so memory holds those of the prompts that the engine
// hands over and no more. A prompt's value for a pair is the mean over its
// positions of KL(a||b), and of KL(b||a) (verify/next_token.h).
//
//   Scale::kTokens      the models share vocabulary and tokenization: every
//                       position of the prompt; none of one that they cut
//                       otherwise
//   Scale::kFirstBytes  they do not: positions at which a token of both ends,
//                       over the first byte of what follows
//
// The same model twice is exactly 0 apart within one numerics class. Across
// classes (bf16 products against f32) the value is the difference that
// arithmetic makes: compare in f32, which holds every weight exactly.
//
// Threads: those of the engine. Lifetime: borrows checkpoints and budget.
// Memory: what the engine plans, and logit_store.h's, reserved in the budget;
// 16 bytes for each pair and prompt. Errors: those of engines and stores;
// kCancelled. A prompt that a model refuses or fails on has no value
// (`on_failure`). Determinism: within one numerics class the same bits for any
// budget, batch and threads.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/error.h"
#include "engine/engine.h"
#include "formats/checkpoint.h"
#include "memory/budget.h"
#include "verify/evidence.h"
#include "verify/next_token.h"

namespace revlm::verify {

// One prompt as a model reads it.
struct EncodedPrompt {
  std::vector<int32_t> ids;  // none: it cannot be asked
  // Bytes of the text behind which each token ends; empty: not known.
  std::vector<int64_t> ends;
};

struct BehaviourModel {
  const formats::Checkpoint* checkpoint = nullptr;
  std::vector<EncodedPrompt> prompts;
  // By token, as next_token.h says; empty: not known.
  std::vector<uint16_t> first_bytes;
};

// What two models are compared over.
struct PairPlan {
  size_t a = 0;  // index of a model
  size_t b = 0;  // of one behind it
  Scale scale = Scale::kNone;
};

// What a prompt brings a pair. No positions: no value.
struct PromptDivergence {
  int32_t num_positions = 0;
  double nats = 0;  // KL(a||b), a position
  double mirror_nats = 0;
};

struct BehaviourOptions {
  engine::ComputeType compute = engine::ComputeType::kF32;
  int32_t num_threads = 0;
  std::optional<int32_t> batch_size;
  std::string directory;  // of scratch files
  std::stop_token stop;
  // What a model is about to be put through; may be empty.
  std::function<void(size_t model_idx, const engine::RunPlan&)> on_plan;
  std::function<void(size_t model_idx, const engine::Progress&)> on_progress;
  // A prompt that a model did not answer, and why; may be empty.
  std::function<void(size_t model_idx, size_t prompt_idx, const Error&)>
      on_failure;
  // How sure a model was of a prompt; may be empty, and costs a pass over its
  // logits.
  std::function<void(size_t model_idx, size_t prompt_idx, const Certainty&)>
      on_certainty;
};

// The least budget that will do. Errors: those of opening the models.
Result<uint64_t> BehaviourFloorBytes(std::span<const BehaviourModel> models,
                                     std::span<const PairPlan> pairs,
                                     const BehaviourOptions& options);

// How each model would go through its prompts. kBudgetExceeded below the floor.
Result<std::vector<engine::RunPlan>> PlanBehaviour(
    std::span<const BehaviourModel> models, std::span<const PairPlan> pairs,
    const BehaviourOptions& options, memory::Budget& budget);

// For each pair, what each prompt brings, in their order. REQUIRES: models have
// equally many prompts.
Result<std::vector<std::vector<PromptDivergence>>> CompareBehaviour(
    std::span<const BehaviourModel> models, std::span<const PairPlan> pairs,
    const BehaviourOptions& options, memory::Budget& budget);

}  // namespace revlm::verify
