#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "report/text.h"
#include "revlm/report.h"
#include "revlm/status.h"

namespace revlm {
namespace {

constexpr int32_t kMinColumns = 3;  // an ellipsis
constexpr int32_t kMaxColumns = 80;
constexpr int32_t kMaxRows = 24;
constexpr int32_t kLeastModelColumns = 8;
constexpr size_t kBarCells = 12;

// 0.42, 4.2, 42: three digits at most, unless it is larger.
std::string Short(double number) {
  return fmt::format("{:.{}f}", number, number < 1 ? 2 : number < 100 ? 1 : 0);
}

std::string Clock(double seconds) {
  const auto whole = static_cast<int64_t>(seconds);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60,
                     whole % 60);
}

std::string_view StateWord(RunState state) {
  return state == RunState::kNotBegun ? "has not begun" : RunStateName(state);
}

std::string_view StateColor(RunState state) {
  switch (state) {
    case RunState::kRunning:
    case RunState::kFinished:
      return "1;32";
    case RunState::kKilled:
      return "1;31";
    case RunState::kNotBegun:
    case RunState::kStopped:
      return "1;33";
  }
  return "0";
}

std::string Name(const RunStatus& status) {
  return status.run_dir.substr(status.run_dir.rfind('/') + 1);
}

// What is left, at the speed of this start.
std::string TimeLeft(const RunStatus& status) {
  const int64_t num_left = status.num_planned - status.num_done;
  if (status.state != RunState::kRunning || num_left <= 0 ||
      status.operations_per_second <= 0) {
    return "";
  }
  return fmt::format("  {} left", Clock(static_cast<double>(num_left) /
                                        status.operations_per_second));
}

std::string MemoryBar(const RunStatus& status) {
  const double share =
      status.memory_limit_bytes == 0
          ? 0
          : static_cast<double>(status.private_bytes + status.mapped_bytes) /
                static_cast<double>(status.memory_limit_bytes);
  const auto filled = static_cast<size_t>(
      std::clamp(share, 0.0, 1.0) * static_cast<double>(kBarCells) + 0.5);
  return fmt::format("[{}{}]", std::string(filled, '#'),
                     std::string(kBarCells - filled, '.'));
}

using Row = std::array<std::string, 9>;

const Row kHeadings = {"MODEL", "STATE", "DONE",    "op/s",  "p50/p95 s",
                       "RETRY", "FAIL",  "BREAKER", "MEMORY"};

Row RowOf(const ModelStatus& model, Charset charset) {
  const bool has_times = model.p95_seconds > 0;
  return {Printable(model.alias, charset),
          Printable(model.state, charset),
          fmt::format("{}/{}", model.num_done, model.num_planned),
          model.operations_per_second > 0 ? Short(model.operations_per_second)
                                          : "-",
          has_times ? Short(model.p50_seconds) + "/" + Short(model.p95_seconds)
                    : "-",
          std::to_string(model.num_retried),
          std::to_string(model.num_failed),
          model.breaker.empty() ? "-" : Printable(model.breaker, charset),
          model.memory_bytes == 0 ? "-" : FormatBytes(model.memory_bytes)};
}

// The models that there is room for: those at work, then those to come.
std::vector<const ModelStatus*> Choose(const RunStatus& status,
                                       size_t num_rows) {
  std::vector<const ModelStatus*> models;
  for (const ModelStatus& model : status.models) models.push_back(&model);
  if (models.size() <= num_rows) return models;
  const auto rank = [](const ModelStatus* model) {
    return model->state == "running" ? 0 : model->state == "done" ? 2 : 1;
  };
  std::ranges::stable_sort(models, {}, rank);
  models.resize(num_rows);
  return models;
}

std::string RestLine(const RunStatus& status,
                     const std::vector<const ModelStatus*>& shown) {
  int64_t num_planned = status.num_planned;
  int64_t num_done = status.num_done;
  for (const ModelStatus* model : shown) {
    num_planned -= model->num_planned;
    num_done -= model->num_done;
  }
  return fmt::format(
      "and {}: {}/{} done",
      report::Plural(static_cast<int64_t>(status.models.size() - shown.size()),
                     "other model"),
      num_done, num_planned);
}

// Columns as wide as what is in them; the first takes what is left.
std::vector<std::string> Table(const std::vector<const ModelStatus*>& models,
                               int32_t columns, Charset charset) {
  std::vector<Row> rows = {kHeadings};
  for (const ModelStatus* model : models) {
    rows.push_back(RowOf(*model, charset));
  }
  std::array<int32_t, kHeadings.size()> widths = {};
  int32_t taken = 0;
  for (size_t i = 0; i < widths.size(); ++i) {
    for (const Row& row : rows) {
      widths[i] = std::max(widths[i], report::Width(row[i]));
    }
    if (i > 0) taken += widths[i] + 2;
  }
  widths[0] =
      std::max(std::min(widths[0], columns - taken), kLeastModelColumns);
  std::vector<std::string> lines;
  for (const Row& row : rows) {
    std::string line = report::Column(row[0], widths[0], charset);
    for (size_t i = 1; i < row.size(); ++i) {
      const bool is_text = i == 1 || i == 7;  // state, breaker
      line += is_text ? fmt::format("  {:<{}}", row[i], widths[i])
                      : fmt::format("  {:>{}}", row[i], widths[i]);
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

std::string LastLine(const RunStatus& status) {
  // 2026-11-23T03:01:40Z: the time of day.
  const std::string time =
      status.last_time.size() == 20 ? status.last_time.substr(11, 8) : "";
  return fmt::format("last    {} {}", time, status.last_message);
}

// Which run, where it is, how long, how far.
std::string HeadLine(const RunStatus& status, const TextStyle& style,
                     int32_t columns) {
  const std::string name =
      fmt::format("REV {}  ", Printable(Name(status), style.charset));
  const std::string_view state = StateWord(status.state);
  std::string line = name + std::string(state);
  if (!status.models.empty()) {
    line += fmt::format(" {}  {}/{} done", Clock(status.seconds),
                        status.num_done, status.num_planned);
  }
  if (status.operations_per_second > 0) {
    line += fmt::format("  {} op/s", Short(status.operations_per_second));
  }
  line = report::Cut(line + TimeLeft(status), columns, style.charset);
  if (style.color == Color::kNever ||
      line.size() < name.size() + state.size()) {
    return line;
  }
  line.insert(name.size() + state.size(), "\x1b[0m");
  line.insert(name.size(), fmt::format("\x1b[{}m", StateColor(status.state)));
  return line;
}

std::vector<std::string> MemoryLines(const RunStatus& status) {
  return {fmt::format("memory  {} {} of {}  private {}  mapped {}",
                      MemoryBar(status),
                      FormatBytes(status.private_bytes + status.mapped_bytes),
                      FormatBytes(status.memory_limit_bytes),
                      FormatBytes(status.private_bytes),
                      FormatBytes(status.mapped_bytes)),
          fmt::format("        planned {}  held {}  reserve {}  workers {}  "
                      "cpu {:.0f} %",
                      FormatBytes(status.planned_bytes),
                      FormatBytes(status.held_bytes),
                      FormatBytes(status.memory_reserve_bytes),
                      status.num_workers, status.cpu_percent)};
}

// What comes below the table.
std::vector<std::string> Remarks(const RunStatus& status) {
  std::vector<std::string> lines;
  if (!status.last_message.empty()) lines.push_back(LastLine(status));
  switch (status.state) {
    case RunState::kNotBegun:
      lines.emplace_back("there is no manifest.json in its directory yet");
      break;
    case RunState::kRunning:
    case RunState::kFinished:
      break;
    case RunState::kStopped:
      lines.push_back("stopped " + status.stopped_by);
      lines.emplace_back("the same command resumes it");
      break;
    case RunState::kKilled:
      lines.emplace_back(
          "it ended without a word; the same command resumes it");
      break;
  }
  return lines;
}

}  // namespace

std::string RenderText(const RunStatus& status, const TextStyle& style) {
  const int32_t columns = std::clamp(style.columns, kMinColumns, kMaxColumns);
  // On the last row, the cursor waits.
  const auto num_rows =
      static_cast<size_t>(std::clamp(style.rows, 2, kMaxRows) - 1);
  std::vector<std::string> lines;
  const auto add = [&](const std::vector<std::string>& more) {
    for (const std::string& line : more) {
      lines.push_back(report::Cut(line, columns, style.charset));
    }
  };
  if (!status.time.empty()) add(MemoryLines(status));
  const std::vector<std::string> remarks = Remarks(status);
  const size_t num_taken = 1 + lines.size() + remarks.size() + 1;
  const size_t num_left = num_rows - std::min(num_rows, num_taken);
  if (!status.models.empty() && num_left > 0) {
    const bool all_fit = status.models.size() <= num_left;
    const std::vector<const ModelStatus*> shown =
        Choose(status, all_fit ? num_left : num_left - 1);
    add(Table(shown, columns, style.charset));
    if (!all_fit) add({RestLine(status, shown)});
  }
  add(remarks);
  lines.resize(std::min(lines.size(), num_rows - 1));
  std::string text = HeadLine(status, style, columns) + "\n";
  for (std::string& line : lines) {
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string RenderLine(const RunStatus& status, Charset charset) {
  std::string line = fmt::format(
      "{}: {}, {} of {}, {} failed, {} retried",
      Printable(Name(status), charset), StateWord(status.state),
      status.num_done, report::Plural(status.num_planned, "operation"),
      status.num_failed, status.num_retried);
  if (status.operations_per_second > 0) {
    line += fmt::format(", {} op/s", Short(status.operations_per_second));
  }
  if (!status.time.empty()) {
    line += fmt::format(", memory {} of {}, {}",
                        FormatBytes(status.private_bytes + status.mapped_bytes),
                        FormatBytes(status.memory_limit_bytes),
                        Clock(status.seconds));
  }
  if (!status.stopped_by.empty()) {
    line += ", " + Printable(status.stopped_by, charset);
  }
  return line + "\n";
}

}  // namespace revlm
