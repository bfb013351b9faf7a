// The prompt systems (challenge/orchestrator.h) as options and summaries name
// them (revlm/prompts.h).
//
// Threads: pure functions. Errors: kInvalidArgument.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "challenge/orchestrator.h"
#include "revlm/prompts.h"

namespace revlm::run {

// One that has given nothing yet; `seed` is that of `--seed`.
Result<challenge::Orchestrator> MakeOrchestrator(
    const PromptOrchestration& orchestration, uint64_t seed);

// Whether the systems were told what their prompts brought.
enum class Told { kNothing, kOutcomes };

// What became of each system's share so far.
std::vector<PromptSystemReport> ReportsOf(
    const challenge::Orchestrator& orchestrator, Told told);

MadePrompt FromChallenge(challenge::Challenge made);

// {"id", "prompt"}, and of one that a system made "system", "parameters" (an
// object) and "rationale".
base::Json PromptToJson(const MadePrompt& prompt);

// Each as {"name", "share", "num_prompts", "failure", "remark"}.
base::Json SystemsToJson(const std::vector<PromptSystemReport>& systems);

// One sentence for each system that failed.
std::vector<std::string> FailureNotices(
    const std::vector<PromptSystemReport>& systems);

}  // namespace revlm::run
