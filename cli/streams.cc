#include "cli/streams.h"

#include <fcntl.h>
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
namespace {

// The first of what kept text from stdout; 0: nothing did. Kept, because a
// write that fails leaves nothing for the next flush to fail on.
int stdout_errno = 0;

void Remember(bool is_done) {
  if (!is_done && stdout_errno == 0) stdout_errno = errno;
}

}  // namespace

void OccupyClosedStreams() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF) continue;
    // The lowest that is free is this one. What is read only fails to be
    // written, which tells of lost results; lost talk is no failure.
    const int flags = fd == STDERR_FILENO ? O_WRONLY : O_RDONLY;
    if (open("/dev/null", flags) != fd) return;
  }
}

void Say(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

void Write(std::string_view text) {
  Remember(std::fwrite(text.data(), 1, text.size(), stdout) == text.size());
}

void WriteAtOnce(std::string_view text) {
  Write(text);
  Remember(std::fflush(stdout) == 0);
}

int Answer(std::string_view text, int exit_code) {
  WriteAtOnce(text);
  if (stdout_errno == 0 || stdout_errno == EPIPE) return exit_code;
  Say(fmt::format("revlm: writing to stdout: {}\n",
                  std::strerror(stdout_errno)));
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
