// Which model wrote these texts? The reference's weights are here; of the
// target there is what it answered, and at most its tokens.
//
//   REVLM_ASSIGN_OR_RETURN(
//       const TextComparison comparison,
//       CompareText({.reference = {&checkpoint, &tokenizer, "llama"},
//                    .samples = samples},
//                   {.work_directory = run_directory}, budget));
//   if (comparison.evidence.winner_idx) ...
//
// The reference answers the same prompts some times; it and the alternatives
// say how probable they find all answers; verify/text_evidence.h weighs that.
// Alternatives are the reference rounded to few bits in the usual ways
// (verify/rounding.h), made one at a time in the work directory and removed,
// and any other models with the same tokens.
//
// How texts are read. Token ids that were drawn at temperature 1 from the whole
// distribution are judged by their probability. Anything else, text above all,
// is judged against the reference's own answers, after the same was done to
// both: drawn with the same `Decoding`, written as text, cut into tokens again.
// The error rate holds in either case; the second needs more text and bounds
// no divergence from above.
//
// The guarantee is about the reference as computed here, in f32 by default: the
// arithmetic of whoever served the target is part of the target.
//
// Threads: the engine's. Lifetime: everything borrowed outlives the call.
// Memory: reserved in the budget: for each token of every answer some 16 bytes,
// and what the engine plans for one model at a time. Errors: kInvalidArgument
// (samples that mix ids and text, text without a tokenizer, answers beyond a
// context), kBudgetExceeded, kCancelled, and those of models. Determinism:
// within one numerics class, of the arguments; not of budget or threads.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "engine/engine.h"
#include "formats/checkpoint.h"
#include "memory/budget.h"
#include "tokenizer/tokenizer.h"
#include "verify/answers.h"
#include "verify/rounding.h"
#include "verify/text_evidence.h"

namespace revlm::verify {

// One request to the target and what came back.
struct TextSample {
  TokenIds prompt;  // as the reference reads it; at least one token
  std::variant<TokenIds, std::string> answer;
};

struct TextModel {
  const formats::Checkpoint* checkpoint = nullptr;
  // Of the reference; needed for text. Others have the same tokens.
  const tokenizer::Tokenizer* tokenizer = nullptr;
  std::string name;
};

struct TextQuestion {
  TextModel reference;
  std::span<const TextSample> samples;  // in the order of asking
  std::span<const Rounding> roundings = Roundings();
  std::span<const TextModel> others;  // further alternatives
  // The target itself, where it is known after all: for `target_nats`.
  const formats::Checkpoint* target = nullptr;
};

struct TextOptions {
  Decoding decoding;  // of the target
  TextRules rules;
  size_t num_own_answers = 8;  // of the reference, to each prompt
  uint64_t seed = 1;           // of those
  engine::EngineOptions engine = {.compute = engine::ComputeType::kF32};
  std::string work_directory;  // on a disk, with room for one rounded model
  // Where what comes of a step is kept, each when it is whole: another call
  // with the same arguments goes on from there. The key tells apart whatever
  // the arguments may be. May be empty.
  std::function<KeptAt(const std::string& step)> keep_at;
  std::stop_token stop;
  // What is done now, and how far it is; may be empty.
  std::function<void(std::string_view step, const engine::Progress&)>
      on_progress;
};

struct TextComparison {
  TextScores scores;  // enough to weigh again
  TextEvidence evidence;
  // KL(target || reference) per token, estimated on the target's answers; only
  // where the target was given and its tokens drawn plainly.
  std::optional<double> target_nats;
  double target_nats_error = 0;  // standard error
};

Result<TextComparison> CompareText(const TextQuestion& question,
                                   const TextOptions& options,
                                   memory::Budget& budget);

// What own answers to so many prompts take at least, at their longest; the
// largest number where it fits none. To be looked at before `PlanText`, which
// makes stand-ins for them.
uint64_t LeastTextBytes(size_t num_samples, const TextOptions& options);

// What that would take, before any model is run.
struct TextPlan {
  uint64_t floor_bytes = 0;  // the least budget that will do
  engine::MemoryNeed need;   // of each thing, the model that needs most of it
  int64_t num_own_answers = 0;
  int64_t num_models = 0;  // that read the answers
  // Nothing when the budget has less left than the floor.
  int64_t num_passes = 0;
  uint64_t read_bytes = 0;
  double seconds = 0;
};

// Samples may be stand-ins as long as the answers will be, for answers that
// will be read as `reading` says. Makes an empty model in the work directory
// and removes it.
Result<TextPlan> PlanText(const TextQuestion& question, Reading reading,
                          const TextOptions& options, memory::Budget& budget);

}  // namespace revlm::verify
