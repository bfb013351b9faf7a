// Carries out a parsed command: calls the library, writes results to stdout and
// talk to stderr. Returns the exit code.
#pragma once

#include <string_view>

#include "cli/options.h"
#include "revlm/error.h"

namespace revlm::cli {

int RunCommand(const CommandLine& command_line);
int PlanCommand(const CommandLine& command_line);
int InspectCommand(const CommandLine& command_line);
int MonitorCommand(const CommandLine& command_line);

// Says `error` on stderr, and with `json` as a document of `schema` on stdout.
int Fail(const Error& error, bool json, std::string_view schema);

}  // namespace revlm::cli
