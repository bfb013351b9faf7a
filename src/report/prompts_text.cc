#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "report/text.h"
#include "revlm/report.h"

namespace revlm {
namespace {

using report::Column;
using report::Cut;
using report::Plural;

std::string ParametersText(const MadePrompt& prompt) {
  std::string text;
  for (const PromptParameter& parameter : prompt.parameters) {
    if (!text.empty()) text += ' ';
    text += parameter.name + '=' + parameter.value;
  }
  return text;
}

std::string Table(const PromptsReport& report, const TextStyle& style) {
  int32_t id_columns = 2;
  for (const MadePrompt& prompt : report.prompts) {
    id_columns = std::max(id_columns, report::Width(prompt.id));
  }
  const int32_t room = std::clamp(style.columns, 80, 200) - id_columns - 4;
  const int32_t parameter_columns = room * 2 / 5;
  const int32_t text_columns = room - parameter_columns;
  std::string table =
      fmt::format("\n{}  {}  PROMPT\n", Column("ID", id_columns, style.charset),
                  Column("PARAMETERS", parameter_columns, style.charset));
  for (const MadePrompt& prompt : report.prompts) {
    table += fmt::format(
        "{}  {}  {}\n", Column(prompt.id, id_columns, style.charset),
        Column(ParametersText(prompt), parameter_columns, style.charset),
        Cut(prompt.text, text_columns, style.charset));
  }
  return table;
}

std::string CoverageLine(const PromptCoverage& coverage) {
  return fmt::format(
      "covers  {} of {} leaves of the taxonomy, {} of {} capabilities\n",
      coverage.num_leaves_touched, coverage.num_leaves,
      coverage.num_classes_touched, coverage.num_classes);
}

}  // namespace

namespace report {

std::string SystemsLines(const std::vector<PromptSystemReport>& systems,
                         Charset charset) {
  std::string shares;
  std::string more;
  for (const PromptSystemReport& system : systems) {
    const std::string name = Printable(system.name, charset);
    shares += fmt::format("{}{} {}", shares.empty() ? "" : ", ", name,
                          system.num_prompts);
    if (!system.failure.empty()) {
      more += fmt::format("  {} failed, others took its share: {}\n", name,
                          Printable(system.failure, charset));
    }
    if (!system.remark.empty()) {
      more +=
          fmt::format("  {}: {}\n", name, Printable(system.remark, charset));
    }
  }
  return fmt::format("systems {}\n{}", shares, more);
}

}  // namespace report

std::string RenderText(const PromptsReport& report, const TextStyle& style) {
  return fmt::format("prompts {} of seed {}, strategy {}, focus {}\n",
                     report.prompts.size(), report.seed,
                     PromptStrategyName(report.strategy),
                     ChallengeFocusName(report.focus)) +
         report::SystemsLines(report.systems, style.charset) +
         CoverageLine(report.coverage) + Table(report, style);
}

std::string RenderExplanation(const PromptsReport& report,
                              const TextStyle& style) {
  std::string text;
  for (const MadePrompt& prompt : report.prompts) {
    text += fmt::format("{}\n", Printable(prompt.id, style.charset));
    text += fmt::format("  system     {}\n", prompt.system);
    text += fmt::format("  seed       {}, strategy {}, focus {}\n", report.seed,
                        PromptStrategyName(report.strategy),
                        ChallengeFocusName(report.focus));
    for (const PromptParameter& parameter : prompt.parameters) {
      text +=
          fmt::format("  {:<10} {}\n", Printable(parameter.name, style.charset),
                      Printable(parameter.value, style.charset));
    }
    text += fmt::format("  why        {}\n",
                        Printable(prompt.rationale, style.charset));
    text +=
        fmt::format("  text       {}\n", Printable(prompt.text, style.charset));
  }
  return text;
}

}  // namespace revlm
