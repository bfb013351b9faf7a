#include "revlm/prompts.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/quote.h"
#include "challenge/taxonomy.h"
#include "run/orchestration.h"

namespace revlm {
namespace {

Status CheckNumber(int32_t num_prompts) {
  if (num_prompts >= 1 && num_prompts <= kMaxPrompts) return {};
  return base::MakeError(ErrorCode::kInvalidArgument,
                         "--challenges: found {}, allowed is 1 to {}",
                         num_prompts, kMaxPrompts);
}

PromptCoverage CoverageOf(const challenge::Orchestrator& orchestrator) {
  const challenge::Coverage touched = orchestrator.coverage();
  return {
      .num_leaves = static_cast<int64_t>(challenge::TaxonomyLeaves().size()),
      .num_leaves_touched = static_cast<int64_t>(touched.num_leaves),
      .num_classes = static_cast<int64_t>(challenge::Capabilities().size()),
      .num_classes_touched = static_cast<int64_t>(touched.num_capabilities)};
}

}  // namespace

Result<PromptsReport> MakePrompts(const PromptsOptions& options) {
  const int32_t most = options.num_prompts.value_or(
      options.id.empty() ? kDefaultPrompts : kMaxPrompts);
  REVLM_TRY(CheckNumber(most));
  REVLM_ASSIGN_OR_RETURN(
      challenge::Orchestrator orchestrator,
      run::MakeOrchestrator(options.orchestration, options.seed));
  const auto is_asked = [&](const challenge::Challenge& made) {
    return made.id == options.id;
  };
  // One that is looked for comes early, as a rule; and who stops waits for one
  // part.
  constexpr int32_t kPart = 500;
  const bool looks_for_one = !options.id.empty();
  std::vector<challenge::Challenge> all;
  for (int32_t left = most; left > 0;) {
    if (options.stop.stop_requested()) {
      return base::MakeError(ErrorCode::kCancelled,
                             "making prompts: stopped after {} of {}",
                             all.size(), most);
    }
    const int32_t count = std::min(left, kPart);
    REVLM_ASSIGN_OR_RETURN(std::vector<challenge::Challenge> made,
                           orchestrator.Next(static_cast<size_t>(count)));
    std::ranges::move(made, std::back_inserter(all));
    left -= count;
    if (!options.num_prompts && std::ranges::any_of(all, is_asked)) break;
  }
  PromptsReport report = {
      .seed = options.seed,
      .strategy = options.orchestration.strategy,
      .focus = options.orchestration.focus,
      .systems = run::ReportsOf(orchestrator, run::Told::kNothing),
      .prompts = {},
      .coverage = CoverageOf(orchestrator)};
  for (challenge::Challenge& made : all) {
    if (looks_for_one && !is_asked(made)) continue;
    report.prompts.push_back(run::FromChallenge(std::move(made)));
  }
  if (report.prompts.empty()) {
    return base::MakeError(
        ErrorCode::kNotFound,
        "explaining a prompt: found no {} among the first {} of seed {}; look "
        "at the ids that revlm prompts shows with the same options, or at the "
        "prompts.jsonl of the comparison that chose it",
        base::Quote(options.id), all.size(), options.seed);
  }
  return report;
}

}  // namespace revlm
