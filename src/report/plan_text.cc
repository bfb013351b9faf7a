#include <fmt/format.h>

#include <string>
#include <string_view>

#include "report/text.h"
#include "revlm/report.h"

namespace revlm {
namespace {

constexpr size_t kBarColumns = 30;

// A line of the account: name, bytes, and its share of the limit as a bar.
std::string Account(std::string_view name, uint64_t bytes, uint64_t limit_bytes,
                    std::string_view note = "") {
  const double share = limit_bytes == 0 ? 0
                                        : static_cast<double>(bytes) /
                                              static_cast<double>(limit_bytes);
  const size_t filled =
      static_cast<size_t>(share * static_cast<double>(kBarColumns) + 0.5);
  std::string line = fmt::format(
      "  {:<16} {:>10}  {:<{}}  {}", name, FormatBytes(bytes),
      std::string(std::min(filled, kBarColumns), '#'), kBarColumns, note);
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

// "at once 1: about 3.2 s, 2: about 1.7 s", or nothing.
std::string AtOnceLine(const PlanReport& report) {
  std::string line;
  for (const AtOnceChoice& choice : report.at_once) {
    line +=
        fmt::format("{}{}: about {:.3g} s", line.empty() ? "at once " : ", ",
                    choice.num_workers, choice.seconds);
  }
  return line.empty() ? "" : line + "\n";
}

std::string ModelText(const ModelPlan& plan, const PlanReport& report,
                      Charset charset) {
  const uint64_t limit = report.limit_bytes;
  std::string text = fmt::format(
      "\n{}  {} weights, {} by {}\n", Printable(plan.alias, charset),
      FormatBytes(plan.weight_bytes),
      plan.num_pinned_slabs == plan.num_slabs ? "kept in memory, computed"
                                              : "streamed, computed",
      plan.compute);
  text += Account("program", plan.program_bytes, limit,
                  "code, tokenizer, prompts, results");
  if (plan.ring_bytes > 0) {
    text +=
        Account("slab ring", plan.ring_bytes, limit,
                fmt::format("{} slabs of {}", plan.ring_bytes / plan.slab_bytes,
                            FormatBytes(plan.slab_bytes)));
  }
  text +=
      Account("pinned slabs", plan.pinned_bytes, limit,
              fmt::format("{} of {}", plan.num_pinned_slabs, plan.num_slabs));
  text += Account("activations", plan.activation_bytes, limit,
                  fmt::format("{} rows in a pass", plan.rows_per_pass));
  text +=
      Account("keys and values", plan.kv_bytes, limit,
              fmt::format("{} sequences together", plan.sequences_per_group));
  if (plan.spilled_bytes > 0) {
    text += fmt::format("  {:<16} {:>10}  on disk beside the run\n", "spilled",
                        FormatBytes(plan.spilled_bytes));
  }
  text += Account("scratch", plan.scratch_bytes + plan.result_bytes, limit);
  text += fmt::format(
      "  {} passes over the weights in {} groups, about {:.3g} s at {:.3g} "
      "GB/s and {:.3g} GFLOP/s\n",
      plan.num_passes, plan.num_groups, plan.seconds,
      plan.read_bytes_per_second * 1e-9, plan.flops_per_second * 1e-9);
  return text;
}

}  // namespace

std::string RenderText(const PlanReport& report, const TextStyle& style) {
  std::string text;
  if (!report.limit_notice.empty()) text += report.limit_notice + "\n";
  text += fmt::format("limit   {} ({} bytes)\n",
                      FormatBytes(report.limit_bytes), report.limit_bytes);
  text += fmt::format("floor   {} ({} bytes)\n",
                      FormatBytes(report.floor_bytes), report.floor_bytes);
  text +=
      "plan    " +
      report::PlanLine(static_cast<int64_t>(report.models.size()),
                       report.num_prompts, report.num_operations, report.mode) +
      "\n";
  text += fmt::format("planned {} at the most, about {:.3g} s\n",
                      FormatBytes(report.peak_bytes), report.seconds);
  if (report.models.size() > 1) {
    text += fmt::format("models  {}, {} at once ({} would be allowed)\n",
                        report.models.size(), report.num_workers,
                        report.max_models_at_once);
    text += AtOnceLine(report);
  }
  for (const ModelPlan& plan : report.models) {
    text += ModelText(plan, report, style.charset);
  }
  return text;
}

}  // namespace revlm
