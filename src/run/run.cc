#include "run/run.h"

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <new>
#include <numeric>
#include <optional>
#include <stop_token>
#include <utility>

#include "base/bytes.h"
#include "base/file.h"
#include "memory/image.h"
#include "memory/pressure.h"
#include "memory/process_memory.h"
#include "run/adaptive_runner.h"
#include "run/host.h"
#include "run/manifest.h"
#include "run/model.h"
#include "run/operation.h"
#include "run/plan.h"
#include "run/preparation.h"
#include "run/run_directory.h"
#include "run/weight_digests.h"

namespace revlm::run {
namespace {

using base::Json;

// One operation of the plan, and what came of it.
struct Operation {
  const Model* model;
  PlannedOperation* planned;
  std::optional<OperationResult> result;
};

// What is put to a model, and how far that has come.
struct Batch {
  std::vector<engine::Request> requests;
  std::vector<Operation*> operations;  // of each request
  int64_t num_tokens = 0;              // at most, of all
  int64_t num_finished_before = 0;     // of the run
  int64_t num_done = 0;                // requests and
  int64_t tokens_done = 0;             // tokens, of earlier parts
};

class Runner {
 public:
  Runner(const RunOptions& options, const base::Clock& clock,
         Preparation prepared)
      : options_(options),
        clock_(clock),
        started_(clock.Monotonic()),
        prepared_(std::move(prepared)),
        cache_(options.environment.cache_dir) {}

  Result<RunSummary> Run();

 private:
  void ListOperations();
  // Takes over what earlier starts finished.
  Status Resume();
  std::vector<size_t> ModelOrder() const;
  Status RunModels();
  Status RunModel(size_t model_idx);
  Status RunOperations(const Model& model, std::span<Operation* const> pending);
  Status RunAdaptively(const Model& model, Batch& batch);
  Result<int64_t> RunPart(const Model& model, Batch& batch, size_t begin,
                          size_t end);
  Status NoteChange(const Model& model, const sched::Decision& decision);
  Status Finish(Operation& operation, OperationResult result);

  const Model& model(size_t model_idx) const {
    return prepared_.work[model_idx].model;
  }
  size_t num_models() const { return prepared_.work.size(); }

  // Digests of the weights: kept ones, or taken by the model's engine.
  Result<WeightDigests> TakeDigests(const Model& model,
                                    const std::optional<WeightDigests>& kept);
  Status NoteDigests(size_t model_idx, const WeightDigests& digests);

  Status WriteResults();
  RunSummary Summarize(std::optional<Error> stopped_by);

  double Seconds() const {
    return std::chrono::duration<double>(clock_.Monotonic() - started_).count();
  }
  void Tell(RunEvent::Kind kind, std::string message) const;
  void TellPlan(const Model& model, const engine::RunPlan& plan);
  void ReportProgress(const Model& model, const Batch& batch,
                      const engine::Progress& progress) const;
  void Report(RunEvent event) const;

