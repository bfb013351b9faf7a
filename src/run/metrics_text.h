// A sample of a run as text: a line of metrics.jsonl, which reads back, and
// metrics.prom for Prometheus (docs/formats/metrics.md).
//
// Threads: pure functions. Memory: of the text. Errors: kCorrupt.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json.h"
#include "revlm/status.h"
#include "run/latencies.h"

namespace revlm::run {

base::Json StatusToJson(const RunStatus& status);

// One line with its line end, and what is in it. `run_dir` is not.
std::string StatusToLine(const RunStatus& status);
Result<RunStatus> StatusFromLine(std::string_view line,
                                 const std::string& source);

// `latencies` are those of `status.models`, in their order; `retries` counts by
// the error that they followed.
std::string StatusToPrometheus(const RunStatus& status,
                               std::span<const Latencies> latencies,
                               const std::map<std::string, int64_t>& retries);

}  // namespace revlm::run
