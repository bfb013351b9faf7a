#include "run/run.h"

#include "base/clock.h"
#include "revlm/run.h"

namespace revlm {

Result<RunSummary> Run(const RunOptions& options) {
  return run::Execute(options, base::SystemClock());
}

}  // namespace revlm
