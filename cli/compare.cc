#include "revlm/compare.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <string>
#include <utility>

#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/signals.h"
#include "cli/streams.h"
#include "cli/terminal.h"
#include "revlm/report.h"
#include "revlm/verify_text.h"

namespace revlm::cli {
namespace {

bool FailsOn(const ExitRules& rules, std::string_view name) {
  return std::ranges::find(rules.fail_on, name) != rules.fail_on.end();
}

std::string_view NameIn(Verdict verdict) {
  switch (verdict) {
    case Verdict::kSame:
      return "same";
    case Verdict::kDerived:
      return "derived";
    case Verdict::kDifferent:
      return "different";
    case Verdict::kUndecided:
      return "undecided";
  }
  return "";
}

int VerdictExitCode(const Comparison& comparison, const ExitRules& rules) {
  if (rules.exit_zero) return kDone;
  if (rules.fail_on.empty()) return ExitCode(comparison.worst);
  const bool fails =
      std::ranges::any_of(comparison.pairs, [&](const PairComparison& pair) {
        return FailsOn(rules, NameIn(pair.verdict));
      });
  return fails ? kDifferent : kDone;
}

// Stopped by a signal it is no failure of the comparison.
int FailWith(const Error& error, const CompareLine& line,
             std::string_view schema) {
  const bool counts =
      FailsOn(line.exit, "error") && error.code != ErrorCode::kCancelled;
  return counts ? FailAs(kDifferent, error, line.output.json, schema)
                : Fail(error, line.output.json, schema);
}

// Carries `compare` out with what the process provides, and shows what it
// found.
int Carry(
    const CompareLine& line, CompareOptions options, std::string_view schema,
    const std::function<Result<Comparison>(const CompareOptions&)>& compare) {
  Display display = MakeDisplay(line.output);
  options.environment = ReadEnvironment();
  options.stop = SignalStop();
  options.on_event = ShowOn(display, line.output);
  const Result<Comparison> comparison = compare(options);
  display.Finish();
  if (!comparison) return FailWith(comparison.error(), line, schema);
  const int exit_code = VerdictExitCode(*comparison, line.exit);
  if (line.output.json) {
    return Answer(RenderJson(*comparison, schema, exit_code), exit_code);
  }
  if (line.output.quiet) return Answer(comparison->run_dir + "\n", exit_code);
  return Answer(RenderText(*comparison, exit_code,
                           StyleOf(STDOUT_FILENO, !line.output.no_color)),
                exit_code);
}

bool IsAboutTexts(const VerifyTextOptions& options) {
  return !options.alternatives.empty() || options.max_tokens ||
         options.temperature || options.top_k || options.top_p ||
         options.num_own_answers;
}

// "a~b", with or without blanks, either first.
bool IsPair(const PairComparison& pair, std::string name) {
  std::erase(name, ' ');
  return name == pair.a + "~" + pair.b || name == pair.b + "~" + pair.a;
}

}  // namespace

int CompareCommand(const CompareLine& line) {
  return Carry(line, line.compare, kCompareSchema, Compare);
}

int VerifyCommand(const VerifyLine& line) {
  const CompareLine& weights = line.by_weights;
  if (weights.target.empty() && line.by_text.answers.empty()) {
    return FailWith({ErrorCode::kInvalidArgument,
                     "verifying: found no TARGET, and no --answers; see revlm "
                     "verify --help"},
                    weights, kVerifySchema);
  }
  if (!line.is_by_text && IsAboutTexts(line.by_text)) {
    return FailWith({ErrorCode::kInvalidArgument,
                     "verifying: --alternative, --max-tokens, --temperature, "
                     "--top-k, --top-p and --own-answers are for texts; add "
                     "--text-only or --answers"},
                    weights, kVerifySchema);
  }
  return Carry(weights, weights.compare, kVerifySchema,
               [&](const CompareOptions& options) {
                 if (!line.is_by_text) return Compare(options);
                 VerifyTextOptions text = line.by_text;
                 text.compare = options;
                 return VerifyText(text);
               });
}

int ExplainCommand(const ExplainLine& line) {
  Result<Comparison> comparison = Explain(line.explain);
  if (!comparison) {
    return Fail(comparison.error(), line.output.json, kExplainSchema);
  }
  if (!line.pair.empty()) {
    std::erase_if(comparison->pairs, [&](const PairComparison& pair) {
      return !IsPair(pair, line.pair);
    });
    if (comparison->pairs.empty()) {
      return Fail(
          {ErrorCode::kInvalidArgument,
           fmt::format("explaining {}: there is no pair {}; name one as "
                       "it is in the table, A~B",
                       comparison->run_dir, line.pair)},
          line.output.json, kExplainSchema);
    }
    comparison->worst = comparison->pairs.front().verdict;
  }
  if (line.output.json) {
    return Answer(RenderJson(*comparison, kExplainSchema, kDone), kDone);
  }
  return Answer(RenderExplanation(
                    *comparison, StyleOf(STDOUT_FILENO, !line.output.no_color)),
                kDone);
}

}  // namespace revlm::cli
