// Counts what a run does and takes samples of it: the status that events carry,
// a line of metrics.jsonl, and metrics.prom.
//
// No thread of its own: whoever runs the run calls `Tick` whenever something
// happened and twice a second while nothing does, which samples when a second
// has passed. Memory is measured less often where that takes long: at most a
// hundredth of the time is spent on it.
//
// Metrics are beside the results: what cannot be written is told once, and the
// run goes on.
//
// Threads: thread-confined. Lifetime: borrows the clock. Memory: `HeapBytes`.
// Errors: none; see `Notice`.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "engine/engine.h"
#include "revlm/status.h"
#include "run/latencies.h"
#include "run/metrics_log.h"

namespace revlm::run {

inline constexpr char kPrometheusName[] = "metrics.prom";

class Metrics {
 public:
  using Notice = std::function<void(std::string message)>;

  // The most of the heap that it takes for so many models, with the samples and
  // the text that it makes.
  static uint64_t HeapBytes(size_t num_models);

  // `status`: run_dir, limits, and of each model what is planned and what
  // earlier starts did. `program_bytes`: what this process holds. Does nothing
  // yet.
  Metrics(RunStatus status, uint64_t program_bytes, const base::Clock& clock,
          Notice notice);

  // Worker `pid`, which holds `lease_bytes`, begins to work on the model.
  void Begin(const std::string& alias, int32_t pid, uint64_t lease_bytes);
  // What its engine planned with, until the worker ends.
  void SetPlan(const std::string& alias, const engine::MemoryUse& use);
  // The model's worker is no more.
  void Leave(const std::string& alias);
  // One of its operations has finished, failed when `error` says why.
  void Finish(const std::string& alias, const std::optional<Error>& error);
  // After `error`, so many of its operations are tried again; none: only its
  // worker is.
  void Retry(const std::string& alias, const Error& error,
             size_t num_operations);
  // "closed", "open" or "half_open".
  void SetBreaker(const std::string& alias, std::string_view state);
  void SetPlanned(uint64_t planned_bytes) {
    status_.planned_bytes = planned_bytes;
  }
  // Something the user is told.
  void Note(std::string message);

  // Takes a sample when one is due; true when it did.
  bool Tick();
  // The last sample; writes everything.
  void End(RunState state, const std::optional<Error>& stopped_by);

  // Null before the first sample.
  const std::shared_ptr<const RunStatus>& latest() const { return latest_; }

  // What is planned, held and in use, in one line.
  std::string MemoryLine() const;

 private:
  struct Work {
    std::optional<std::chrono::nanoseconds> began;  // while it runs
    double seconds = 0;        // at work in this start, before `began`
    int64_t num_finished = 0;  // by this start
    int32_t pid = 0;           // of its worker; 0: none
    uint64_t lease_bytes = 0;
    engine::MemoryUse use;
    Latencies latencies;
  };

  size_t IndexOf(const std::string& alias) const;
  double SecondsSince(std::chrono::nanoseconds moment) const;
  void Pause(Work& work) const;
  uint64_t LeasedBytes() const;
  void Sample();
  void MeasureMemory();
  void SumUp();
  void WritePrometheus();
  void Complain(const Error& error);

  const uint64_t program_bytes_;
  const base::Clock& clock_;
  const Notice notice_;
  const std::chrono::nanoseconds started_;
  MetricsLog log_;
  RunStatus status_;
  std::vector<Work> work_;  // of status_.models
  std::map<std::string, size_t> index_of_;
  std::map<std::string, int64_t> retries_;  // by error
  std::shared_ptr<const RunStatus> latest_;

  std::optional<std::chrono::nanoseconds> sampled_;
  std::optional<std::chrono::nanoseconds> exported_;
  std::optional<std::chrono::nanoseconds> measured_;
  std::chrono::nanoseconds measure_pause_{0};
  double cpu_seconds_ = 0;  // when `measured_`
  bool has_complained_ = false;
};

}  // namespace revlm::run
