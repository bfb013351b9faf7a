#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "report/text.h"
#include "revlm/report.h"

namespace revlm {
namespace {

using report::Column;
using report::Plural;

std::string Paint(std::string_view text, std::string_view code,
                  const TextStyle& style) {
  if (style.color == Color::kNever) return std::string(text);
  return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

std::string ModelLine(const ModelSummary& model, const TextStyle& style) {
  if (model.directory.empty()) {
    return fmt::format("model   {}  cannot be opened\n", model.alias);
  }
  std::string line = fmt::format("model   {}  {}, {}, {}, {}, {}", model.alias,
                                 model.commit.empty()
                                     ? "HF directory"
                                     : "HF cache " + model.commit.substr(0, 7),
                                 Printable(model.model_type, style.charset),
                                 report::FormatCount(model.num_parameters),
                                 model.dtype, FormatBytes(model.weight_bytes));
  if (!model.tensor_root.empty()) {
    line += ", sha256 " + report::ShortDigest(model.tensor_root);
  }
  return line + "\n";
}

std::string OutcomeLine(const RunSummary& summary, const TextStyle& style) {
  std::string line;
  if (summary.stopped_by) {
    line = Paint("RUN STOPPED", "1;33", style);
  } else if (summary.num_failed > 0) {
    line = Paint("RUN FAILED", "1;31", style);
  } else {
    line = Paint("RUN OK", "1;32", style);
  }
  line += fmt::format("  {} of {}, {} failed", summary.num_finished,
                      Plural(summary.num_operations, "operation"),
                      summary.num_failed);
  const int64_t num_run = summary.num_finished - summary.num_resumed;
  if (summary.num_retried > 0) {
    line += fmt::format(", {} retried", summary.num_retried);
  }
  if (summary.num_resumed > 0) {
    line += fmt::format(", {} from an earlier start", summary.num_resumed);
  }
  if (num_run > 0 && summary.seconds > 0) {
    line +=
        fmt::format(", {}, {:.1f} op/s", report::FormatSeconds(summary.seconds),
                    static_cast<double>(num_run) / summary.seconds);
  }
  return line +
         fmt::format(", peak {}\n", FormatBytes(summary.peak_memory_bytes));
}

// The mean over the new tokens: how sure the model was of what it wrote.
std::string MeanLogprob(const OperationResult& result) {
  if (result.tokens.empty()) return "-";
  double sum = 0;
  for (const TokenResult& token : result.tokens) sum += token.logprob;
  return fmt::format("{:.2f}", sum / static_cast<double>(result.tokens.size()));
}

std::string ResultTable(const RunSummary& summary, const TextStyle& style) {
  constexpr int32_t kLogprobColumns = 8;
  const int32_t room = std::clamp(style.columns, 60, 160) - kLogprobColumns - 6;
  const int32_t prompt_columns = room * 2 / 5;
  const int32_t text_columns = room - prompt_columns;
  std::string table;
  std::string_view model;
  for (const OperationResult& result : summary.results) {
    if (result.error) continue;
    if (result.model != model) {
      model = result.model;
      const std::string heading = summary.models.size() > 1
                                      ? "PROMPT (" + result.model + ")"
                                      : std::string("PROMPT");
      table += fmt::format("\n  {}  {}  {:>{}}\n",
                           Column(heading, prompt_columns, style.charset),
                           Column("CONTINUATION", text_columns, style.charset),
                           "LOGP/TOK", kLogprobColumns);
    }
    table += fmt::format("  {}  {}  {:>{}}\n",
                         Column(result.prompt, prompt_columns, style.charset),
                         Column(result.text, text_columns, style.charset),
                         MeanLogprob(result), kLogprobColumns);
  }
  return table;
}

// Failures of the same message together: "17 operations failed: ...".
std::string FailureLines(const RunSummary& summary, const TextStyle& style) {
  std::vector<std::pair<std::string_view, int64_t>> groups;
  for (const OperationResult& result : summary.results) {
    if (!result.error) continue;
    const std::string_view message = result.error->message;
    const auto group =
        std::find_if(groups.begin(), groups.end(),
                     [&](const auto& other) { return other.first == message; });
    if (group == groups.end()) {
      groups.emplace_back(message, 1);
    } else {
      ++group->second;
    }
  }
  constexpr size_t kMaxGroups = 5;
  std::string lines;
  for (size_t i = 0; i < std::min(groups.size(), kMaxGroups); ++i) {
    lines +=
        fmt::format("  {} failed: {}\n", Plural(groups[i].second, "operation"),
                    Printable(groups[i].first, style.charset));
  }
  if (groups.size() > kMaxGroups) {
    lines += fmt::format("  and {} other errors: see results.jsonl\n",
                         groups.size() - kMaxGroups);
  }
  return lines;
}

}  // namespace

std::string RenderText(const RunSummary& summary, const TextStyle& style) {
  std::string text;
  for (const ModelSummary& model : summary.models) {
    text += ModelLine(model, style);
  }
  text += "plan    " +
          report::PlanLine(static_cast<int64_t>(summary.models.size()),
                           summary.num_prompts, summary.num_operations,
                           summary.mode) +
          "\n";
  if (!summary.prompt_systems.empty()) {
    text += report::SystemsLines(summary.prompt_systems, style.charset);
  }
  text += OutcomeLine(summary, style);
  text += FailureLines(summary, style);
  text +=
      fmt::format("  {}  {}/{}\n", summary.stopped_by ? "kept   " : "results",
                  Printable(summary.run_dir, style.charset),
                  summary.stopped_by ? "ops.jsonl" : "results.jsonl");
  if (!summary.stopped_by && summary.num_operations <= kMaxTableRows) {
    text += ResultTable(summary, style);
  }
  return text;
}

}  // namespace revlm
