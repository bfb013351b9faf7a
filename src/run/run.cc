#include "run/run.h"

#include <unistd.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <new>
#include <numeric>
#include <optional>
#include <stop_token>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/bytes.h"
#include "base/file.h"
#include "memory/image.h"
#include "memory/limit.h"
#include "memory/process_memory.h"
#include "run/host.h"
#include "run/manifest.h"
#include "run/metrics.h"
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
  JournalPlace kept;  // the result of an earlier start, until it is read
  bool has_failed = false;

  bool is_done() const { return result || kept.size_bytes > 0; }
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
  // Takes over what earlier starts finished; their results are read later.
  Status Resume();
  Status ReadKeptResults();
  std::vector<size_t> ModelOrder() const;
  Status RunModels();
  Status RunModel(size_t model_idx);
  Status RunOperations(const Model& model, std::span<Operation* const> pending);
  Status Finish(Operation& operation, OperationResult result);

  const Model& model(size_t model_idx) const {
    return prepared_.work[model_idx].model;
  }
  size_t num_models() const { return prepared_.work.size(); }

  // Digests of the weights: kept ones, or taken by the model's engine.
  Result<WeightDigests> TakeDigests(const Model& model,
                                    const std::optional<WeightDigests>& kept);
  Status NoteDigests(size_t model_idx, const WeightDigests& digests);

  RunStatus StatusAtStart() const;
  Status WriteResults();
  RunSummary Summarize(std::optional<Error> stopped_by);

  double Seconds() const {
    return std::chrono::duration<double>(clock_.Monotonic() - started_).count();
  }
  void Tell(RunEvent::Kind kind, std::string message) const;
  void TellPlan(const Model& model, const engine::RunPlan& plan);
  void Report(RunEvent event) const;

  const RunOptions& options_;
  const base::Clock& clock_;
  const std::chrono::nanoseconds started_;
  Preparation prepared_;
  const DigestCache cache_;
  std::vector<Operation> operations_;  // models, then prompts
  std::unique_ptr<RunDirectory> directory_;
  std::unique_ptr<Metrics> metrics_;  // once there is something to run
  int64_t num_finished_ = 0;
  int64_t num_resumed_ = 0;
  uint64_t planned_peak_bytes_ = 0;  // of the models run so far
};

void Runner::Report(RunEvent event) const {
  const bool has_sampled = metrics_ && metrics_->Tick();
  if (!options_.on_event) return;
  if (metrics_) event.status = metrics_->latest();
  event.num_finished = num_finished_;
  event.num_total = static_cast<int64_t>(operations_.size());
  event.unit = "operations";
  event.seconds = Seconds();
  options_.on_event(event);
  if (has_sampled) Tell(RunEvent::Kind::kDebug, metrics_->MemoryLine());
}

void Runner::Tell(RunEvent::Kind kind, std::string message) const {
  if (metrics_ && kind == RunEvent::Kind::kNotice) metrics_->Note(message);
  RunEvent event;
  event.kind = kind;
  event.message = std::move(message);
  Report(std::move(event));
}

RunStatus Runner::StatusAtStart() const {
  RunStatus status;
  status.run_dir = directory_->path();
  status.memory_limit_bytes = prepared_.limit_bytes;
  status.memory_reserve_bytes = memory::ReserveBytes(prepared_.limit_bytes);
  const Operation* operation = operations_.data();
  for (const ModelWork& work : prepared_.work) {
    ModelStatus model;
    model.alias = work.model.alias;
    model.num_planned = static_cast<int64_t>(work.operations.size());
    for (size_t i = 0; i < work.operations.size(); ++i, ++operation) {
      if (!operation->is_done()) continue;
      ++model.num_done;
      if (operation->has_failed) ++model.num_failed;
    }
    status.models.push_back(std::move(model));
  }
  return status;
}

void Runner::ListOperations() {
  for (ModelWork& work : prepared_.work) {
    for (PlannedOperation& planned : work.operations) {
      operations_.push_back({&work.model, &planned, {}});
    }
  }
}

Status Runner::Resume() {
  std::map<std::string_view, std::unordered_map<std::string_view, Operation*>>
      by_model_and_key;
  for (const ModelWork& work : prepared_.work) {
    by_model_and_key[work.model.alias].reserve(work.operations.size());
  }
  for (Operation& operation : operations_) {
    by_model_and_key[operation.model->alias][operation.planned->key] =
        &operation;
  }
  const std::vector<JournalEntry> entries = directory_->TakeEntries();
  for (const JournalEntry& entry : entries) {
    const auto model = by_model_and_key.find(entry.model);
    if (model == by_model_and_key.end()) continue;
    const auto found = model->second.find(entry.key);
    if (found == model->second.end() || found->second->is_done()) continue;
    found->second->kept = entry.place;
    found->second->has_failed = entry.has_failed;
    ++num_resumed_;
  }
  num_finished_ = num_resumed_;
  if (entries.empty()) return {};
  for (size_t i = 0; i < num_models(); ++i) {
    REVLM_TRY(CheckNumerics(directory_->manifest(), i, model(i)));
    if (!TensorRootIn(directory_->manifest(), i)) {
      REVLM_TRY(CheckWeightFiles(directory_->manifest(), i, model(i)));
    }
  }
  return {};
}

