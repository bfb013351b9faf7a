// The options of `compare`, `verify` and `explain`. Each command has variables
// of its own, since the environment is read for all of them.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/prompt_options.h"
#include "cli/shared_options.h"
#include "revlm/compare.h"
#include "revlm/verify_text.h"

namespace revlm::cli {

// What verdicts become as exit codes.
struct ExitRules {
  std::vector<std::string>
      fail_on;  // "different", ...; empty: each has its own
  bool exit_zero = false;
};

struct CompareLine {
  CLI::App* command = nullptr;  // of the parser
  OutputOptions output;
  CompareOptions compare;
  ExitRules exit;

  // As written; `Resolve` puts them into `compare`.
  std::string target;  // of `verify`
  std::string reference;
  std::string dtype = "f32";
  std::string prompt_form;
  bool no_special_tokens = false;
  OrchestrationFlags orchestration;
  std::optional<double> memory_limit_gib;
};

// `verify`: by weights and behaviour, or by what the target answered.
struct VerifyLine {
  CompareLine by_weights;
  VerifyTextOptions by_text;  // `compare` comes from the other by `Resolve`
  bool text_only = false;
  bool is_by_text = false;  // which of the two
};

struct ExplainLine {
  CLI::App* command = nullptr;
  OutputOptions output;
  ExplainOptions explain;
  std::string pair;  // "a~b"; empty: all
};

// Each adds its command to the parser and fills what it returns.
std::unique_ptr<CompareLine> AddCompare(CLI::App& parser);
std::unique_ptr<VerifyLine> AddVerify(CLI::App& parser);
std::unique_ptr<ExplainLine> AddExplain(CLI::App& parser);

// After parsing: turns names into values.
void Resolve(CompareLine& line);
void Resolve(VerifyLine& line);

}  // namespace revlm::cli
