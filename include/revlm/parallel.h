// The API of the parallel guide: executors that put prompts to models inside a
// memory configuration, on top of revlm::Run.
//
//   auto executor = revlm::ParallelExecutor::Create({});
//   auto results = executor->ProcessPromptsParallel("./my-model", {"Hello"});
//
// There is one result for each operation, in the order of models, then prompts.
// An operation that failed, or that a stop or a full disk left undone, is a
// result with its `error`; none is ever missing.
//
// Each call is a run with a directory (docs/formats/run-directory.md):
// `output_dir` when given, else one in `runs_dir`. A call that was stopped or
// killed goes on where it was when made again.
//
// Threads: any. An executor works on one call at a time, as each is planned
// with all the memory there is; others wait in turn. Two executors do not know
// of each other: their limits add up. A process that is forked from an
// executor's own cannot use it, but end without it: Process refuses, Shutdown
// does nothing. Lifetime: an executor outlives its calls.
// Memory: the total limit less the buffer, for this process and its workers, as
// revlm::Run. Errors: those of revlm::Run, and kInvalidArgument (memory
// configuration, executor shut down). Determinism: that of revlm::Run.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "revlm/error.h"
#include "revlm/memory.h"
#include "revlm/run.h"

namespace revlm {

struct ExecutorOptions {
  MemoryConfig memory;
  // What else there is to say of every run: what is asked, workers and retries,
  // its directory, the environment, events, a stop, a drain. Models, prompts,
  // mode, batch size and memory are set by each call.
  RunOptions run;
};

// What one call asks for.
struct Batch {
  std::vector<std::string> models;  // references
  std::vector<std::string> prompts;
  Mode mode = Mode::kCrossProduct;
  std::optional<int32_t> batch_size;
  std::stop_token stop;  // of this call only
};

struct BatchStatistics {
  // Operations that succeeded, a second; those of earlier calls are left out.
  double throughput = 0;
  double duration_seconds = 0;
  int64_t models_processed = 0;   // of which an operation was finished
  int64_t prompts_processed = 0;  // likewise
  int64_t operations = 0;         // succeeded + failed
  int64_t succeeded = 0;
  int64_t failed = 0;
  int64_t retried = 0;  // took more than one attempt
  double peak_memory_gb = 0;
};

struct BatchResult {
  std::vector<OperationResult> results;
  BatchStatistics statistics;
  std::string run_dir;  // empty: there was nothing to run
  // Why not all of it was run, if so.
  std::optional<Error> stopped_by;
};

struct ExecutorStatus {
  MemorySnapshot memory;
  int64_t active_tasks = 0;  // operations of the call that runs, not done
  // Done by calls of this executor; what a call found done is left out.
  int64_t completed_tasks = 0;
  int64_t failed_tasks = 0;  // of them, known when their call ends
  bool is_shut_down = false;
};

class ParallelExecutor {
 public:
  static Result<ParallelExecutor> Create(ExecutorOptions options);

  ParallelExecutor(ParallelExecutor&&) noexcept;
  ParallelExecutor& operator=(ParallelExecutor&&) noexcept;
  // Shuts down.
  ~ParallelExecutor();

  // One result for each prompt, in their order.
  Result<std::vector<OperationResult>> ProcessPromptsParallel(
      const std::string& model_path, const std::vector<std::string>& prompts,
      std::optional<int32_t> batch_size = std::nullopt);

  // Without prompts: no results and no directory, and the errors of a call with
  // one.
  Result<BatchResult> Process(const Batch& batch);

  ExecutorStatus GetStatus() const;

  // Stops what runs and refuses what comes. What runs returns soon, with the
  // results it has; this waits for it, except when called from an event of the
  // run itself. May be called again.
  void Shutdown();

 protected:
  const ExecutorOptions& options() const;

 private:
  struct State;
  explicit ParallelExecutor(ExecutorOptions options);

  std::unique_ptr<State> state_;
};

// An executor whose runs tune themselves to the load of the machine.
class AdaptiveParallelExecutor : public ParallelExecutor {
 public:
  static constexpr int32_t kDefaultInterval = 20;

  // `adaptation_interval`: finished operations between two decisions.
  static Result<AdaptiveParallelExecutor> Create(
      ExecutorOptions options, int32_t adaptation_interval = kDefaultInterval);

  // How many workers the memory configuration has room for.
  int32_t max_workers() const { return options().memory.max_processes(); }
  // How many of them the memory that is free now and the CPUs of this process
  // have use for. At least one.
  int32_t OptimalWorkers() const;
  int32_t adaptation_interval() const { return adaptation_interval_; }

 private:
  AdaptiveParallelExecutor(ParallelExecutor executor,
                           int32_t adaptation_interval)
      : ParallelExecutor(std::move(executor)),
        adaptation_interval_(adaptation_interval) {}

  int32_t adaptation_interval_;
};

class BatchProcessor {
 public:
  // The configuration is MemoryConfigFor the limit, in GiB.
  static Result<BatchProcessor> Create(
      double memory_limit_gb = MemoryConfig().total_limit_gb,
      RunOptions run = {});

  Result<BatchResult> ProcessBatch(const std::vector<std::string>& model_paths,
                                   const std::vector<std::string>& prompts,
                                   Mode mode = Mode::kCrossProduct);

  ParallelExecutor& executor() { return executor_; }
  void Shutdown() { executor_.Shutdown(); }

 private:
  explicit BatchProcessor(ParallelExecutor executor)
      : executor_(std::move(executor)) {}

  ParallelExecutor executor_;
};

}  // namespace revlm
