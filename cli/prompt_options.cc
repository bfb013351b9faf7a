#include "cli/prompt_options.h"

#include <array>
#include <string_view>

namespace revlm::cli {
namespace {

constexpr std::array kStrategies = {
    PromptStrategy::kBalanced, PromptStrategy::kAdversarial,
    PromptStrategy::kBehavioral, PromptStrategy::kComprehensive};
constexpr std::array kFocuses = {ChallengeFocus::kCoverage,
                                 ChallengeFocus::kSeparation,
                                 ChallengeFocus::kBalanced};

// One of the values by its name.
template <typename Values, typename NameOf>
auto Named(const Values& values, NameOf name_of, std::string_view name) {
  for (const auto value : values) {
    if (name_of(value) == name) return value;
  }
  return values.front();  // the parser let no other name through
}

template <typename Values, typename NameOf>
CLI::IsMember OneOf(const Values& values, NameOf name_of) {
  std::vector<std::string> names;
  for (const auto value : values) names.emplace_back(name_of(value));
  return CLI::IsMember(names);
}

}  // namespace

std::optional<PromptOrchestration> OrchestrationFlags::Resolve() const {
  PromptOrchestration asked;
  const std::array<std::pair<bool, PromptSystem>, 5> systems = {
      {{pot, PromptSystem::kPot},
       {kdf, PromptSystem::kKdf},
       {evolutionary, PromptSystem::kEvolutionary},
       {dynamic, PromptSystem::kDynamic},
       {hierarchical, PromptSystem::kHierarchical}}};
  for (const auto& [is_given, system] : systems) {
    if (is_given) asked.systems.push_back(system);
  }
  const bool is_asked =
      enable || !asked.systems.empty() || !strategy.empty() || !focus.empty();
  if (disable || !is_asked) return std::nullopt;
  if (!strategy.empty()) {
    asked.strategy = Named(kStrategies, PromptStrategyName, strategy);
  }
  if (!focus.empty()) {
    asked.focus = Named(kFocuses, ChallengeFocusName, focus);
  }
  return asked;
}

void AddSystemOptions(CLI::App& app, OrchestrationFlags& flags,
                      const std::string& group) {
  app.add_flag("--enable-pot", flags.pot,
               "Only the systems named: boundary probes,")
      ->group(group);
  app.add_flag("--enable-kdf", flags.kdf, "perturbed and encoded texts,")
      ->group(group);
  app.add_flag("--enable-evolutionary", flags.evolutionary,
               "bred from those that told most,")
      ->group(group);
  app.add_flag("--enable-dynamic", flags.dynamic,
               "composed sentences and conversations,")
      ->group(group);
  app.add_flag("--enable-hierarchical", flags.hierarchical,
               "a taxonomy of capabilities")
      ->group(group);
  app.add_option("--prompt-strategy", flags.strategy,
                 "The systems' shares: balanced, adversarial,\nbehavioral or "
                 "comprehensive (balanced)")
      ->check(OneOf(kStrategies, PromptStrategyName))
      ->option_text("NAME")
      ->group(group);
  app.add_option("--challenge-focus", flags.focus,
                 "Of prompts chosen by what others told: coverage,\n"
                 "separation or balanced (balanced)")
      ->check(OneOf(kFocuses, ChallengeFocusName))
      ->option_text("NAME")
      ->group(group);
}

void AddOrchestrationOptions(CLI::App& app, OrchestrationFlags& flags,
                             const std::string& text,
                             const std::string& group) {
  app.add_flag("--enable-prompt-orchestration", flags.enable, text)
      ->group(group);
  app.add_flag("--disable-orchestration", flags.disable,
               "Do not, whatever else is given")
      ->group(group);
  AddSystemOptions(app, flags, group);
}

std::unique_ptr<PromptsLine> AddPrompts(CLI::App& parser) {
  auto line = std::make_unique<PromptsLine>();
  CLI::App* app = parser.add_subcommand(
      "prompts", "Show the prompts that a seed makes, and why");
  line->command = app;
  const std::string group = "Prompts";
  app->add_option("--challenges", line->prompts.num_prompts,
                  "How many (10; with --explain: until it comes)")
      ->option_text("N")
      ->group(group);
  app->add_option("--seed", line->prompts.seed, "What they are made from (0)")
      ->option_text("S")
      ->group(group);
  app->add_option("--explain", line->prompts.id,
                  "Say how this one was made: pot-17")
      ->option_text("ID")
      ->group(group);
  AddSystemOptions(*app, line->flags, group);
  AddOutputOptions(*app, line->output);
  app->footer(
      "These are the prompts of revlm run --enable-prompt-orchestration with "
      "the same\noptions, and those that a comparison begins with.");
  return line;
}

void Resolve(PromptsLine& line) {
  line.prompts.orchestration =
      line.flags.Resolve().value_or(PromptOrchestration());
}

}  // namespace revlm::cli
