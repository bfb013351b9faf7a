// Where a run is: what it has done, at what speed, in how much memory.
//
//   revlm::Result<revlm::RunStatus> status = revlm::ReadRunStatus({"latest"});
//
// A run takes a sample of itself about once a second, tells it with its events
// (revlm/event.h) and keeps it in metrics.jsonl (docs/formats/metrics.md),
// where any other process reads it, while the run goes on and afterwards.
//
// Threads: any. Memory: a few KiB, and some hundred bytes for each model.
// Errors: kNotFound (no such directory), kInvalidArgument (not a run's),
// kCorrupt (its manifest), kUnavailable (I/O).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "revlm/error.h"

namespace revlm {

enum class RunState {
  kNotBegun,  // no manifest yet
  kRunning,
  kFinished,
  kStopped,  // before it was complete, and says why; resumable
  kKilled,   // ended without a word; resumable
};

// "not_begun", "running", "finished", "stopped", "killed".
std::string_view RunStateName(RunState state);

struct ModelStatus {
  std::string alias;
  std::string state;        // "waiting", "running" or "done"
  int64_t num_planned = 0;  // operations
  int64_t num_done = 0;     // of them, with failed ones and earlier starts'
  int64_t num_failed = 0;
  int64_t num_retried =
      0;  // in this start: attempts after an operation's first
  // Of this start: finished operations for each second that the model was at
  // work, and how long they took from when the model was given them.
  double operations_per_second = 0;
  double p50_seconds = 0;
  double p95_seconds = 0;
  std::string breaker;        // "closed", "open", "half_open"; empty: none
  uint64_t memory_bytes = 0;  // of its worker process; 0: none
};

struct RunStatus {
  std::string run_dir;
  RunState state = RunState::kNotBegun;
  std::string stopped_by;  // why, when stopped
  std::string started;     // this start; RFC 3339. Empty: no sample was kept
  std::string time;        // of the sample
  double seconds = 0;      // from `started` to `time`

  int64_t num_planned = 0;  // operations of all models
  int64_t num_done = 0;
  int64_t num_failed = 0;
  int64_t num_retried = 0;
  int64_t num_resumed = 0;           // done by earlier starts
  double operations_per_second = 0;  // of this start

  uint64_t memory_limit_bytes = 0;
  uint64_t memory_reserve_bytes = 0;  // of the limit, never planned with
  uint64_t planned_bytes = 0;         // the peak of the models run so far
  uint64_t held_bytes = 0;  // by this process, and leased to workers now
  // In use, of this process and its descendants, as PSS: what is their own, and
  // their share of files that are mapped.
  uint64_t private_bytes = 0;
  uint64_t mapped_bytes = 0;
  double cpu_percent = 0;   // 100: one CPU, since the sample before
  int32_t num_workers = 0;  // processes

  std::vector<ModelStatus> models;
  std::string last_time;     // of the last event worth telling
  std::string last_message;  // empty: none
};

struct StatusOptions {
  // A run's directory; "latest": the one that `runs_dir`/latest leads to,
  // unless there is a directory of this name.
  std::string run = "latest";
  std::string runs_dir = "rev-runs";
};

Result<RunStatus> ReadRunStatus(const StatusOptions& options);

}  // namespace revlm
