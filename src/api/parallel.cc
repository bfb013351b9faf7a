#include "revlm/parallel.h"

#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "base/error.h"
#include "revlm/status.h"
#include "revlm/worker.h"
#include "run/host.h"
#include "run/plan.h"
#include "run/preparation.h"

namespace revlm {
namespace {

uint64_t Bytes(double gibibytes) {
  return static_cast<uint64_t>(gibibytes * (1 << 30));
}

BatchStatistics StatisticsOf(const RunSummary& summary) {
  BatchStatistics statistics;
  std::set<std::string> models;
  std::set<std::string> prompts;
  for (const OperationResult& result : summary.results) {
    models.insert(result.model);
    prompts.insert(result.id);
    if (result.attempts > 1) ++statistics.retried;
  }
  statistics.models_processed = static_cast<int64_t>(models.size());
  statistics.prompts_processed = static_cast<int64_t>(prompts.size());
  statistics.operations = summary.num_operations;
  statistics.succeeded =
      static_cast<int64_t>(summary.results.size()) - summary.num_failed;
  statistics.failed = statistics.operations - statistics.succeeded;
  statistics.duration_seconds = summary.seconds;
  if (summary.seconds > 0) {
    const int64_t num_earlier =
        summary.num_resumed - summary.num_resumed_failed;
    statistics.throughput =
        static_cast<double>(statistics.succeeded - num_earlier) /
        summary.seconds;
  }
  statistics.peak_memory_gb =
      static_cast<double>(summary.peak_memory_bytes) / (1 << 30);
  return statistics;
}

// What a run of these models would refuse. Without prompts it would ask the
// built-in ones, so that one stands for those that were not given.
Status CheckWithoutPrompts(RunOptions options) {
  options.prompts = {""};
  if (options.worker_program.empty()) {
    options.worker_program = FindWorkerProgram();
  }
  REVLM_TRY(run::Prepare(options));
  return {};
}

// A result for every operation: those that were finished, and the others with
// what stopped them.
Result<std::vector<OperationResult>> Complete(const RunOptions& options,
                                              RunSummary& summary) {
  if (!summary.stopped_by) return std::move(summary.results);
  REVLM_ASSIGN_OR_RETURN(const run::PromptPlan plan, run::PlanPrompts(options));
  std::vector<OperationResult> results;
  auto finished = summary.results.begin();
  for (size_t i = 0; i < summary.models.size(); ++i) {
    for (const run::PlannedPrompt& prompt : run::PromptsFor(
             options.mode, i, options.models.size(), plan.prompts)) {
      const std::string& alias = summary.models[i].alias;
      if (finished != summary.results.end() && finished->model == alias &&
          finished->id == prompt.id) {
        results.push_back(std::move(*finished++));
        continue;
      }
      OperationResult& result = results.emplace_back();
      result.model = alias;
      result.reference = options.models[i];
      result.id = prompt.id;
      result.prompt = prompt.text;
      result.attempts = 0;
      result.error = summary.stopped_by;
    }
  }
  return results;
}

// A stop before models are open is a run in which nothing was finished, too.
Result<RunSummary> RunUnlessStopped(const RunOptions& options) {
  Result<RunSummary> summary = Run(options);
  if (summary || summary.error().code != ErrorCode::kCancelled) return summary;
  REVLM_ASSIGN_OR_RETURN(const run::PromptPlan plan, run::PlanPrompts(options));
  RunSummary stopped;
  stopped.stopped_by = summary.error();
  for (size_t i = 0; i < options.models.size(); ++i) {
    stopped.models.emplace_back().alias = options.models[i];
    stopped.num_operations += static_cast<int64_t>(
        run::PromptsFor(options.mode, i, options.models.size(), plan.prompts)
            .size());
  }
  return stopped;
}

}  // namespace

struct ParallelExecutor::State {
  explicit State(ExecutorOptions of)
      : options(std::move(of)),
        monitor(*MemoryMonitor::Create(options.memory.total_limit_gb)) {}

  // Waits for its turn and takes it; `End` gives it back.
  Status Begin(const std::stop_token& stop);
  void End();
  void Count(const RunSummary& summary);
  RunOptions OptionsFor(const Batch& batch);

