// Draws answers from a model, and says how probable a model finds answers.
//
// All answers go through the model together, weights read once for each pass
// (engine/engine.h).
//
// Threads: the engine's, while a call runs. Lifetime: a `ModelUse` borrows its
// budget. Memory: what the engine plans for, and requests and results, reserved
// in the budget while a call runs; results are the caller's to account for
// afterwards. Errors: the engine's; kInvalidArgument for a prompt or answer
// that the model refuses, named by its place. Determinism: within one numerics
// class, of the arguments.
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
#include "tokenizer/tokenizer.h"
#include "verify/kept_rows.h"

namespace revlm::verify {

using TokenIds = std::vector<int32_t>;

struct Decoding {
  int32_t max_new_tokens = 32;
  float temperature = 1;
  int32_t top_k = 0;  // 0: all tokens
  float top_p = 1;

  // From the model's own distribution, nothing left out.
  bool is_plain() const { return temperature == 1 && top_k == 0 && top_p == 1; }
};

// How models are run.
struct ModelUse {
  memory::Budget& budget;
  engine::EngineOptions engine;
  std::stop_token stop;
  std::function<void(const engine::Progress&)> on_progress;  // may be empty
  // Where what the model says is kept (verify/kept_rows.h), and read from when
  // the same is asked again: the key says everything but what is asked.
  std::optional<KeptAt> kept;
};

// `num_each` answers to each prompt: those of prompt i from i * num_each on. A
// stop token ends an answer and is its last token. Another `seed`, independent
// answers.
Result<std::vector<TokenIds>> DrawAnswers(const formats::Checkpoint& model,
                                          std::span<const TokenIds> prompts,
                                          size_t num_each,
                                          const Decoding& decoding,
                                          uint64_t seed, const ModelUse& use);

// What that would take of a budget and of time; no callback is called.
struct AnswerPlan {
  uint64_t floor_bytes = 0;  // the least budget that will do
  engine::MemoryNeed need;   // of the model
  // How it would go; nothing when the budget has less left than that.
  std::optional<engine::RunPlan> run;
};
Result<AnswerPlan> PlanDraw(const formats::Checkpoint& model,
                            std::span<const TokenIds> prompts, size_t num_each,
                            const Decoding& decoding, const ModelUse& use);

// The text of an answer, without the stop token that ended it.
Result<std::string> AnswerText(const formats::Checkpoint& model,
                               const tokenizer::Tokenizer& tokenizer,
                               TokenIds answer);

// An answer and what it answers.
struct Exchange {
  const TokenIds* prompt = nullptr;  // at least one token
  const TokenIds* answer = nullptr;
};

// ln of the probability of each token of each answer, given all before it; at
// temperature 1, of the whole distribution.
Result<std::vector<std::vector<float>>> ScoreAnswers(
    const formats::Checkpoint& model, std::span<const Exchange> exchanges,
    const ModelUse& use);

// The same where they are kept: no model is run. Nothing: they are not.
Result<std::optional<std::vector<std::vector<float>>>> KeptScores(
    std::span<const Exchange> exchanges, const ModelUse& use);

Result<AnswerPlan> PlanScore(const formats::Checkpoint& model,
                             std::span<const Exchange> exchanges,
                             const ModelUse& use);

}  // namespace revlm::verify
