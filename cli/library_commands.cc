// enroll, identify and ls.
#include <unistd.h>

#include <string>
#include <utility>

#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/signals.h"
#include "cli/streams.h"
#include "cli/terminal.h"
#include "revlm/library.h"
#include "revlm/report.h"

namespace revlm::cli {
namespace {

// What was asked, or where the library lies by custom; empty without a home.
std::string LibraryPath(const std::string& asked) {
  if (!asked.empty()) return asked;
  if (const auto data = Variable("XDG_DATA_HOME")) {
    return *data + "/revlm/library.sqlite";
  }
  const auto home = Variable("HOME");
  return home ? *home + "/.local/share/revlm/library.sqlite" : "";
}

template <typename Report>
int AnswerReport(const Report& report, std::string quiet_text,
                 const OutputOptions& output, int exit_code) {
  if (output.json) return Answer(RenderJson(report, exit_code), exit_code);
  if (output.quiet) return Answer(quiet_text, exit_code);
  return Answer(RenderText(report, StyleOf(STDOUT_FILENO, !output.no_color)),
                exit_code);
}

// What `from` needs of the process.
void FillIn(FingerprintSource& from, const OutputOptions& output,
            Display& display) {
  from.library = LibraryPath(from.library);
  from.environment = ReadEnvironment();
  from.stop = SignalStop();
  from.on_event = ShowOn(display, output);
}

}  // namespace

int EnrollCommand(const CommandLine& line) {
  EnrollOptions options = line.library.enroll;
  Display display = MakeDisplay(line.output);
  FillIn(options.from, line.output, display);
  const Result<EnrollReport> report = Enroll(options);
  display.Finish();
  if (!report) return Fail(report.error(), line.output.json, kEnrollSchema);
  return AnswerReport(*report, report->fingerprint.sha256 + "\n", line.output,
                      kDone);
}

int IdentifyCommand(const CommandLine& line) {
  IdentifyOptions options = line.library.identify;
  Display display = MakeDisplay(line.output);
  FillIn(options.from, line.output, display);
  const Result<IdentifyReport> report = Identify(options);
  display.Finish();
  if (!report) return Fail(report.error(), line.output.json, kIdentifySchema);
  return AnswerReport(*report,
                      (report->match ? report->match->name : "unknown") + "\n",
                      line.output, report->match ? kDone : kUndecided);
}

int LsCommand(const CommandLine& line) {
  LibraryOptions options = line.library.list;
  options.library = LibraryPath(options.library);
  const Result<LibraryReport> report = ListLibrary(options);
  if (!report) return Fail(report.error(), line.output.json, kLibrarySchema);
  std::string names;
  for (const auto& reference : report->references) {
    names += reference.name + "\n";
  }
  return AnswerReport(*report, std::move(names), line.output, kDone);
}

}  // namespace revlm::cli
