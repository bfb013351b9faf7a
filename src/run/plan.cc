#include "run/plan.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/bytes.h"
#include "base/hex.h"
#include "base/quote.h"
#include "base/utf8.h"
#include "challenge/builtin_set.h"
#include "challenge/prompt_file.h"
#include "crypto/sha256.h"
#include "run/chat_form.h"
#include "run/orchestration.h"

namespace revlm::run {
namespace {

using base::Json;

constexpr int32_t kMaxNewTokens = 1 << 24;
constexpr int32_t kMaxLogprobs = 1000;
constexpr int32_t kMaxThreads = 4096;

std::string_view DtypeName(Dtype dtype) {
  switch (dtype) {
    case Dtype::kAuto:
      return "auto";
    case Dtype::kF32:
      return "f32";
    case Dtype::kBf16:
      return "bf16";
  }
  return "";
}

std::string_view HiddenStatesName(HiddenStates states) {
  switch (states) {
    case HiddenStates::kNone:
      return "none";
    case HiddenStates::kLast:
      return "last";
    case HiddenStates::kMean:
      return "mean";
    case HiddenStates::kAll:
      return "all";
  }
  return "";
}

template <typename T>
Status CheckRange(std::string_view option, T value, T min, T max) {
  if (value >= min && value <= max) return {};
  return base::MakeError(ErrorCode::kInvalidArgument,
                         "{}: found {}, allowed is {} to {}", option, value,
                         min, max);
}

// Of many texts: a hasher is set up once.
std::string HexDigest(std::string_view text, crypto::Sha256Hasher& hasher) {
  hasher.Update(base::AsBytes(text));
  return base::ToHex(hasher.Finish());
}

// The built-in prompts that were asked for.
Result<std::vector<challenge::Prompt>> TakeBuiltin(const RunOptions& options) {
  const auto all = challenge::BuiltinPrompts();
  const int32_t count = options.num_challenges.value_or(kDefaultPrompts);
  if (static_cast<size_t>(count) > all.size()) {
    return base::MakeError(
        ErrorCode::kInvalidArgument,
        "--challenges: found {}, allowed are {}: the built-in set holds no "
        "more; have them made with --enable-prompt-orchestration, or give your "
        "own with --prompts FILE",
        count, all.size());
  }
  std::vector<challenge::Prompt> prompts;
  for (const auto& builtin : all.first(static_cast<size_t>(count))) {
    challenge::Prompt& prompt = prompts.emplace_back();
    prompt.id = builtin.id;
    prompt.text = builtin.text;
  }
  return prompts;
}

// As many as were asked for, made by the prompt systems.
Result<std::vector<challenge::Prompt>> MakePrompts(
    const RunOptions& options, std::vector<PromptSystemReport>& systems) {
  REVLM_ASSIGN_OR_RETURN(
      challenge::Orchestrator orchestrator,
      MakeOrchestrator(*options.orchestration, options.sampling.seed));
  REVLM_ASSIGN_OR_RETURN(
      std::vector<challenge::Challenge> challenges,
      orchestrator.Next(static_cast<size_t>(
          options.num_challenges.value_or(kDefaultPrompts))));
  systems = ReportsOf(orchestrator, Told::kNothing);
  std::vector<challenge::Prompt> prompts;
  for (challenge::Challenge& made : challenges) {
    challenge::Prompt& prompt = prompts.emplace_back();
    prompt.id = std::move(made.id);
    prompt.text = std::move(made.text);
  }
  return prompts;
}

Result<std::vector<challenge::Prompt>> CollectPrompts(
    const RunOptions& options, std::vector<PromptSystemReport>& systems) {
  if (options.prompt_file.empty() && options.prompts.empty()) {
    return options.orchestration ? MakePrompts(options, systems)
                                 : TakeBuiltin(options);
  }
  if (options.num_challenges || options.orchestration) {
    return base::MakeError(
        ErrorCode::kInvalidArgument,
        "--challenges and --enable-prompt-orchestration are for prompts of the "
        "program and cannot be combined with --prompt or --prompts; leave one "
        "out");
  }
  std::vector<challenge::Prompt> prompts;
  if (!options.prompt_file.empty()) {
    REVLM_ASSIGN_OR_RETURN(prompts,
                           challenge::ReadPromptFile(options.prompt_file));
  }
  for (const std::string& text : options.prompts) {
    if (!base::IsValidUtf8(text)) {
      return base::MakeError(ErrorCode::kInvalidArgument,
                             "--prompt {}: found bytes that are not UTF-8",
                             base::Quote(text));
    }
    prompts.emplace_back().text = text;
  }
  return prompts;
}

}  // namespace

Status CheckOptions(const RunOptions& options) {
  if (options.models.empty()) {
    return base::MakeError(ErrorCode::kInvalidArgument,
                           "no model given; name a directory or hf:ORG/NAME");
  }
  REVLM_TRY(CheckForm(options));
  const SamplingOptions& sampling = options.sampling;
  REVLM_TRY(CheckRange("--challenges", options.num_challenges.value_or(1), 1,
                       INT32_MAX));
  REVLM_TRY(CheckRange("--max-tokens", options.max_tokens, 0, kMaxNewTokens));
  REVLM_TRY(CheckRange("--temperature", sampling.temperature, 0.0f, 100.0f));
  REVLM_TRY(CheckRange("--top-k", sampling.top_k, 0, INT32_MAX));
  REVLM_TRY(CheckRange("--top-p", sampling.top_p, 0.0f, 1.0f));
  REVLM_TRY(CheckRange("--logprobs", options.num_logprobs, 0, kMaxLogprobs));
  REVLM_TRY(CheckRange("--threads", options.num_threads, 0, kMaxThreads));
  REVLM_TRY(CheckRange("--parallel-batch-size", options.batch_size.value_or(1),
                       1, INT32_MAX));
  REVLM_TRY(CheckRange("--parallel-workers", options.num_workers.value_or(1), 1,
                       INT32_MAX));
  REVLM_TRY(CheckRange("--max-retries", options.max_retries, 0, 1000));
  REVLM_TRY(CheckRange("--adaptation-interval", options.adaptation_interval, 1,
                       INT32_MAX));
  constexpr auto kMaxBytes = static_cast<uint64_t>(kMaxGibibytes * (1 << 30));
  REVLM_TRY(CheckRange("--parallel-memory-limit, in bytes",
                       options.memory_limit_bytes.value_or(1), uint64_t{1},
                       kMaxBytes));
  REVLM_TRY(CheckRange("--parallel-per-process, in bytes",
                       options.per_process_bytes.value_or(1), uint64_t{1},
                       kMaxBytes));
  return {};
}

Result<PromptPlan> PlanPrompts(const RunOptions& options) {
  PromptPlan made;
  REVLM_ASSIGN_OR_RETURN(std::vector<challenge::Prompt> prompts,
                         CollectPrompts(options, made.systems));
  std::vector<PlannedPrompt>& planned = made.prompts;
  planned.reserve(prompts.size());  // so that none of them moves
  std::unordered_map<std::string_view, int64_t> count_of_text;
  std::unordered_set<std::string_view> ids;
  crypto::Sha256Hasher hasher;
  count_of_text.reserve(prompts.size());
  ids.reserve(prompts.size());
  for (challenge::Prompt& prompt : prompts) {
    planned.push_back(
        {.id = std::move(prompt.id),
         .text = std::move(prompt.text),
         .text_sha256 = {},
         .variant = {},
         .max_tokens = prompt.max_tokens.value_or(options.max_tokens),
         .priority = prompt.priority.value_or(options.priority)});
    PlannedPrompt& plan = planned.back();
    REVLM_TRY(CheckRange("\"max_tokens\" of a prompt", plan.max_tokens, 0,
                         kMaxNewTokens));
    plan.text_sha256 = HexDigest(plan.text, hasher);
    if (plan.id.empty()) {
      const int64_t ordinal = ++count_of_text[plan.text_sha256];
      plan.variant = std::to_string(ordinal);
      plan.id = plan.text_sha256.substr(0, 12);
      if (ordinal > 1) plan.id += "-" + plan.variant;
    } else {
      plan.variant = plan.id;
    }
    if (!ids.insert(plan.id).second) {
      return base::MakeError(ErrorCode::kInvalidArgument,
                             "two prompts have the id {}; ids must differ",
                             base::Quote(plan.id));
    }
  }
  return made;
}

std::string_view ModeName(Mode mode) {
  switch (mode) {
    case Mode::kCrossProduct:
      return "cross_product";
    case Mode::kPaired:
      return "paired";
    case Mode::kBroadcast:
      return "broadcast";
  }
  return "";
}

size_t NumModelsAsked(Mode mode, size_t num_models, size_t num_prompts) {
  switch (mode) {
    case Mode::kCrossProduct:
      return num_models;
    case Mode::kPaired:
      return std::min(num_models, num_prompts);
    case Mode::kBroadcast:
      return num_prompts >= num_models ? 1 : num_models;
  }
  return 0;
}

std::span<const PlannedPrompt> PromptsFor(
    Mode mode, size_t model_idx, size_t num_models,
    std::span<const PlannedPrompt> prompts) {
  switch (mode) {
    case Mode::kCrossProduct:
      return prompts;
    case Mode::kPaired:
      return prompts.subspan(model_idx, 1);
    case Mode::kBroadcast:
      return prompts.size() >= num_models ? prompts : prompts.first(1);
  }
  return {};
}

Json ParametersToJson(const RunOptions& options) {
  return {{"temperature", base::FloatToJson(options.sampling.temperature)},
          {"top_k", options.sampling.top_k},
          {"top_p", base::FloatToJson(options.sampling.top_p)},
          {"seed", options.sampling.seed},
          {"logprobs", options.num_logprobs},
          {"prompt_logprobs", options.prompt_logprobs},
          {"capture", HiddenStatesName(options.capture)},
          {"dtype", DtypeName(options.dtype)},
          {"special_tokens", options.special_tokens}};
}

OperationKeys::OperationKeys(const std::string& model_identity,
                             std::string_view compute,
                             std::string_view chat_template_sha256,
                             const RunOptions& options) {
  Json object = ParametersToJson(options);
  object.erase("dtype");  // what it resolved to counts: "compute"
  object["schema"] = "revlm.key/1";
  object["model"] = model_identity;
  object["compute"] = compute;
  if (!chat_template_sha256.empty()) {
    object["chat_template_sha256"] = chat_template_sha256;
  }
  constexpr std::array<std::string_view, 3> kOfPrompt = {
      "max_tokens", "prompt_sha256", "variant"};
  for (const std::string_view name : kOfPrompt) object[name] = nullptr;
  const std::string text = object.dump();
  size_t begin = 0;
  for (size_t i = 0; i < kOfPrompt.size(); ++i) {
    // In a string no such member is found: its quotes are escaped.
    const std::string member = fmt::format("\"{}\":null", kOfPrompt[i]);
    const size_t end = text.find(member, begin) + member.size();
    around_[i] = text.substr(begin, end - 4 - begin);
    begin = end;
  }
  around_.back() = text.substr(begin);
}

std::string OperationKeys::Of(const PlannedPrompt& prompt) {
  std::string object =
      fmt::format("{}{}{}\"{}\"{}", around_[0], prompt.max_tokens, around_[1],
                  prompt.text_sha256, around_[2]);
  base::AppendJsonString(prompt.variant, object);
  object += around_[3];
  return HexDigest(object, hasher_);
}

uint64_t SamplingSeed(uint64_t seed, std::string_view key) {
  crypto::Sha256Hasher hasher;
  hasher.Update(base::AsBytes("revlm/sample/v1"));
  hasher.Update(std::as_bytes(std::span(&seed, 1)));
  hasher.Update(base::AsBytes(key));
  return base::LoadUnaligned<uint64_t>(hasher.Finish().data());
}

std::string PromptSetSha256(const std::vector<PlannedPrompt>& prompts) {
  crypto::Sha256Hasher hasher;
  for (const PlannedPrompt& prompt : prompts) {
    std::string line = "[";
    base::AppendJsonString(prompt.id, line);
    line += fmt::format(",\"{}\",{}]\n", prompt.text_sha256, prompt.max_tokens);
    hasher.Update(base::AsBytes(line));
  }
  return base::ToHex(hasher.Finish());
}

std::optional<std::string> FindPlanDifference(const Json& there,
                                              const Json& asked) {
  // Leaves by path: {"/models/0/alias": "a", ...}.
  const Json old_leaves = there.flatten();
  const Json new_leaves = asked.flatten();
  const auto differ = [](const std::string& path, const Json* before,
                         const Json* now) {
    std::string name = path.substr(1);
    std::replace(name.begin(), name.end(), '/', '.');
    return fmt::format("{}: {} there, {} asked", name,
                       before == nullptr ? "nothing" : before->dump(),
                       now == nullptr ? "nothing" : now->dump());
  };
  for (const auto& [path, value] : new_leaves.items()) {
    const auto old = old_leaves.find(path);
    if (old == old_leaves.end()) return differ(path, nullptr, &value);
    if (*old != value) return differ(path, &*old, &value);
  }
  for (const auto& [path, value] : old_leaves.items()) {
    if (!new_leaves.contains(path)) return differ(path, &value, nullptr);
  }
  return std::nullopt;
}

Json WithKnownModels(const Json& there, Json asked) {
  const Json* known = base::FindMember(there, "models");
  if (known == nullptr || !known->is_array() || !asked.contains("models")) {
    return asked;
  }
  Json& models = asked["models"];
  const auto is_closed = [](const Json& model) {
    const Json* identity = base::FindMember(model, "identity");
    return identity == nullptr || *identity == "";
  };
  if (models.size() != known->size() ||
      std::none_of(models.begin(), models.end(), is_closed)) {
    return asked;
  }
  for (size_t i = 0; i < models.size(); ++i) {
    Json& model = models[i];
    const Json& before = (*known)[i];
    const Json* reference = base::FindMember(before, "reference");
    if (reference == nullptr || *reference != model["reference"]) continue;
    const auto take = [&](std::string_view key) {
      const Json* member = base::FindMember(before, key);
      if (member != nullptr) model[std::string(key)] = *member;
    };
    take("alias");  // which may follow from another's
    if (is_closed(model)) take("identity");
  }
  return asked;
}

std::string Sha256Hex(std::string_view text) {
  crypto::Sha256Hasher hasher;
  return HexDigest(text, hasher);
}

}  // namespace revlm::run