Status Runner::ReadKeptResults() {
  for (Operation& operation : operations_) {
    if (operation.result || !operation.is_done()) continue;
    REVLM_ASSIGN_OR_RETURN(OpRecord record,
                           directory_->journal().Read(operation.kept));
    operation.result = std::move(record.result);
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
  metrics_ = std::make_unique<Metrics>(
      StatusAtStart(), *prepared_.budget, clock_, [this](std::string message) {
        Tell(RunEvent::Kind::kNotice, std::move(message));
      });
  metrics_->Tick();
  const Status status = RunModels();
  // What finished is kept even when the disk is full or the run was stopped.
  const Status synced = directory_->journal().Sync();
  std::optional<Error> stopped_by;
  if (!synced) stopped_by = synced.error();
  if (!status) stopped_by = status.error();
  metrics_->End(stopped_by ? RunState::kStopped : RunState::kFinished,
                stopped_by);
  Tell(RunEvent::Kind::kDebug, metrics_->MemoryLine());
  return Summarize(std::move(stopped_by));
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
    if (operation.model == &model && !operation.is_done()) {
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
  planned_peak_bytes_ =
      std::max(planned_peak_bytes_, prepared_.PeakBytes(plan.use.peak_bytes()));
  metrics_->SetPlanned(planned_peak_bytes_);
  Tell(
      RunEvent::Kind::kDetail,
      fmt::format("{}: {} by {} on {}; {} of {} slabs stay in memory, {} "
                  "passes over the weights, {} bytes planned of {}",
                  model.alias, model.numerics.compute, model.numerics.products,
                  model.numerics.isa, plan.num_pinned_slabs, plan.num_slabs,
                  plan.num_passes, planned_peak_bytes_, prepared_.limit_bytes));
  Tell(RunEvent::Kind::kDebug, metrics_->MemoryLine());
}

Status Runner::RunOperations(const Model& model,
                             std::span<Operation* const> pending) {
  if (pending.empty()) return {};
  metrics_->Begin(model.alias, getpid());
  std::vector<engine::Request> requests;
  std::vector<Operation*> requested;
  int64_t num_tokens = 0;  // at most, of all requests
  const int64_t num_finished_before = num_finished_;
  for (Operation* operation : pending) {
    PlannedOperation& planned = *operation->planned;
    if (planned.error) {
      OperationResult result = StartResult(model, *planned.prompt, planned.key);
      result.error = planned.error;
      REVLM_TRY(Finish(*operation, std::move(result)));
      continue;
    }
    num_tokens += static_cast<int64_t>(planned.request.prompt.size()) +
                  planned.prompt->max_tokens;
    requests.push_back(std::move(planned.request));
    requested.push_back(operation);
  }
  if (requests.empty()) return {};

  // Stops when the caller asks for it and when a result cannot be kept.
  std::stop_source stop;
  const std::stop_callback forward(options_.stop,
                                   [&stop] { stop.request_stop(); });
  Status kept;
  engine::RunHooks hooks;
  hooks.stop = stop.get_token();
  hooks.on_plan = [&](const engine::RunPlan& plan) { TellPlan(model, plan); };
  hooks.on_complete = [&](size_t request_idx, engine::Completion completion) {
    if (!kept) return;
    Operation& operation = *requested[request_idx];
    OperationResult result =
        StartResult(model, *operation.planned->prompt, operation.planned->key);
    result.prompt_token_ids = requests[request_idx].prompt;
    kept = FillResult(model, directory_->path(), std::move(completion), result);
    if (kept) kept = Finish(operation, std::move(result));
    if (!kept) stop.request_stop();
  };
  hooks.on_progress = [&](const engine::Progress& progress) {
    const bool is_prefill = progress.phase == engine::Progress::Phase::kPrefill;
    RunEvent event;
    event.model = model.alias;
    event.phase = is_prefill ? "prefill" : "decode";
    event.layer = progress.slab_idx;
    event.num_layers = progress.num_slabs;
    const double done =
        std::max(static_cast<double>(progress.tokens_done) /
                     static_cast<double>(std::max<int64_t>(num_tokens, 1)),
                 static_cast<double>(progress.num_complete) /
                     static_cast<double>(requests.size()));
    event.fraction =
        (static_cast<double>(num_finished_before) +
         std::min(done, 1.0) * static_cast<double>(pending.size())) /
        static_cast<double>(operations_.size());
    Report(std::move(event));
  };
  const Status status = model.engine->Run(requests, hooks);
  if (!kept) return kept;
  REVLM_TRY(status);
  RunEvent last;
  last.model = model.alias;
  last.phase = "done";
  last.fraction = static_cast<double>(num_finished_) /
                  static_cast<double>(operations_.size());
  Report(std::move(last));
  return {};
}

Status Runner::Finish(Operation& operation, OperationResult result) {
  OpRecord record = {.result = std::move(result),
                     .finished = base::FormatUtc(clock_.Wall()),
                     .seconds = Seconds()};
  REVLM_TRY(directory_->journal().Append(record));
  operation.result = std::move(record.result);
  metrics_->Finish(operation.model->alias, operation.result->error);
  ++num_finished_;
  return {};
}

Status Runner::WriteResults() {
  REVLM_TRY(ReadKeptResults());
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
  const Status read = ReadKeptResults();
  if (!read && !stopped_by) stopped_by = read.error();
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
