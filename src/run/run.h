// Carries out a run: preparation, directory, then model after model, each
// operation journaled as it finishes; or only says how it would go. The
// contracts are those of revlm::Run (revlm/run.h) and revlm::Plan
// (revlm/plan.h).
#pragma once

#include "base/clock.h"
#include "base/error.h"
#include "revlm/plan.h"
#include "revlm/run.h"

namespace revlm::run {

Result<RunSummary> Execute(const RunOptions& options, const base::Clock& clock);

Result<PlanReport> MakePlanReport(const RunOptions& options);

}  // namespace revlm::run