  const RunOptions& options_;
  const base::Clock& clock_;
  const std::chrono::nanoseconds started_;
  Preparation prepared_;
  const DigestCache cache_;
  std::vector<Operation> operations_;  // models, then prompts
  std::unique_ptr<RunDirectory> directory_;
  int64_t num_finished_ = 0;
  int64_t num_resumed_ = 0;
  uint64_t planned_peak_bytes_ = 0;  // of the models run so far
};

void Runner::Report(RunEvent event) const {
  if (!options_.on_event) return;
  event.num_finished = num_finished_;
  event.num_total = static_cast<int64_t>(operations_.size());
  event.unit = "operations";
  event.seconds = Seconds();
  options_.on_event(event);
}

void Runner::Tell(RunEvent::Kind kind, std::string message) const {
  RunEvent event;
  event.kind = kind;
  event.message = std::move(message);
  Report(std::move(event));
}

void Runner::ListOperations() {
  for (ModelWork& work : prepared_.work) {
    for (PlannedOperation& planned : work.operations) {
      operations_.push_back({&work.model, &planned, {}});
    }
  }
}

Status Runner::Resume() {
  std::map<std::pair<std::string, std::string>, Operation*> by_key;
  for (Operation& operation : operations_) {
    by_key[{operation.model->alias, operation.planned->key}] = &operation;
  }
  std::vector<OpRecord> records = directory_->TakeRecords();
  for (OpRecord& record : records) {
    const auto found = by_key.find({record.result.model, record.result.key});
    if (found == by_key.end() || found->second->result) continue;
    found->second->result = std::move(record.result);
    ++num_resumed_;
  }
  num_finished_ = num_resumed_;
  if (records.empty()) return {};
  for (size_t i = 0; i < num_models(); ++i) {
    REVLM_TRY(CheckNumerics(directory_->manifest(), i, model(i)));
    if (!TensorRootIn(directory_->manifest(), i)) {
      REVLM_TRY(CheckWeightFiles(directory_->manifest(), i, model(i)));
    }
  }
  return {};
}

Result<RunSummary> Runner::Run() {
  ListOperations();
  for (const std::string& notice :
       {prepared_.unasked_notice, prepared_.limit_notice}) {
    if (!notice.empty()) Tell(RunEvent::Kind::kNotice, notice);
  }
  const Json plan = PlanToJson(options_, prepared_);
  REVLM_ASSIGN_OR_RETURN(RunDirectory directory,
                         RunDirectory::Open(options_, plan, clock_));
  directory_ = std::make_unique<RunDirectory>(std::move(directory));
  REVLM_TRY(Resume());
  const bool is_complete =
      num_finished_ == static_cast<int64_t>(operations_.size());
  if (is_complete && directory_->is_finished()) {
    for (size_t i = 0; i < num_models(); ++i) REVLM_TRY(RunModel(i));
    Tell(RunEvent::Kind::kNotice,
         fmt::format("{} is finished; these are its results, nothing was run",
                     directory_->path()));
    return Summarize(std::nullopt);
  }
  if (num_resumed_ > 0) {
    Tell(RunEvent::Kind::kNotice,
         fmt::format("resuming {}: {} of {} operations are done",
                     directory_->path(), num_resumed_, operations_.size()));
  } else {
    REVLM_TRY(directory_->WriteManifest(
        NewManifest(options_, prepared_, plan, clock_)));
  }
  const Status status = RunModels();
  // What finished is kept even when the disk is full or the run was stopped.
  const Status synced = directory_->journal().Sync();
  if (!status) return Summarize(status.error());
  if (!synced) return Summarize(synced.error());
  return Summarize(std::nullopt);
}

// Models in the order of the most urgent of their operations.
std::vector<size_t> Runner::ModelOrder() const {
  std::vector<size_t> order(num_models());
  std::iota(order.begin(), order.end(), size_t{0});
  const auto most_urgent = [&](size_t model_idx) {
    int32_t priority = INT32_MIN;
    for (const PlannedOperation& planned :
         prepared_.work[model_idx].operations) {
      priority = std::max(priority, planned.prompt->priority);
    }
    return priority;
  };
  std::ranges::stable_sort(order, std::greater(), most_urgent);
  return order;
}

Status Runner::RunModels() {
  for (const size_t i : ModelOrder()) {
    REVLM_TRY(RunModel(i));
    // Its compiled products and scratch are not the next one's to pay for.
    prepared_.work[i].model.engine.reset();
  }
  REVLM_TRY(WriteResults());
  Json manifest = directory_->manifest();
  manifest["state"] = "finished";
  manifest["finished"] = base::FormatUtc(clock_.Wall());
  return directory_->WriteManifest(std::move(manifest));
}

Status Runner::RunModel(size_t model_idx) {
  const Model& model = this->model(model_idx);
  std::vector<Operation*> pending;
  for (Operation& operation : operations_) {
    if (operation.model == &model && !operation.result) {
      pending.push_back(&operation);
    }
  }
  std::ranges::stable_sort(pending, std::greater(), [](const Operation* o) {
    return o->planned->prompt->priority;
  });
  const std::optional<std::string> known_root =
      TensorRootIn(directory_->manifest(), model_idx);
  // Files that are not the ones seen before may hold other weights.
  const bool is_unchanged =
      CheckWeightFiles(directory_->manifest(), model_idx, model).has_value();
  if (pending.empty() && known_root && is_unchanged) return {};
  const std::optional<WeightDigests> kept = cache_.Find(*model.checkpoint);
  if (kept && !known_root) REVLM_TRY(NoteDigests(model_idx, *kept));

  if (!kept) model.engine->HashWeights();
  if (known_root) {
    REVLM_ASSIGN_OR_RETURN(const WeightDigests digests,
                           TakeDigests(model, kept));
    if (digests.root != *known_root) {
      return base::MakeError(
          ErrorCode::kInvalidArgument,
          "resuming {}: the weights in {} changed since the run began (tensor "
          "root {} there, {} now); start a new run",
          model.alias, model.resolved.directory, known_root->substr(0, 16),
          digests.root.substr(0, 16));
    }
  }
  REVLM_TRY(RunOperations(model, pending));
  if (known_root || kept) return {};
  REVLM_ASSIGN_OR_RETURN(const WeightDigests digests,
                         TakeDigests(model, std::nullopt));
  return NoteDigests(model_idx, digests);
}

Result<WeightDigests> Runner::TakeDigests(
    const Model& model, const std::optional<WeightDigests>& kept) {
  if (kept) return *kept;
  REVLM_ASSIGN_OR_RETURN(const auto tensors,
                         model.engine->TensorDigests(options_.stop));
  REVLM_ASSIGN_OR_RETURN(WeightDigests digests,
                         MakeWeightDigests(*model.checkpoint, tensors));
  cache_.Store(*model.checkpoint, digests);
  return digests;
}

Status Runner::NoteDigests(size_t model_idx, const WeightDigests& digests) {
  const Model& model = this->model(model_idx);
  REVLM_TRY(base::WriteFileAtomically(
      directory_->path() + "/" + TensorsFileName(model.alias),
      TensorsToJson(model, digests).dump(1) + "\n"));
  Json manifest = directory_->manifest();
  SetTensorRoot(manifest, model_idx, digests.root);
  return directory_->WriteManifest(std::move(manifest));
}

void Runner::TellPlan(const Model& model, const engine::RunPlan& plan) {
  Tell(
      RunEvent::Kind::kDetail,
      fmt::format("{}: {} by {} on {}; {} of {} slabs stay in memory, {} "
                  "passes over the weights, {} bytes planned of {}",
                  model.alias, model.numerics.compute, model.numerics.products,
                  model.numerics.isa, plan.num_pinned_slabs, plan.num_slabs,
                  plan.num_passes, planned_peak_bytes_, prepared_.limit_bytes));
}

Status Runner::RunOperations(const Model& model,
                             std::span<Operation* const> pending) {
  Batch batch;
  for (Operation* operation : pending) {
    PlannedOperation& planned = *operation->planned;
    if (planned.error) {
      OperationResult result = StartResult(model, *planned.prompt, planned.key);
      result.error = planned.error;
      REVLM_TRY(Finish(*operation, std::move(result)));
      continue;
    }
    batch.num_tokens += static_cast<int64_t>(planned.request.prompt.size()) +
                        planned.prompt->max_tokens;
    batch.requests.push_back(std::move(planned.request));
    batch.operations.push_back(operation);
  }
  if (batch.requests.empty()) return {};
  batch.num_finished_before = num_finished_;
  if (options_.adaptive) {
    REVLM_TRY(RunAdaptively(model, batch));
  } else {
    REVLM_TRY(RunPart(model, batch, 0, batch.requests.size()));
  }
  RunEvent last;
  last.model = model.alias;
  last.phase = "done";
  last.fraction = static_cast<double>(num_finished_) /
                  static_cast<double>(operations_.size());
  Report(std::move(last));
  return {};
}

Status Runner::RunAdaptively(const Model& model, Batch& batch) {
  AdaptiveWork work;
  work.num_operations = batch.requests.size();
  work.interval = options_.adaptation_interval;
  REVLM_ASSIGN_OR_RETURN(const engine::RunPlan plan,
                         model.engine->Plan(batch.requests));
  StartFromPlan(plan, model.engine->FloorBytes(batch.requests),
                model.engine->num_threads(), work);
  work.run_part = [&](size_t begin, size_t end,
                      const sched::Setting& setting) -> Result<int64_t> {
    REVLM_ASSIGN_OR_RETURN(
        const memory::Reservation held,
        HoldBack(*prepared_.budget, setting, work.start.memory_bytes));
    model.engine->UseThreads(setting.num_threads);
    return RunPart(model, batch, begin, end);
  };
  work.read_pressure = [] { return memory::ReadPressure(); };
  work.on_change = [&](const sched::Decision& decision) {
    return NoteChange(model, decision);
  };
  const Status status = RunInParts(work, clock_);
  model.engine->UseThreads(model.engine->num_threads());
  return status;
}

Status Runner::NoteChange(const Model& model, const sched::Decision& decision) {
  Tell(RunEvent::Kind::kDetail,
       fmt::format("{}: after {} operations, {}", model.alias, num_finished_,
                   decision.reason));
  return directory_->LogDecision(
      {{"schema", "revlm.decision/1"},
       {"time", base::FormatUtc(clock_.Wall())},
       {"model", model.alias},
       {"num_finished", num_finished_},
       {"batch_size", decision.setting.batch_size},
       {"threads", decision.setting.num_threads},
       {"memory_bytes", decision.setting.memory_bytes},
       {"reason", decision.reason}});
}

// Runs requests `begin` to `end` - 1. Returns how many tokens went through the
// model.
Result<int64_t> Runner::RunPart(const Model& model, Batch& batch, size_t begin,
                                size_t end) {
  // Stops when the caller asks for it and when a result cannot be kept.
  std::stop_source stop;
  const std::stop_callback forward(options_.stop,
                                   [&stop] { stop.request_stop(); });
  Status kept;
  int64_t num_tokens = 0;
  engine::RunHooks hooks;
  hooks.stop = stop.get_token();
  hooks.on_plan = [&](const engine::RunPlan& plan) {
    planned_peak_bytes_ = std::max(planned_peak_bytes_,
                                   prepared_.PeakBytes(plan.use.peak_bytes()));
    if (begin == 0) TellPlan(model, plan);
  };
  hooks.on_complete = [&](size_t request_idx, engine::Completion completion) {
    if (!kept) return;
    Operation& operation = *batch.operations[begin + request_idx];
    OperationResult result =
        StartResult(model, *operation.planned->prompt, operation.planned->key);
    result.prompt_token_ids = batch.requests[begin + request_idx].prompt;
    num_tokens += static_cast<int64_t>(result.prompt_token_ids.size() +
                                       completion.tokens.size());
    kept = FillResult(model, directory_->path(), std::move(completion), result);
    if (kept) kept = Finish(operation, std::move(result));
    if (!kept) stop.request_stop();
  };
  hooks.on_progress = [&](const engine::Progress& progress) {
    ReportProgress(model, batch, progress);
  };
  const Status status =
      model.engine->Run(std::span<const engine::Request>(batch.requests)
                            .subspan(begin, end - begin),
                        hooks);
  if (!kept) return std::unexpected(std::move(kept).error());
  REVLM_TRY(status);
  batch.num_done += static_cast<int64_t>(end - begin);
  batch.tokens_done += num_tokens;
  return num_tokens;
}

void Runner::ReportProgress(const Model& model, const Batch& batch,
                            const engine::Progress& progress) const {
  const bool is_prefill = progress.phase == engine::Progress::Phase::kPrefill;
  RunEvent event;
  event.model = model.alias;
  event.phase = is_prefill ? "prefill" : "decode";
  event.layer = progress.slab_idx;
  event.num_layers = progress.num_slabs;
  const auto num_requests = static_cast<double>(batch.requests.size());
  const double done =
      std::max(static_cast<double>(batch.tokens_done + progress.tokens_done) /
                   static_cast<double>(std::max<int64_t>(batch.num_tokens, 1)),
               static_cast<double>(batch.num_done + progress.num_complete) /
                   num_requests);
  event.fraction = (static_cast<double>(batch.num_finished_before) +
                    std::min(done, 1.0) * num_requests) /
                   static_cast<double>(operations_.size());
  Report(std::move(event));
}

Status Runner::Finish(Operation& operation, OperationResult result) {
  OpRecord record = {.result = std::move(result),
                     .finished = base::FormatUtc(clock_.Wall()),
                     .seconds = Seconds()};
  REVLM_TRY(directory_->journal().Append(record));
  operation.result = std::move(record.result);
  ++num_finished_;
  return {};
}

Status Runner::WriteResults() {
  REVLM_ASSIGN_OR_RETURN(
      base::AtomicFile file,
      base::AtomicFile::Create(directory_->path() + "/" + kResultsName));
  for (const Operation& operation : operations_) {
    const std::string line = ResultToLine(*operation.result);
    REVLM_TRY(file.Append(base::AsBytes(line)));
  }
  return file.Commit();
}

RunSummary Runner::Summarize(std::optional<Error> stopped_by) {
  RunSummary summary;
  summary.run_dir = directory_->path();
  for (size_t i = 0; i < num_models(); ++i) {
    summary.models.push_back(run::Summarize(model(i)));
    summary.models.back().tensor_root =
        TensorRootIn(directory_->manifest(), i).value_or("");
  }
  summary.num_prompts = static_cast<int64_t>(prepared_.prompts.size());
  summary.mode = ModeName(options_.mode);
  summary.num_operations = static_cast<int64_t>(operations_.size());
  summary.num_resumed = num_resumed_;
  for (Operation& operation : operations_) {
    if (!operation.result) continue;
    if (operation.result->error) ++summary.num_failed;
    summary.results.push_back(*std::move(operation.result));
  }
  summary.seconds = Seconds();
  summary.peak_memory_bytes = PeakMemoryBytes();
  summary.planned_memory_bytes = planned_peak_bytes_;
  summary.memory_limit_bytes = prepared_.limit_bytes;
  summary.stopped_by = std::move(stopped_by);
  return summary;
}

// Code is made present, so that what is held does not depend on which of it is
// needed when. Allocations beyond the limit fail instead of growing the
// process: private memory may grow by what the limit leaves, and by the stacks
// of threads.
Status OwnProcess(const Preparation& prepared) {
  memory::Populate(memory::ReadImage());
  constexpr uint64_t kStackBytes = uint64_t{64} << 20;
  const uint64_t held = memory::ReadProcessMemory().anonymous_bytes;
  return memory::FenceHeap(prepared.limit_bytes -
                           std::min(held, prepared.limit_bytes) + kStackBytes);
}

}  // namespace

Result<RunSummary> Execute(const RunOptions& options,
                           const base::Clock& clock) {
  try {
    REVLM_ASSIGN_OR_RETURN(Preparation prepared, Prepare(options));
    if (options.owns_process) REVLM_TRY(OwnProcess(prepared));
    return Runner(options, clock, std::move(prepared)).Run();
  } catch (const std::bad_alloc&) {
    return base::MakeError(
        ErrorCode::kBudgetExceeded,
        "running: the system gave no more memory, the limit is reached; what "
        "finished is kept, ask for less at once");
  }
}

}  // namespace revlm::run
