// The commands of the program and their options: one table, from which parsing,
// help and the environment's names come. Each flag `--foo-bar` is also read
// from REV_FOO_BAR.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/compare_options.h"
#include "cli/library_options.h"
#include "cli/prompt_options.h"
#include "cli/shared_options.h"
#include "revlm/inspect.h"
#include "revlm/run.h"
#include "revlm/status.h"

namespace revlm::cli {

struct CommandLine {
  OutputOptions output;
  RunOptions run;
  InspectOptions inspect;
  CLI::App* run_command = nullptr;  // of the parser
  CLI::App* plan_command = nullptr;
  // What `plan` was given, in place of `run`: each command's options have
  // variables of their own, since the environment is read for all of them.
  std::unique_ptr<CommandLine> plan;
  std::unique_ptr<CompareLine> compare;
  std::unique_ptr<VerifyLine> verify;
  std::unique_ptr<ExplainLine> explain;
  std::unique_ptr<PromptsLine> prompts;
  CLI::App* inspect_command = nullptr;
  CLI::App* monitor_command = nullptr;
  LibraryCommands library;
  StatusOptions status;      // what `monitor` looks at
  bool once = false;         // `monitor`: no live view
  bool has_monitor = false;  // `run`: the live view in place of the bar

  // As written; `Resolve` puts them into `run`.
  OrchestrationFlags orchestration;
  std::string capture;
  std::string dtype = "auto";
  std::string mode = "cross_product";
  bool parallel = true;  // nothing to do for it: it is how a run goes
  bool no_parallel = false;
  bool no_resident = false;
  std::string prompt_form;
  bool no_special_tokens = false;
  std::optional<double> memory_limit_gib;
  std::optional<double> per_process_gib;
};

std::vector<std::string> CommandNames();

// A parser that fills `command_line`, which must outlive it.
std::unique_ptr<CLI::App> MakeParser(CommandLine& command_line);

// After parsing: turns names into values.
void Resolve(CommandLine& command_line);

// The long flags of the command that was being parsed, for suggestions.
std::vector<std::string> LongFlags(const CLI::App& parser);

}  // namespace revlm::cli
