// Carries out a parsed command: calls the library, writes results to stdout and
// talk to stderr. Returns the exit code.
#pragma once

#include <string_view>

#include "cli/display.h"
#include "cli/options.h"
#include "revlm/error.h"
#include "revlm/event.h"

namespace revlm::cli {

int RunCommand(const CommandLine& command_line);
int PlanCommand(const CommandLine& command_line);
int InspectCommand(const CommandLine& command_line);
int MonitorCommand(const CommandLine& command_line);
int EnrollCommand(const CommandLine& command_line);
int IdentifyCommand(const CommandLine& command_line);
int LsCommand(const CommandLine& command_line);

// Writes results to stdout. A reader that went away early is no failure.
int Answer(std::string_view text, int exit_code);

// Progress on stderr, as asked.
Display MakeDisplay(const OutputOptions& output);
// Whether an event of this kind is for someone who asked for this much.
bool IsWanted(const RunEvent& event, const OutputOptions& output);

// Says `error` on stderr, and with `json` as a document of `schema` on stdout.
int Fail(const Error& error, bool json, std::string_view schema);

}  // namespace revlm::cli
