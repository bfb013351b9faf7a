#include "cli/commands.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "cli/display.h"
#include "cli/exit_code.h"
#include "cli/keys.h"
#include "cli/monitor.h"
#include "cli/signals.h"
#include "cli/streams.h"
#include "cli/terminal.h"
#include "revlm/inspect.h"
#include "revlm/plan.h"
#include "revlm/report.h"
#include "revlm/run.h"
#include "revlm/worker.h"

namespace revlm::cli {
namespace {

// Many lines would tear the screen: with --debug it is lines only.
Monitor MakeMonitor(const OutputOptions& output, int fd) {
  DisplayMode mode = ChooseDisplay(output.display, output.quiet, fd);
  if (mode == DisplayMode::kBar && output.debug) mode = DisplayMode::kPlain;
  const bool allow_color = !output.no_color;
  return Monitor(
      mode, [fd, allow_color] { return StyleOf(fd, allow_color); },
      fd == STDOUT_FILENO ? WriteAtOnce : Say);
}

void SayStopped(const RunSummary& summary) {
  SayError(*summary.stopped_by);
  Say(fmt::format(
      "revlm: {} of {} operations are kept in {}; the same command resumes\n",
      summary.num_finished, summary.num_operations,
      Printable(summary.run_dir, LocaleCharset())));
}

}  // namespace

int RunCommand(const CommandLine& line) {
  RunOptions options = line.run;
  options.worker_program = FindWorkerProgram();
  if (!line.output.json) options.max_summary_results = kMaxTableRows;
  Display display = MakeDisplay(line.output);
  Monitor monitor = MakeMonitor(line.output, STDERR_FILENO);
  options.environment = ReadEnvironment();
  options.drain = SignalDrain();
  options.stop = SignalStop();
  options.on_event = [&](RunEvent event) {
    if (line.has_monitor && event.status) monitor.Show(*event.status);
    if (!IsWanted(event, line.output)) return;
    if (event.kind == RunEvent::Kind::kDraining) {
      event.message += "; a second Ctrl-C stops at once";
    }
    if (!line.has_monitor) {
      display.Show(event);
    } else if (event.kind != RunEvent::Kind::kProgress) {
      monitor.Say(event.message);
    }
  };
  const Result<RunSummary> summary = Run(options);
  display.Finish();
  monitor.Finish();
  if (!summary) return Fail(summary.error(), line.output.json, kRunSchema);
  const int exit_code = ExitCode(*summary, StopSignal());
  if (summary->stopped_by) SayStopped(*summary);
  if (line.output.json) {
    RenderJson(*summary, exit_code, Write);
    return Answer("", exit_code);
  }
  if (line.output.quiet) return Answer(summary->run_dir + "\n", exit_code);
  return Answer(
      RenderText(*summary, StyleOf(STDOUT_FILENO, !line.output.no_color)),
      exit_code);
}

int PlanCommand(const CommandLine& line) {
  RunOptions options = line.run;
  options.worker_program = FindWorkerProgram();
  options.environment = ReadEnvironment();
  options.stop = SignalStop();
  const Result<PlanReport> report = Plan(options);
  if (!report) return Fail(report.error(), line.output.json, kPlanSchema);
  if (line.output.json) return Answer(RenderJson(*report, kDone), kDone);
  if (line.output.quiet) {
    return Answer(fmt::format("{}\n", report->floor_bytes), kDone);
  }
  return Answer(
      RenderText(*report, StyleOf(STDOUT_FILENO, !line.output.no_color)),
      kDone);
}

int InspectCommand(const CommandLine& line) {
  InspectOptions options = line.inspect;
  Display display = MakeDisplay(line.output);
  options.environment = ReadEnvironment();
  options.stop = SignalStop();
  options.on_event = ShowOn(display, line.output);
  const Result<InspectReport> report = Inspect(options);
  display.Finish();
  if (!report) return Fail(report.error(), line.output.json, kInspectSchema);
  if (line.output.json) return Answer(RenderJson(*report, kDone), kDone);
  if (line.output.quiet) return Answer(report->directory + "\n", kDone);
  return Answer(
      RenderText(*report, StyleOf(STDOUT_FILENO, !line.output.no_color)),
      kDone);
}

int MonitorCommand(const CommandLine& line) {
  Monitor monitor = MakeMonitor(line.output, STDOUT_FILENO);
  Keys keys;
  while (true) {
    const Result<RunStatus> status = ReadRunStatus(line.status);
    if (!status) {
      monitor.Finish();
      return Fail(status.error(), line.output.json, kMonitorSchema);
    }
    if (line.output.json) return Answer(RenderJson(*status, kDone), kDone);
    if (line.once || line.output.quiet) {
      return Answer(line.output.quiet
                        ? status->run_dir + "\n"
                        : RenderText(*status, StyleOf(STDOUT_FILENO,
                                                      !line.output.no_color)),
                    kDone);
    }
    monitor.Show(*status);
    const bool goes_on = status->state == RunState::kRunning ||
                         status->state == RunState::kNotBegun;
    if (!goes_on || std::ferror(stdout) != 0) break;
    if (keys.WaitForQuit(std::chrono::seconds(1), SignalStop())) break;
  }
  monitor.Finish();
  return Answer("", StopSignal() == 0 ? kDone : 128 + StopSignal());
}

}  // namespace revlm::cli
