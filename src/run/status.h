// Where the run in a directory is, for whoever only looks at it.
//
// Read from the manifest, the last sample in metrics.jsonl and the lock on
// ops.jsonl, which is asked about and never taken. A run that was killed, or
// whose samples are lost, has its operations counted in ops.jsonl instead.
//
// Threads: any. Errors: those of revlm/status.h.
#pragma once

#include <string>

#include "base/error.h"
#include "revlm/status.h"

namespace revlm::run {

Result<RunStatus> ReadStatus(const std::string& run_dir);

}  // namespace revlm::run
