#include "revlm/plan.h"

#include "run/run.h"

namespace revlm {

Result<PlanReport> Plan(const RunOptions& options) {
  return run::MakePlanReport(options);
}

}  // namespace revlm
