// The options that say how prompts are made, and the command `prompts`.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>

#include "cli/shared_options.h"
#include "revlm/prompts.h"
#include "revlm/run.h"

namespace revlm::cli {

// As written.
struct OrchestrationFlags {
  bool enable = false;   // --enable-prompt-orchestration
  bool disable = false;  // --disable-orchestration
  bool pot = false;      // --enable-pot, and so on
  bool kdf = false;
  bool evolutionary = false;
  bool dynamic = false;
  bool hierarchical = false;
  std::string strategy;  // empty: not given
  std::string focus;

  // What they mean together; nothing unless one of them asks for it.
  std::optional<PromptOrchestration> Resolve() const;
};

// Which systems make prompts, and how: --enable-pot, --prompt-strategy, ...
void AddSystemOptions(CLI::App& app, OrchestrationFlags& flags,
                      const std::string& group);
// The same, and the flags that turn it on and off; `text` says what it does.
void AddOrchestrationOptions(CLI::App& app, OrchestrationFlags& flags,
                             const std::string& text, const std::string& group);

// --prompt-form; empty: not given.
void AddPromptForm(CLI::App& app, std::string& form, const std::string& group);
std::optional<PromptForm> PromptFormOf(const std::string& name);

struct PromptsLine {
  CLI::App* command = nullptr;  // of the parser
  OutputOptions output;
  PromptsOptions prompts;
  OrchestrationFlags flags;
};

// Adds the command to the parser and fills what it returns.
std::unique_ptr<PromptsLine> AddPrompts(CLI::App& parser);

// After parsing: turns names into values.
void Resolve(PromptsLine& line);

}  // namespace revlm::cli
