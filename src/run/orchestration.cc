#include "run/orchestration.h"

#include <utility>

#include "base/quote.h"
#include "challenge/draw.h"

namespace revlm {
namespace {

// The public names are those of challenge/orchestrator.h, in its order.
static_assert(static_cast<size_t>(PromptSystem::kHierarchical) + 1 ==
              challenge::kNumSystemKinds);
static_assert(static_cast<size_t>(PromptStrategy::kComprehensive) + 1 ==
              challenge::kNumStrategies);
static_assert(static_cast<size_t>(ChallengeFocus::kBalanced) + 1 ==
              challenge::kNumFocuses);

// The value that `name_of` gives this name.
template <typename T, typename NameOf>
Result<T> Named(std::string_view what, size_t num_values, NameOf name_of,
                std::string_view name) {
  std::string allowed;
  for (size_t i = 0; i < num_values; ++i) {
    if (name_of(i) == name) return static_cast<T>(i);
    allowed += (i == 0 ? "" : ", ") + std::string(name_of(i));
  }
  return base::MakeError(ErrorCode::kInvalidArgument,
                         "{}: found {}, allowed are {}", what,
                         base::Quote(name), allowed);
}

challenge::Strategy From(PromptStrategy strategy) {
  return static_cast<challenge::Strategy>(strategy);
}

challenge::Focus From(ChallengeFocus focus) {
  return static_cast<challenge::Focus>(focus);
}

}  // namespace

std::string_view PromptStrategyName(PromptStrategy strategy) {
  return challenge::StrategyName(From(strategy));
}

std::string_view ChallengeFocusName(ChallengeFocus focus) {
  return challenge::FocusName(From(focus));
}

Result<PromptOrchestration> NamedOrchestration(
    const std::vector<std::string>& systems, std::string_view strategy,
    std::string_view focus) {
  const auto system_name = [](size_t i) {
    return challenge::SystemKindName(static_cast<challenge::SystemKind>(i));
  };
  const auto strategy_name = [](size_t i) {
    return challenge::StrategyName(static_cast<challenge::Strategy>(i));
  };
  const auto focus_name = [](size_t i) {
    return challenge::FocusName(static_cast<challenge::Focus>(i));
  };
  PromptOrchestration named;
  for (const std::string& system : systems) {
    REVLM_ASSIGN_OR_RETURN(
        named.systems.emplace_back(),
        Named<PromptSystem>("prompt system", challenge::kNumSystemKinds,
                            system_name, system));
  }
  REVLM_ASSIGN_OR_RETURN(
      named.strategy,
      Named<PromptStrategy>("prompt strategy", challenge::kNumStrategies,
                            strategy_name, strategy));
  REVLM_ASSIGN_OR_RETURN(
      named.focus,
      Named<ChallengeFocus>("challenge focus", challenge::kNumFocuses,
                            focus_name, focus));
  return named;
}

}  // namespace revlm

namespace revlm::run {

Result<challenge::Orchestrator> MakeOrchestrator(
    const PromptOrchestration& orchestration, uint64_t seed) {
  challenge::OrchestratorOptions options = {
      .session_key = challenge::DeriveSessionKey(
          {.seed = challenge::SeedFromNumber(seed)}),
      .systems = {},
      .strategy = From(orchestration.strategy),
      .focus = From(orchestration.focus)};
  for (const PromptSystem system : orchestration.systems) {
    options.systems.push_back(static_cast<challenge::SystemKind>(system));
  }
  return challenge::Orchestrator::Create(std::move(options));
}

std::vector<PromptSystemReport> ReportsOf(
    const challenge::Orchestrator& orchestrator, Told told) {
  std::vector<PromptSystemReport> reports;
  for (const challenge::SystemReport& system : orchestrator.systems()) {
    reports.push_back({.name = system.name,
                       .share = system.share,
                       .num_prompts = static_cast<int64_t>(system.num_given),
                       .failure = system.failure,
                       .remark = ""});
    if (told == Told::kNothing && system.num_given > 0 &&
        system.name.starts_with("evolutionary/")) {
      reports.back().remark =
          "its first generation: bred from nothing, as no outcome was known";
    }
  }
  return reports;
}

MadePrompt FromChallenge(challenge::Challenge made) {
  MadePrompt prompt = {.id = std::move(made.id),
                       .text = std::move(made.text),
                       .system = std::move(made.system),
                       .parameters = {},
                       .rationale = std::move(made.rationale)};
  for (challenge::Parameter& parameter : made.parameters) {
    prompt.parameters.push_back(
        {std::move(parameter.name), std::move(parameter.value)});
  }
  return prompt;
}

base::Json PromptToJson(const MadePrompt& prompt) {
  base::Json json = {{"id", prompt.id}, {"prompt", prompt.text}};
  if (prompt.system.empty()) return json;
  json["system"] = prompt.system;
  json["parameters"] = base::Json::object();
  for (const PromptParameter& parameter : prompt.parameters) {
    json["parameters"][parameter.name] = parameter.value;
  }
  json["rationale"] = prompt.rationale;
  return json;
}

base::Json SystemsToJson(const std::vector<PromptSystemReport>& systems) {
  const auto text_or_null = [](const std::string& text) {
    return text.empty() ? base::Json() : base::Json(text);
  };
  base::Json json = base::Json::array();
  for (const PromptSystemReport& system : systems) {
    json.push_back({{"name", system.name},
                    {"share", system.share},
                    {"num_prompts", system.num_prompts},
                    {"failure", text_or_null(system.failure)},
                    {"remark", text_or_null(system.remark)}});
  }
  return json;
}

std::vector<std::string> FailureNotices(
    const std::vector<PromptSystemReport>& systems) {
  std::vector<std::string> notices;
  for (const PromptSystemReport& system : systems) {
    if (system.failure.empty()) continue;
    notices.push_back(
        fmt::format("prompt system {} failed, others took its share: {}",
                    system.name, system.failure));
  }
  return notices;
}

}  // namespace revlm::run
