// Carries out a parsed command: calls the library, writes results to stdout and
// talk to stderr. Returns the exit code.
#pragma once

#include "cli/options.h"

namespace revlm::cli {

int RunCommand(const CommandLine& command_line);
int PlanCommand(const CommandLine& command_line);
int InspectCommand(const CommandLine& command_line);
int MonitorCommand(const CommandLine& command_line);
int EnrollCommand(const CommandLine& command_line);
int IdentifyCommand(const CommandLine& command_line);
int LsCommand(const CommandLine& command_line);

int CompareCommand(const CompareLine& line);
int VerifyCommand(const VerifyLine& line);
int ExplainCommand(const ExplainLine& line);
int PromptsCommand(const PromptsLine& line);

}  // namespace revlm::cli
