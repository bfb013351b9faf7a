#include "cli/streams.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "cli/exit_code.h"
#include "cli/signals.h"
#include "cli/terminal.h"
#include "revlm/report.h"

namespace revlm::cli {

void Say(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

void Write(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

void WriteAtOnce(std::string_view text) {
  Write(text);
  std::fflush(stdout);
}

int Answer(std::string_view text, int exit_code) {
  Write(text);
  if (std::fflush(stdout) == 0 || errno == EPIPE) return exit_code;
  Say(fmt::format("revlm: writing to stdout: {}\n", std::strerror(errno)));
  return exit_code == kDone ? kSomeFailed : exit_code;
}

void SayError(const Error& error) {
  Say("revlm: " + Printable(error.message, LocaleCharset()) + "\n");
}

Display MakeDisplay(const OutputOptions& output) {
  return Display(ChooseDisplay(output.display, output.quiet, STDERR_FILENO),
                 LocaleCharset(), TerminalColumns(STDERR_FILENO), Say);
}

bool IsWanted(const RunEvent& event, const OutputOptions& output) {
  switch (event.kind) {
    case RunEvent::Kind::kNotice:
      return !output.quiet;
    case RunEvent::Kind::kDraining:  // who asked waits for it
      return true;
    case RunEvent::Kind::kDetail:
      return (output.verbose || output.debug) && !output.quiet;
    case RunEvent::Kind::kDebug:
      return output.debug && !output.quiet;
    case RunEvent::Kind::kProgress:
      return true;
  }
  return true;
}

int Fail(const Error& error, bool json, std::string_view schema) {
  return FailAs(ExitCode(error, StopSignal()), error, json, schema);
}

int FailAs(int exit_code, const Error& error, bool json,
           std::string_view schema) {
  SayError(error);
  if (!json) return exit_code;
  return Answer(RenderJson(error, schema, exit_code), exit_code);
}

std::function<void(const RunEvent&)> ShowOn(Display& display,
                                            const OutputOptions& output) {
  return [&display, output](const RunEvent& event) {
    if (IsWanted(event, output)) display.Show(event);
  };
}

}  // namespace revlm::cli