  // A process that was forked from its own has neither the thread at work nor
  // what that will do with the lock.
  bool is_of_a_parent() const { return pid != getpid(); }

  const pid_t pid = getpid();
  const ExecutorOptions options;
  const MemoryMonitor monitor;
  std::stop_source stop;  // of all calls

  mutable std::mutex mutex;  // of what follows
  std::condition_variable_any changed;
  std::thread::id runner;  // the thread at work; none: no thread
  bool is_shut_down = false;
  int64_t num_active = 0;
  int64_t num_running_done = 0;  // of the call that runs
  int64_t num_completed = 0;     // of the calls before
  int64_t num_failed = 0;
};

Status ParallelExecutor::State::Begin(const std::stop_token& stop_of_call) {
  if (is_of_a_parent()) {
    return base::MakeError(ErrorCode::kInvalidArgument,
                           "processing: the executor is of the process that "
                           "this one was forked from; make another");
  }
  std::unique_lock lock(mutex);
  if (runner == std::this_thread::get_id()) {
    return base::MakeError(
        ErrorCode::kInvalidArgument,
        "processing: called from an event of a call that runs; wait for it");
  }
  changed.wait(lock, stop_of_call,
               [this] { return is_shut_down || runner == std::thread::id(); });
  if (is_shut_down) {
    return base::MakeError(ErrorCode::kInvalidArgument,
                           "processing: the executor is shut down; make "
                           "another");
  }
  if (runner != std::thread::id()) {
    return base::MakeError(ErrorCode::kCancelled,
                           "processing: stopped before it began");
  }
  runner = std::this_thread::get_id();
  return {};
}

void ParallelExecutor::State::End() {
  const std::scoped_lock lock(mutex);
  num_active = num_running_done = 0;
  runner = {};
  changed.notify_all();
}

void ParallelExecutor::State::Count(const RunSummary& summary) {
  const std::scoped_lock lock(mutex);
  num_active = num_running_done = 0;
  num_completed +=
      static_cast<int64_t>(summary.results.size()) - summary.num_resumed;
  num_failed += summary.num_failed - summary.num_resumed_failed;
}

RunOptions ParallelExecutor::State::OptionsFor(const Batch& batch) {
  RunOptions run = options.run;
  const MemoryConfig& memory = options.memory;
  run.models = batch.models;
  run.prompts = batch.prompts;
  run.prompt_file.clear();
  run.num_challenges.reset();
  run.mode = batch.mode;
  run.batch_size = batch.batch_size;
  run.memory_limit_bytes = Bytes(memory.total_limit_gb - memory.buffer_gb);
  // As on the command line, the default caps nothing.
  if (memory.per_process_gb !=
      MemoryConfigFor(memory.total_limit_gb).per_process_gb) {
    run.per_process_bytes = Bytes(memory.per_process_gb);
  }
  run.on_event = [this](const RunEvent& event) {
    {
      const std::scoped_lock lock(mutex);
      // Without a status yet, nothing was done but by earlier starts.
      num_running_done =
          event.status ? event.num_finished - event.status->num_resumed : 0;
      num_active = event.num_total - event.num_finished;
    }
    if (options.run.on_event) options.run.on_event(event);
  };
  return run;
}

ParallelExecutor::ParallelExecutor(ExecutorOptions options)
    : state_(std::make_unique<State>(std::move(options))) {}
ParallelExecutor::ParallelExecutor(ParallelExecutor&&) noexcept = default;
ParallelExecutor& ParallelExecutor::operator=(ParallelExecutor&&) noexcept =
    default;
ParallelExecutor::~ParallelExecutor() {
  if (!state_) return;
  Shutdown();
  // Others may wait in it, as it is here; to destroy it would wait for them.
  if (state_->is_of_a_parent()) (void)state_.release();
}

Result<ParallelExecutor> ParallelExecutor::Create(ExecutorOptions options) {
  REVLM_TRY(CheckMemoryConfig(options.memory));
  return ParallelExecutor(std::move(options));
}

const ExecutorOptions& ParallelExecutor::options() const {
  return state_->options;
}

Result<std::vector<OperationResult>> ParallelExecutor::ProcessPromptsParallel(
    const std::string& model_path, const std::vector<std::string>& prompts,
    std::optional<int32_t> batch_size) {
  REVLM_ASSIGN_OR_RETURN(BatchResult batch, Process({.models = {model_path},
                                                     .prompts = prompts,
                                                     .batch_size = batch_size,
                                                     .stop = {}}));
  return std::move(batch.results);
}

Result<BatchResult> ParallelExecutor::Process(const Batch& batch) {
  REVLM_TRY(state_->Begin(batch.stop));
  const std::unique_ptr<State, void (*)(State*)> turn(
      state_.get(), [](State* state) { state->End(); });
  RunOptions options = state_->OptionsFor(batch);
  std::stop_source stop;
  const auto request_stop = [&stop] { stop.request_stop(); };
  const std::stop_callback of_call(batch.stop, request_stop);
  const std::stop_callback of_executor(state_->stop.get_token(), request_stop);
  const std::stop_callback of_options(state_->options.run.stop, request_stop);
  options.stop = stop.get_token();
  if (batch.prompts.empty()) {
    REVLM_TRY(CheckWithoutPrompts(std::move(options)));
    return BatchResult{};
  }
  REVLM_ASSIGN_OR_RETURN(RunSummary summary, RunUnlessStopped(options));
  state_->Count(summary);
  BatchResult result = {.results = {},
                        .statistics = StatisticsOf(summary),
                        .run_dir = summary.run_dir,
                        .stopped_by = summary.stopped_by};
  REVLM_ASSIGN_OR_RETURN(result.results, Complete(options, summary));
  return result;
}

ExecutorStatus ParallelExecutor::GetStatus() const {
  ExecutorStatus status = {.memory = state_->monitor.Snapshot()};
  if (state_->is_of_a_parent()) return status;
  const std::scoped_lock lock(state_->mutex);
  status.active_tasks = state_->num_active;
  status.completed_tasks = state_->num_completed + state_->num_running_done;
  status.failed_tasks = state_->num_failed;
  status.is_shut_down = state_->is_shut_down;
  return status;
}

void ParallelExecutor::Shutdown() {
  if (state_->is_of_a_parent()) return;
  state_->stop.request_stop();
  std::unique_lock lock(state_->mutex);
  state_->is_shut_down = true;
  state_->changed.notify_all();
  state_->changed.wait(lock, [this] {
    return state_->runner == std::thread::id() ||
           state_->runner == std::this_thread::get_id();
  });
}

Result<AdaptiveParallelExecutor> AdaptiveParallelExecutor::Create(
    ExecutorOptions options, int32_t adaptation_interval) {
  if (adaptation_interval < 1) {
    return base::MakeError(ErrorCode::kInvalidArgument,
                           "adaptation_interval: found {}, allowed is 1 or "
                           "more finished operations",
                           adaptation_interval);
  }
  options.run.adaptive = true;
  options.run.adaptation_interval = adaptation_interval;
  REVLM_ASSIGN_OR_RETURN(ParallelExecutor executor,
                         ParallelExecutor::Create(std::move(options)));
  return AdaptiveParallelExecutor(std::move(executor), adaptation_interval);
}

int32_t AdaptiveParallelExecutor::OptimalWorkers() const {
  const double available_gb = GetStatus().memory.available_gb;
  const auto with_room = static_cast<int32_t>(std::min<double>(
      available_gb / options().memory.per_process_gb, max_workers()));
  return std::max(std::min(with_room, run::DescribeHost().num_cpus), 1);
}

Result<BatchProcessor> BatchProcessor::Create(double memory_limit_gb,
                                              RunOptions run) {
  REVLM_ASSIGN_OR_RETURN(
      ParallelExecutor executor,
      ParallelExecutor::Create(
          {.memory = MemoryConfigFor(memory_limit_gb), .run = std::move(run)}));
  return BatchProcessor(std::move(executor));
}

Result<BatchResult> BatchProcessor::ProcessBatch(
    const std::vector<std::string>& model_paths,
    const std::vector<std::string>& prompts, Mode mode) {
  return executor_.Process(
      {.models = model_paths, .prompts = prompts, .mode = mode, .stop = {}});
}

}  // namespace revlm
