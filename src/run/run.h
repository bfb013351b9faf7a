// Carries out a run: preparation, directory, then model after model, each
// operation journaled as it finishes. The contract is that of revlm::Run
// (revlm/run.h).
#pragma once

#include "base/clock.h"
#include "base/error.h"
#include "revlm/run.h"

namespace revlm::run {

Result<RunSummary> Execute(const RunOptions& options, const base::Clock& clock);

}  // namespace revlm::run
