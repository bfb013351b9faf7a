// The program: reads the command line and the environment, nothing else.
#include <fmt/format.h>

#include <algorithm>
#include <clocale>
#include <cstdio>
#include <exception>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/options.h"
#include "cli/signals.h"
#include "cli/streams.h"
#include "cli/suggest.h"
#include "revlm/report.h"

namespace revlm::cli {
namespace {

// What was wrong with the command line, and what may have been meant.
std::string Explain(const CLI::App& parser, const CLI::ParseError& problem) {
  const std::string command =
      parser.get_subcommands().empty()
          ? ""
          : parser.get_subcommands().front()->get_name();
  std::string hint =
      fmt::format("see revlm {}{}--help", command, command.empty() ? "" : " ");
  for (const std::string& extra : parser.remaining(true)) {
    if (!extra.starts_with("-")) continue;
    const std::string flag = extra.substr(0, extra.find('='));
    const std::string meant = Closest(flag, LongFlags(parser));
    if (!meant.empty()) hint = fmt::format("did you mean {}?", meant);
    return fmt::format("there is no option {}; {}", flag, hint);
  }
  std::string what = problem.what();
  while (what.ends_with('\n')) what.pop_back();
  return fmt::format("{}; {}", what, hint);
}

int Main(std::vector<std::string> arguments) {
  CommandLine line;
  line.run.command_line = arguments;
  line.run.command_line.insert(line.run.command_line.begin(), "revlm");
  const std::unique_ptr<CLI::App> parser = MakeParser(line);
  if (arguments.empty()) {
    std::fputs(parser->help().c_str(), stderr);
    return kBadUsage;
  }
  const bool json = std::find(arguments.begin(), arguments.end(), "--json") !=
                    arguments.end();
  const auto misused = [&](std::string message) {
    const std::string& command = arguments[0];
    return Fail({ErrorCode::kInvalidArgument, std::move(message)}, json,
                command == "inspect"    ? kInspectSchema
                : command == "plan"     ? kPlanSchema
                : command == "monitor"  ? kMonitorSchema
                : command == "compare"  ? kCompareSchema
                : command == "verify"   ? kVerifySchema
                : command == "explain"  ? kExplainSchema
                : command == "prompts"  ? kPromptsSchema
                : command == "enroll"   ? kEnrollSchema
                : command == "identify" ? kIdentifySchema
                : command == "ls"       ? kLibrarySchema
                                        : kRunSchema);
  };
  if (const std::string meant = InsertRun(arguments, CommandNames());
      !meant.empty()) {
    return misused(
        fmt::format("there is no command or model {}; did you mean "
                    "revlm {}?",
                    arguments[0], meant));
  }
  try {
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
    parser->parse(std::move(reversed));
  } catch (const CLI::Success& asked) {
    std::ostringstream help;  // or the version
    const int exit_code = parser->exit(asked, help, std::cerr);
    return Answer(help.str(), exit_code);
  } catch (const CLI::ParseError& problem) {
    return misused(Explain(*parser, problem));
  }
  Resolve(line);
  Resolve(*line.plan);
  Resolve(*line.compare);
  Resolve(*line.verify);
  Resolve(*line.prompts);
  StartSignals(line.run_command->parsed() ? FirstSignal::kDrains
                                          : FirstSignal::kStops);
  if (line.plan_command->parsed()) return PlanCommand(*line.plan);
  if (line.monitor_command->parsed()) return MonitorCommand(line);
  if (line.compare->command->parsed()) {
    return CompareCommand(*line.compare);
  }
  if (line.verify->by_weights.command->parsed()) {
    return VerifyCommand(*line.verify);
  }
  if (line.explain->command->parsed()) return ExplainCommand(*line.explain);
  if (line.prompts->command->parsed()) return PromptsCommand(*line.prompts);
  if (line.library.enroll_command->parsed()) return EnrollCommand(line);
  if (line.library.identify_command->parsed()) return IdentifyCommand(line);
  if (line.library.ls_command->parsed()) return LsCommand(line);
  return line.run_command->parsed() ? RunCommand(line) : InspectCommand(line);
}

}  // namespace
}  // namespace revlm::cli

int main(int argc, char** argv) {
  std::setlocale(LC_CTYPE, "");
  revlm::cli::OccupyClosedStreams();
  try {
    return revlm::cli::Main({argv + 1, argv + argc});
  } catch (const std::exception& problem) {
    // Out of memory, or a bug: our own code does not throw.
    std::fprintf(stderr, "revlm: internal error: %s\n", problem.what());
    return revlm::cli::kInternalError;
  }
}
