#include "cli/prompt_options.h"

#include <vector>

namespace revlm::cli {

std::optional<PromptOrchestration> OrchestrationFlags::Resolve() const {
  std::vector<std::string> systems;
  if (pot) systems.emplace_back("pot");
  if (kdf) systems.emplace_back("kdf");
  if (evolutionary) systems.emplace_back("evolutionary");
  if (dynamic) systems.emplace_back("dynamic");
  if (hierarchical) systems.emplace_back("hierarchical");
  const bool is_asked =
      enable || !systems.empty() || !strategy.empty() || !focus.empty();
  if (disable || !is_asked) return std::nullopt;
  // The parser lets no other names through.
  return NamedOrchestration(systems, strategy.empty() ? "balanced" : strategy,
                            focus.empty() ? "balanced" : focus)
      .value_or(PromptOrchestration());
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
      ->check(CLI::IsMember(
          {"balanced", "adversarial", "behavioral", "comprehensive"}))
      ->option_text("NAME")
      ->group(group);
  app.add_option("--challenge-focus", flags.focus,
                 "Of prompts chosen by what others told: coverage,\n"
                 "separation or balanced (balanced)")
      ->check(CLI::IsMember({"coverage", "separation", "balanced"}))
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

void AddPromptForm(CLI::App& app, std::string& form, const std::string& group) {
  app.add_option("--prompt-form", form,
                 "Ask as text, in the chat form of the tokenizer,\nor auto: "
                 "chat where there is one (text; auto for\nprompts by "
                 "orchestration)")
      ->check(CLI::IsMember({"text", "chat", "auto"}))
      ->option_text("FORM")
      ->group(group);
}

std::optional<PromptForm> PromptFormOf(const std::string& name) {
  if (name == "text") return PromptForm::kText;
  if (name == "chat") return PromptForm::kChat;
  if (name == "auto") return PromptForm::kAuto;
  return std::nullopt;
}

std::unique_ptr<PromptsLine> AddPrompts(CLI::App& parser) {
  auto line = std::make_unique<PromptsLine>();
  CLI::App* app = parser.add_subcommand(
      "prompts", "Show the prompts that a seed makes, and why");
  line->command = app;
  const std::string group = "Prompts";
  app->add_option("--challenges", line->prompts.num_prompts,
                  "How many (10; with --explain: until it comes)")
      ->transform(WholeNumber(1, kMaxPrompts))
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
