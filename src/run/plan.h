// What a run is to do: its prompts, its parameters, and the key of each
// operation.
//
// The key names an operation by what decides its result, so that a finished one
// is found again and is not repeated:
//
//   key     = hex(SHA-256(dump(object)))
//   object  = {"schema": "revlm.key/1", "model": identity, "compute": C,
//              "prompt_sha256": hex, "variant": V, "max_tokens": n,
//              "temperature": t, "top_k": k, "top_p": p, "seed": s,
//              "logprobs": n, "prompt_logprobs": b, "capture": M,
//              "special_tokens": b}
//             in chat form also "chat_template_sha256": hex
//   V       = the prompt's id when one was given, else the decimal ordinal of
//             this prompt among the same texts without an id, from 1
//   dump    = JSON without blanks, members in byte order of name
//
// It holds no position: prompts may be reordered, added and removed without a
// change to the others' keys, hence their random numbers (SamplingSeed).
//
// Threads: pure functions. Errors: kInvalidArgument, and those of prompt files.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "crypto/sha256.h"
#include "revlm/run.h"

namespace revlm::run {

struct PlannedPrompt {
  // As given, or the first 12 hex digits of the text's SHA-256, with "-2", "-3"
  // for repeats.
  std::string id;
  std::string text;
  std::string text_sha256;
  std::string variant;
  int32_t max_tokens = 0;
  int32_t priority = 0;
};

// Refuses options that mean nothing, before any file is opened.
Status CheckOptions(const RunOptions& options);

struct PromptPlan {
  std::vector<PlannedPrompt> prompts;
  std::vector<PromptSystemReport> systems;  // none: none made them
};
Result<PromptPlan> PlanPrompts(const RunOptions& options);

// "cross_product", "paired" or "broadcast".
std::string_view ModeName(Mode mode);

// How many of the models get a prompt: the first so many.
size_t NumModelsAsked(Mode mode, size_t num_models, size_t num_prompts);

// The prompts of one of them.
std::span<const PlannedPrompt> PromptsFor(
    Mode mode, size_t model_idx, size_t num_models,
    std::span<const PlannedPrompt> prompts);

// The parameters of a run, as the manifest's plan and the keys hold them.
base::Json ParametersToJson(const RunOptions& options);

// Makes the keys of one model's operations. Borrows nothing.
class OperationKeys {
 public:
  // `chat_template_sha256` is empty when prompts are text.
  OperationKeys(const std::string& model_identity, std::string_view compute,
                std::string_view chat_template_sha256,
                const RunOptions& options);
  std::string Of(const PlannedPrompt& prompt);

 private:
  // What is around max_tokens, prompt_sha256 and variant, which come in this
  // order.
  std::array<std::string, 4> around_;
  crypto::Sha256Hasher hasher_;
};

// The first 8 bytes, little-endian, of
// SHA-256("revlm/sample/v1" || u64le(seed) || key).
uint64_t SamplingSeed(uint64_t seed, std::string_view key);

// Digest of all prompts in their order.
std::string PromptSetSha256(const std::vector<PlannedPrompt>& prompts);

// The first member in which two plans differ, as "temperature: 0.5 there, 0.7
// asked"; nothing when they are equal.
std::optional<std::string> FindPlanDifference(const base::Json& there,
                                              const base::Json& asked);

// `asked` as it would be had the models that cannot be opened now, which have
// no identity, been opened when the run of the plan `there` began: a reference
// is all that is known of them.
base::Json WithKnownModels(const base::Json& there, base::Json asked);

// Lower-case hex SHA-256 of `text`.
std::string Sha256Hex(std::string_view text);

}  // namespace revlm::run
