#include <string>
#include <utility>

#include "report/json.h"
#include "revlm/report.h"
#include "run/op_record.h"
#include "run/orchestration.h"

namespace revlm {

std::string RenderJson(const PromptsReport& report, int exit_code) {
  base::Json document = report::Document(kPromptsSchema, exit_code);
  document["seed"] = report.seed;
  document["prompt_strategy"] = PromptStrategyName(report.strategy);
  document["challenge_focus"] = ChallengeFocusName(report.focus);
  document["prompt_systems"] = run::SystemsToJson(report.systems);
  document["coverage"] = {
      {"num_leaves", report.coverage.num_leaves},
      {"num_leaves_touched", report.coverage.num_leaves_touched},
      {"num_capabilities", report.coverage.num_classes},
      {"num_capabilities_touched", report.coverage.num_classes_touched}};
  document["prompts"] = base::Json::array();
  for (const MadePrompt& prompt : report.prompts) {
    document["prompts"].push_back(run::PromptToJson(prompt));
  }
  return run::ToLine(document);
}

}  // namespace revlm
