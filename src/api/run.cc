#include "revlm/run.h"

#include "base/clock.h"
#include "revlm/worker.h"
#include "run/run.h"

namespace revlm {

Result<RunSummary> Run(const RunOptions& options) {
  if (!options.worker_program.empty()) {
    return run::Execute(options, base::SystemClock());
  }
  RunOptions found = options;
  found.worker_program = FindWorkerProgram();
  return run::Execute(found, base::SystemClock());
}

}  // namespace revlm
