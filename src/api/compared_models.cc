#include "api/compared_models.h"

#include <algorithm>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <utility>

#include "base/random.h"
#include "memory/image.h"
#include "memory/limit.h"
#include "run/host.h"
#include "run/operation.h"
#include "run/plan.h"
#include "run/process_heap.h"
#include "stats/divergence.h"
#include "verify/next_token.h"

namespace revlm {
namespace {

std::vector<MadePrompt> TextsOf(std::vector<run::PlannedPrompt> planned) {
  std::vector<MadePrompt> prompts;
  for (run::PlannedPrompt& prompt : planned) {
    MadePrompt& made = prompts.emplace_back();
    made.id = std::move(prompt.id);
    made.text = std::move(prompt.text);
  }
  return prompts;
}

Result<ComparePrompts> MakeChallenges(const CompareOptions& options) {
  ComparePrompts made;
  const int32_t count =
      options.num_challenges.value_or(kDefaultCompareChallenges);
  if (count < 0 || count > kMaxPrompts) {
    return base::MakeError(ErrorCode::kInvalidArgument,
                           "--challenges: found {}, allowed is 0 to {}", count,
                           kMaxPrompts);
  }
  RunOptions asked;
  asked.orchestration = options.orchestration.value_or(
      PromptOrchestration{.systems = {PromptSystem::kPot}});
  asked.num_challenges = std::max(count, 1);
  asked.sampling.seed = options.seed;
  REVLM_ASSIGN_OR_RETURN(run::PromptPlan plan, run::PlanPrompts(asked));
  for (const PromptSystemReport& system : plan.systems) {
    made.source += (made.source.empty() ? "" : "+") + system.name;
  }
  made.systems = std::move(plan.systems);
  if (count > 0) made.prompts = TextsOf(std::move(plan.prompts));
  return made;
}

// Fisher and Yates, from the back.
void Shuffle(std::vector<MadePrompt>& prompts, uint64_t seed) {
  for (size_t i = prompts.size(); i > 1; --i) {
    const auto other = static_cast<size_t>(base::UniformDouble(seed, i) *
                                           static_cast<double>(i));
    std::swap(prompts[i - 1], prompts[other]);
  }
}

bool HasOwnPrompts(const CompareOptions& options) {
  return !options.prompt_file.empty() || !options.prompts.empty();
}

bool ShareIds(const verify::BehaviourModel& a,
              const verify::BehaviourModel& b) {
  for (size_t i = 0; i < a.prompts.size(); ++i) {
    if (a.prompts[i].ids != b.prompts[i].ids) return false;
  }
  return true;
}

// Whether special tokens are of the text, or beside it.
enum class Spelled { kBeside, kOfText };

// Where in `text` each of `ids` ends; nothing when they do not spell it.
std::vector<int64_t> EndsOf(const tokenizer::Tokenizer& tokenizer,
                            std::span<const int32_t> ids, std::string_view text,
                            Spelled special_tokens) {
  std::string spelled;
  std::vector<int64_t> ends;
  for (const int32_t id : ids) {
    std::optional<std::string> bytes = tokenizer.TokenBytes(id);
    if (!bytes) return {};
    if (bytes->empty() && special_tokens == Spelled::kOfText) {
      bytes = tokenizer.TokenText(id);
    }
    spelled += *bytes;
    ends.push_back(static_cast<int64_t>(spelled.size()));
  }
  // Some put a blank in front of every text.
  const int64_t num_before =
      spelled.size() == text.size() + 1 && spelled.front() == ' ' ? 1 : 0;
  if (std::string_view(spelled).substr(static_cast<size_t>(num_before)) !=
      text) {
    return {};
  }
  for (int64_t& end : ends) end = std::max<int64_t>(end - num_before, 0);
  return ends;
}

bool HasChatForm(const OpenedModel& model) {
  return model.model.chat.has_value();
}

// The prompts as all models write them; nothing for one that they do not write
// alike. REQUIRES: they are in chat form.
std::vector<std::optional<tokenizer::MarkedText>> WriteAll(
    const std::vector<OpenedModel>& models, const ComparePrompts& prompts) {
  std::vector<std::optional<tokenizer::MarkedText>> written;
  for (const MadePrompt& prompt : prompts.prompts) {
    auto& text = written.emplace_back();
    for (const OpenedModel& model : models) {
      auto of_model = model.model.chat->Write(prompt.text);
      const bool is_first = &model == &models.front();
      if (!of_model || (!is_first && *of_model != text)) {
        text.reset();
        break;
      }
      if (is_first) text = *std::move(of_model);
    }
  }
  return written;
}

verify::EncodedPrompt EncodeOne(
    const OpenedModel& model, std::string_view prompt,
    const std::optional<tokenizer::MarkedText>& written, bool special_tokens) {
  const bool is_chat = model.model.chat.has_value();
  if (is_chat && !written) return {};
  const tokenizer::Tokenizer& tokenizer = *model.model.tokenizer;
  auto ids = is_chat ? tokenizer.EncodeMarked(*written)
                     : run::EncodePrompt(model.model, prompt, special_tokens);
  if (!ids) return {};
  verify::EncodedPrompt one;
  one.ids = *std::move(ids);
  one.ends = EndsOf(tokenizer, one.ids,
                    is_chat ? std::string_view(written->text()) : prompt,
                    is_chat ? Spelled::kOfText : Spelled::kBeside);
  return one;
}

// Why prompts cannot be asked in chat form; empty: they can.
std::string WhyNotChat(const CompareOptions& options,
                       const ComparePrompts& prompts,
                       const std::vector<OpenedModel>& models) {
  const auto without = std::ranges::find_if_not(models, HasChatForm);
  if (without != models.end()) return without->alias + " has no chat template";
  const auto is_missing = [](const auto& text) { return !text.has_value(); };
  if (std::ranges::any_of(WriteAll(models, prompts), is_missing)) {
    return "the models' chat templates do not write them alike";
  }
  // Who asks for it gets it as long as bytes can be compared.
  if (options.prompt_form == PromptForm::kChat) return "";
  const auto encoded = EncodeFor(models, prompts, options);
  const bool is_shared =
      std::ranges::all_of(encoded, [&](const verify::BehaviourModel& model) {
        return ShareIds(model, encoded.front());
      });
  return is_shared ? ""
                   : "the models do not cut conversations into the same tokens";
}

// By token; nothing where one is not known. Rows of the vocabulary that no
// token has begin with nothing.
std::vector<uint16_t> FirstBytesOf(const OpenedModel& model) {
  const tokenizer::Tokenizer& tokenizer = *model.model.tokenizer;
  const int64_t vocabulary = model.model.checkpoint->config().vocab_size;
  std::vector<uint16_t> first_bytes(static_cast<size_t>(vocabulary),
                                    verify::kNoByte);
  for (int32_t id = 0; id < std::min<int64_t>(tokenizer.num_ids(), vocabulary);
       ++id) {
    const std::optional<std::string> bytes = tokenizer.TokenBytes(id);
    if (!bytes) {
      if (tokenizer.TokenText(id)) return {};
      continue;
    }
    if (!bytes->empty()) {
      first_bytes[static_cast<size_t>(id)] =
          static_cast<unsigned char>(bytes->front());
    }
  }
  return first_bytes;
}

// Why two models that cut prompts differently cannot be compared byte by byte
// either; empty: they can.
std::string WhyNoBytes(const OpenedModel& a, const verify::BehaviourModel& of_a,
                       const OpenedModel& b,
                       const verify::BehaviourModel& of_b) {
  const auto spells = [](const verify::EncodedPrompt& prompt) {
    return !prompt.ends.empty();
  };
  for (const auto& [model, encoded] :
       {std::pair(&a, &of_a), std::pair(&b, &of_b)}) {
    if (encoded->first_bytes.empty() ||
        std::ranges::none_of(encoded->prompts, spells)) {
      return fmt::format(
          "their tokenizers differ, and it is not known what bytes the tokens "
          "of {} stand for",
          model->alias);
    }
  }
  return "";
}

bool IsEndpoint(std::string_view target) {
  return target.starts_with("http://") || target.starts_with("https://") ||
         target.starts_with("openai:");
}

}  // namespace

bool ShareTokens(const OpenedModel& a, const OpenedModel& b) {
  const tokenizer::Tokenizer& of_a = *a.model.tokenizer;
  const tokenizer::Tokenizer& of_b = *b.model.tokenizer;
  if (a.model.checkpoint->config().vocab_size !=
          b.model.checkpoint->config().vocab_size ||
      of_a.num_ids() != of_b.num_ids()) {
    return false;
  }
  for (int32_t id = 0; id < of_a.num_ids(); ++id) {
    if (of_a.TokenText(id) != of_b.TokenText(id)) return false;
  }
  return true;
}

Status CheckModelsAndRules(const CompareOptions& options) {
  for (const std::string& model : options.models) {
    const size_t equals = model.find('=');
    if (IsEndpoint(model) ||
        (equals != std::string::npos &&
         IsEndpoint(std::string_view(model).substr(equals + 1)))) {
      return base::MakeError(
          ErrorCode::kUnsupported,
          "comparing {}: endpoints cannot be asked yet; name "
          "a directory or hf:ORG/NAME",
          model);
    }
  }
  const double most_nats = stats::DivergenceRules().most_nats;
  if (!(options.same_nats > 0 && options.same_nats < most_nats)) {
    return base::MakeError(ErrorCode::kInvalidArgument,
                           "--epsilon: found {}, allowed is what is above 0 "
                           "and below {} nats a token",
                           options.same_nats, most_nats);
  }
  if (!(options.alpha > 0 && options.alpha < 1)) {
    return base::MakeError(ErrorCode::kInvalidArgument,
                           "--alpha: found {}, allowed is what is above 0 and "
                           "below 1",
                           options.alpha);
  }
  return {};
}

void AddNeed(const engine::MemoryNeed& one, engine::MemoryNeed& all) {
  all.library_bytes += one.library_bytes;
  if (one.thread_bytes + one.heap_bytes > all.thread_bytes + all.heap_bytes) {
    all.thread_bytes = one.thread_bytes;
    all.heap_bytes = one.heap_bytes;
  }
}

engine::MemoryNeed NeedOf(std::span<const OpenedModel> models) {
  engine::MemoryNeed all;
  for (const OpenedModel& model : models) AddNeed(model.need, all);
  return all;
}

Result<uint64_t> BudgetBytesFor(const CompareOptions& options,
                                const engine::MemoryNeed& need,
                                uint64_t floor_bytes,
                                const CompareEvents& events) {
  REVLM_ASSIGN_OR_RETURN(
      const memory::Limit limit,
      run::ProcessLimit(options.memory_limit_bytes, options.memory_strict));
  if (options.memory_limit_bytes && limit.is_reduced) {
    events.Notice(limit.notice);
  }
  // Beside the budget: code, what is loaded, and what engines take while they
  // are open or leave behind.
  const uint64_t beside =
      memory::ReadImage().size_bytes() + run::PrivateBytes(run::HeapInUse(0)) +
      need.library_bytes + need.thread_bytes + need.heap_bytes;
  const uint64_t least = memory::LimitFor(beside + floor_bytes);
  if (limit.limit_bytes < least) {
    return base::MakeError(
        ErrorCode::kBudgetExceeded,
        "the memory limit is {} bytes, the floor is {} bytes ({:.3f} GiB) for "
        "these models and prompts; raise --parallel-memory-limit, or ask for "
        "shorter prompts",
        limit.limit_bytes, least, static_cast<double>(least) / (1 << 30));
  }
  return limit.limit_bytes - memory::ReserveBytes(limit.limit_bytes) - beside;
}

ComparedModel Describe(const OpenedModel& model) {
  ComparedModel compared;
  compared.alias = model.alias;
  compared.reference = model.model.reference;
  compared.commit = model.model.resolved.commit.value_or("");
  compared.identity = model.model.identity;
  if (model.model.chat) {
    compared.chat_template_sha256 = model.model.chat->sha256();
  }
  return compared;
}

void Describe(const CompareOptions& options, const OpenedModel& reference,
              const ComparePrompts& prompts, Comparison& comparison) {
  const engine::NumericsClass& numerics = reference.numerics;
  comparison.num_prompts = static_cast<int64_t>(prompts.prompts.size());
  comparison.prompt_source = prompts.source;
  comparison.seed = options.seed;
  comparison.same_nats = options.same_nats;
  comparison.most_nats = stats::DivergenceRules().most_nats;
  comparison.alpha = options.alpha;
  comparison.compute = numerics.compute;
  comparison.numerics = fmt::format("{} by {} on {}", numerics.compute,
                                    numerics.products, numerics.isa);
}

Result<ComparePrompts> CollectPrompts(const CompareOptions& options) {
  if (!HasOwnPrompts(options)) return MakeChallenges(options);
  RunOptions given;
  given.prompt_file = options.prompt_file;
  given.prompts = options.prompts;
  given.num_challenges = options.num_challenges;  // which it refuses
  given.orchestration = options.orchestration;
  REVLM_ASSIGN_OR_RETURN(run::PromptPlan plan, run::PlanPrompts(given));
  ComparePrompts own;
  own.source = run::PromptSetSha256(plan.prompts);
  own.prompts = TextsOf(std::move(plan.prompts));
  Shuffle(own.prompts, options.seed);
  return own;
}

RunOptions EngineOptionsOf(const CompareOptions& options) {
  RunOptions run;
  run.dtype = options.dtype;
  run.num_threads = options.num_threads;
  run.batch_size = options.batch_size;
  run.environment = options.environment;
  run.orchestration = options.orchestration;
  run.special_tokens = options.special_tokens;
  run.prompt_form = options.prompt_form;
  return run;
}

Result<std::vector<OpenedModel>> OpenModels(const CompareOptions& options) {
  const RunOptions run = EngineOptionsOf(options);
  std::vector<OpenedModel> models;
  std::set<std::string> aliases;
  for (const std::string& reference : options.models) {
    memory::Budget nothing(0);  // it is described, not run
    REVLM_ASSIGN_OR_RETURN(run::Model model,
                           run::LoadModel(reference, run, nothing, ""));
    const engine::NumericsClass numerics = model.engine->numerics();
    const engine::MemoryNeed need = model.engine->memory_need();
    model.engine.reset();
    models.push_back({.alias = run::MakeAlias(model.resolved.name, aliases),
                      .model = std::move(model),
                      .numerics = numerics,
                      .need = need});
  }
  return models;
}

Result<std::string> ChooseForm(const CompareOptions& options,
                               const ComparePrompts& prompts,
                               std::vector<OpenedModel>& models) {
  if (std::ranges::none_of(models, HasChatForm)) return "";
  const std::string why_not = WhyNotChat(options, prompts, models);
  if (why_not.empty() && !prompts.prompts.empty()) return "";
  if (options.prompt_form == PromptForm::kChat && !why_not.empty()) {
    return base::MakeError(
        ErrorCode::kInvalidArgument,
        "asking prompts in chat form: {}; --prompt-form text "
        "asks them as text",
        why_not);
  }
  for (OpenedModel& model : models) model.model.chat.reset();
  return why_not.empty() ? "" : "prompts are asked as text: " + why_not;
}

std::vector<verify::BehaviourModel> EncodeFor(
    const std::vector<OpenedModel>& models, const ComparePrompts& prompts,
    const CompareOptions& options) {
  std::vector<std::optional<tokenizer::MarkedText>> written(
      prompts.prompts.size());
  if (std::ranges::all_of(models, HasChatForm))
    written = WriteAll(models, prompts);
  std::vector<verify::BehaviourModel> encoded;
  for (const OpenedModel& opened : models) {
    verify::BehaviourModel& model = encoded.emplace_back();
    model.checkpoint = opened.model.checkpoint.get();
    for (size_t i = 0; i < written.size(); ++i) {
      model.prompts.push_back(EncodeOne(opened, prompts.prompts[i].text,
                                        written[i], options.special_tokens));
    }
    model.first_bytes = FirstBytesOf(opened);
  }
  return encoded;
}

PlannedPairs PlanPairs(const std::vector<OpenedModel>& models,
                       const std::vector<verify::BehaviourModel>& encoded) {
  PlannedPairs planned;
  for (size_t a = 0; a < models.size(); ++a) {
    for (size_t b = a + 1; b < models.size(); ++b) {
      const bool is_shared =
          ShareTokens(models[a], models[b]) && ShareIds(encoded[a], encoded[b]);
      const std::string why_no_bytes =
          is_shared ? ""
                    : WhyNoBytes(models[a], encoded[a], models[b], encoded[b]);
      planned.pairs.push_back({.a = a,
                               .b = b,
                               .scale = is_shared ? Scale::kTokens
                                        : why_no_bytes.empty()
                                            ? Scale::kFirstBytes
                                            : Scale::kNone});
      planned.why_none.push_back(why_no_bytes);
    }
  }
  return planned;
}

}  // namespace revlm
