#include "run/run.h"

#include <algorithm>
#include <map>
#include <memory>
#include <new>
#include <numeric>
#include <optional>
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
#include "run/model_runner.h"
#include "run/orchestration.h"
#include "run/plan.h"
#include "run/preparation.h"
#include "run/run_directory.h"
#include "run/supervisor.h"
#include "run/weight_digests.h"

namespace revlm::run {
namespace {

using base::Json;

std::string_view BreakerName(sched::CircuitBreaker::State state) {
  switch (state) {
    case sched::CircuitBreaker::State::kClosed:
      return "closed";
    case sched::CircuitBreaker::State::kOpen:
      return "open";
    case sched::CircuitBreaker::State::kHalfOpen:
      return "half_open";
  }
  return "";
}

class Runner : public RunHost {
 public:
  Runner(const RunOptions& options, const base::Clock& clock,
         Preparation prepared)
      : options_(options),
        clock_(clock),
        started_(clock.Monotonic()),
        prepared_(std::move(prepared)),
        supervisor_(prepared_, clock, *this),
        left_of_(prepared_.work.size()),
        done_of_(prepared_.work.size()) {}

  Result<RunSummary> Run();

  Status Finish(ModelWork& work, Operation& operation,
                OperationResult result) override;
  std::optional<std::string> KnownRoot(const ModelWork& work) override {
    return TensorRootIn(directory_->manifest(), IndexOf(work));
  }
  Status NoteRoot(const ModelWork& work, const std::string& root) override;
  std::string TensorsPath(const ModelWork& work) override {
    return directory_->path() + "/" + TensorsFileName(work.alias());
  }
  std::string RunPath() override { return directory_->path(); }
  void NotePlan(const ModelWork& work, const engine::RunPlan& plan) override;
  void TellPlan(const ModelWork& work, const engine::RunPlan& plan) override;
  void TellProgress(const ModelWork& work, const engine::Progress& progress,
                    double done) override;
  Status NoteChange(const ModelWork& work,
                    const sched::Decision& decision) override;
  void TellNotice(std::string message) override {
    Tell(RunEvent::Kind::kNotice, std::move(message));
  }
  void TellDraining() override {
    Tell(RunEvent::Kind::kDraining,
         "stopping on request: what is in flight is finished, nothing more is "
         "begun");
  }
  void WorkerBegins(const ModelWork& work, int64_t pid) override;
  void WorkerEnded(const ModelWork& work) override;
  void CleanAfter(int64_t pid) override;
  void TellRetry(const ModelWork& work, const Error& error,
                 size_t num_operations) override;
  void TellBreaker(const ModelWork& work,
                   sched::CircuitBreaker::State state) override;
  void Tick() override;

 private:
  // Of a run that began with a model which cannot be opened now, nothing is
  // touched: once it can be, the run goes on.
  Status CheckModelsOfEarlier(const Json& plan) const;
  // Takes over what earlier starts finished; their results are read later.
  Status Resume();
  // The result of an earlier start, unless it is there already.
  Status ReadKept(Operation& operation);
  Status RunModels();
  void TellAtOnce();
  RunStatus StatusAtStart() const;
  Status WriteResults();
  RunSummary Summarize(std::optional<Error> stopped_by);
  // Takes the results that are to be in the summary, and counts.
  Status SumUp(RunSummary& summary);

  size_t IndexOf(const ModelWork& work) const {
    return static_cast<size_t>(&work - prepared_.work.data());
  }
  double Seconds() const {
    return std::chrono::duration<double>(clock_.Monotonic() - started_).count();
  }
  void Tell(RunEvent::Kind kind, std::string message);
  void TellMemory();
  void Report(RunEvent event);

  const RunOptions& options_;
  const base::Clock& clock_;
  const std::chrono::nanoseconds started_;
  Preparation prepared_;
  Supervisor supervisor_;
  std::unique_ptr<RunDirectory> directory_;
  std::unique_ptr<Metrics> metrics_;  // null when there is nothing to run
  int64_t num_operations_ = 0;
  int64_t num_finished_ = 0;
  int64_t num_resumed_ = 0;
  std::vector<int64_t> left_of_;  // operations without a result, by model
  std::vector<double> done_of_;   // of the operations a worker has, by model
  double fraction_ = 0;           // told last
};

void Runner::Report(RunEvent event) {
  Tick();
  if (!options_.on_event) return;
  if (metrics_) event.status = metrics_->latest();
  event.num_finished = num_finished_;
  event.num_total = num_operations_;
  event.unit = "operations";
  event.seconds = Seconds();
  options_.on_event(event);
}

void Runner::Tell(RunEvent::Kind kind, std::string message) {
  const bool is_noted =
      kind == RunEvent::Kind::kNotice || kind == RunEvent::Kind::kDraining;
  if (metrics_ && is_noted) metrics_->Note(message);
  RunEvent event;
  event.kind = kind;
  event.message = std::move(message);
  Report(std::move(event));
}

// The event carries the sample, also while no worker says anything.
void Runner::Tick() {
  if (metrics_ && metrics_->Tick()) TellMemory();
}

void Runner::TellMemory() {
  if (metrics_) Tell(RunEvent::Kind::kDebug, metrics_->MemoryLine());
}

Status Runner::CheckModelsOfEarlier(const Json& plan) const {
  const auto cannot_open = [](const ModelWork& work) {
    return work.cannot_open.has_value();
  };
  if (std::ranges::none_of(prepared_.work, cannot_open)) return {};
  REVLM_ASSIGN_OR_RETURN(const Json earlier, FindEarlier(options_, plan));
  for (const ModelWork& work : prepared_.work) {
    if (!work.cannot_open ||
        !BeganWithModel(earlier, IndexOf(work),
                        work.description.summary.reference)) {
      continue;
    }
    return base::WithContext(
        *work.cannot_open,
        fmt::format("resuming: {} cannot be opened now, the run began with it",
                    work.alias()));
  }
  return {};
}

Status Runner::Resume() {
  std::map<std::string_view, std::unordered_map<std::string_view, Operation*>>
      by_model_and_key;
  for (ModelWork& work : prepared_.work) {
    auto& by_key = by_model_and_key[work.alias()];
    by_key.reserve(work.operations.size());
    for (Operation& operation : work.operations) {
      by_key[operation.key] = &operation;
    }
  }
  const std::vector<JournalEntry> entries = directory_->TakeEntries();
  for (const JournalEntry& entry : entries) {
    const auto model = by_model_and_key.find(entry.model);
    if (model == by_model_and_key.end()) continue;
    const auto found = model->second.find(entry.key);
    if (found == model->second.end() || found->second->is_done()) continue;
    found->second->kept = entry.place;
    found->second->has_failed = entry.has_failed;
    found->second->attempts = entry.attempts;
    ++num_resumed_;
  }
  num_finished_ = num_resumed_;
  for (const ModelWork& work : prepared_.work) {
    left_of_[IndexOf(work)] = std::ranges::count_if(
        work.operations,
        [](const Operation& operation) { return !operation.is_done(); });
  }
  if (entries.empty()) return {};
  for (size_t i = 0; i < prepared_.work.size(); ++i) {
    if (prepared_.work[i].cannot_open) continue;
    const ModelDescription& model = prepared_.work[i].description;
    REVLM_TRY(CheckNumerics(directory_->manifest(), i, model));
    if (!TensorRootIn(directory_->manifest(), i)) {
      REVLM_TRY(CheckWeightFiles(directory_->manifest(), i, model));
    }
  }
  return {};
}

Status Runner::ReadKept(Operation& operation) {
  if (operation.result) return {};
  REVLM_ASSIGN_OR_RETURN(OpRecord record,
                         directory_->journal().Read(operation.kept));
  operation.result = std::move(record.result);
  return {};
}

RunStatus Runner::StatusAtStart() const {
  RunStatus status;
  status.run_dir = directory_->path();
  status.memory_limit_bytes = prepared_.limit_bytes;
  status.memory_reserve_bytes = memory::ReserveBytes(prepared_.limit_bytes);
  for (const ModelWork& work : prepared_.work) {
    ModelStatus model;
    model.alias = work.alias();
    model.num_planned = static_cast<int64_t>(work.operations.size());
    for (const Operation& operation : work.operations) {
      if (!operation.is_done()) continue;
      ++model.num_done;
      if (operation.has_failed) ++model.num_failed;
    }
    status.models.push_back(std::move(model));
  }
  return status;
}

Result<RunSummary> Runner::Run() {
  num_operations_ = prepared_.num_operations();
  for (const std::string& notice :
       {prepared_.unasked_notice, prepared_.limit_notice}) {
    if (!notice.empty()) Tell(RunEvent::Kind::kNotice, notice);
  }
  for (std::string& notice : FailureNotices(prepared_.prompt_systems)) {
    Tell(RunEvent::Kind::kNotice, std::move(notice));
  }
  const Json plan = PlanToJson(options_, prepared_);
  REVLM_TRY(CheckModelsOfEarlier(plan));
  REVLM_ASSIGN_OR_RETURN(RunDirectory directory,
                         RunDirectory::Open(options_, plan, clock_));
  directory_ = std::make_unique<RunDirectory>(std::move(directory));
  REVLM_TRY(Resume());
  for (const ModelWork& work : prepared_.work) {
    if (!work.cannot_open) continue;
    Tell(RunEvent::Kind::kNotice,
         fmt::format("{} cannot be opened, its operations fail: {}",
                     work.alias(), work.cannot_open->message));
  }
  if (num_finished_ == num_operations_ && directory_->is_finished()) {
    // Digests that could not be taken then may be taken now.
    const Status hashed = RunModels();
    Tell(RunEvent::Kind::kNotice,
         fmt::format("{} is finished; these are its results, nothing was run",
                     directory_->path()));
    return Summarize(hashed ? std::nullopt : std::optional(hashed.error()));
  }
  if (num_resumed_ > 0) {
    Tell(RunEvent::Kind::kNotice,
         fmt::format("resuming {}: {} of {} operations are done",
                     directory_->path(), num_resumed_, num_operations_));
  } else {
    REVLM_TRY(directory_->WriteManifest(
        NewManifest(options_, prepared_, plan, clock_)));
  }
  metrics_ = std::make_unique<Metrics>(
      StatusAtStart(), prepared_.program_bytes, clock_,
      [this](std::string message) { TellNotice(std::move(message)); });
  Tick();
  TellAtOnce();
  Status status = RunModels();
  if (status) status = WriteResults();
  // What finished is kept even when the disk is full or the run was stopped.
  const Status synced = directory_->journal().Sync();
  std::optional<Error> stopped_by;
  if (!synced) stopped_by = synced.error();
  if (!status) stopped_by = status.error();
  metrics_->End(stopped_by ? RunState::kStopped : RunState::kFinished,
                stopped_by);
  TellMemory();
  return Summarize(std::move(stopped_by));
}

void Runner::TellAtOnce() {
  if (prepared_.choices.size() < 2) return;
  std::string choices;
  for (const sched::AtOnce& choice : prepared_.choices) {
    choices += fmt::format("{}{}: {:.3g} s", choices.empty() ? "" : ", ",
                           choice.num_models, choice.seconds);
  }
  Tell(RunEvent::Kind::kDetail,
       fmt::format("models at once: {} (predicted, {})", prepared_.num_workers,
                   choices));
}

Status Runner::RunModels() {
  const auto look_at_files = [&](const ModelWork& work) {
    // Files that are not the ones seen before may hold other weights.
    const Status same = CheckWeightFiles(directory_->manifest(), IndexOf(work),
                                         work.description);
    return same ? ModelRunner::Files::kSeen : ModelRunner::Files::kOther;
  };
  return supervisor_.Run(options_.stop, options_.drain, look_at_files);
}

Status Runner::NoteRoot(const ModelWork& work, const std::string& root) {
  Json manifest = directory_->manifest();
  SetTensorRoot(manifest, IndexOf(work), root);
  return directory_->WriteManifest(std::move(manifest));
}

void Runner::WorkerBegins(const ModelWork& work, int64_t pid) {
  if (!metrics_) return;
  metrics_->Begin(work.alias(), static_cast<int32_t>(pid),
                  prepared_.LeaseBytes(work));
}

void Runner::WorkerEnded(const ModelWork& work) {
  if (metrics_) metrics_->Leave(work.alias());
}

void Runner::CleanAfter(int64_t pid) {
  directory_->RemoveTemporaryFilesOf(pid);
  DigestCache(options_.environment.cache_dir).RemoveTemporaryFilesOf(pid);
}

void Runner::TellRetry(const ModelWork& work, const Error& error,
                       size_t num_operations) {
  if (metrics_) metrics_->Retry(work.alias(), error, num_operations);
}

void Runner::TellBreaker(const ModelWork& work,
                         sched::CircuitBreaker::State state) {
  if (metrics_) metrics_->SetBreaker(work.alias(), BreakerName(state));
}

void Runner::NotePlan(const ModelWork& work, const engine::RunPlan& plan) {
  supervisor_.NotePeaks();
  if (!metrics_) return;
  metrics_->SetPlanned(prepared_.program_bytes + supervisor_.planned_bytes());
  metrics_->SetPlan(work.alias(), plan.use);
}

void Runner::TellPlan(const ModelWork& work, const engine::RunPlan& plan) {
  const engine::NumericsClass& numerics = work.description.numerics;
  Tell(RunEvent::Kind::kDetail,
       fmt::format("{}: {} by {} on {}; {} of {} slabs stay in memory, {} "
                   "passes over the weights, {} bytes planned of {}",
                   work.alias(), numerics.compute, numerics.products,
                   numerics.isa, plan.num_pinned_slabs, plan.num_slabs,
                   plan.num_passes,
                   prepared_.program_bytes + supervisor_.planned_bytes(),
                   prepared_.limit_bytes));
  TellMemory();
}

void Runner::TellProgress(const ModelWork& work,
                          const engine::Progress& progress, double done) {
  const bool is_prefill = progress.phase == engine::Progress::Phase::kPrefill;
  RunEvent event;
  event.model = work.alias();
  event.phase = is_prefill ? "prefill" : "decode";
  event.layer = progress.slab_idx;
  event.num_layers = progress.num_slabs;
  // What is finished of it counts already.
  done_of_[IndexOf(work)] = std::max(done - progress.num_complete, 0.0);
  const double in_work = std::accumulate(done_of_.begin(), done_of_.end(), 0.0);
  fraction_ = std::clamp((static_cast<double>(num_finished_) + in_work) /
                             static_cast<double>(num_operations_),
                         fraction_, 1.0);
  event.fraction = fraction_;
  Report(std::move(event));
}

Status Runner::NoteChange(const ModelWork& work,
                          const sched::Decision& decision) {
  Tell(RunEvent::Kind::kDetail,
       fmt::format("{}: after {} operations, {}", work.alias(), num_finished_,
                   decision.reason));
  return directory_->LogDecision(
      {{"schema", "revlm.decision/1"},
       {"time", base::FormatUtc(clock_.Wall())},
       {"model", work.alias()},
       {"num_finished", num_finished_},
       {"batch_size", decision.setting.batch_size},
       {"threads", decision.setting.num_threads},
       {"memory_bytes", decision.setting.memory_bytes},
       {"reason", decision.reason}});
}

Status Runner::Finish(ModelWork& work, Operation& operation,
                      OperationResult result) {
  result.model = work.alias();
  result.reference = work.description.summary.reference;
  result.id = operation.prompt->id;
  result.key = operation.key;
  result.prompt = operation.prompt->text;
  result.prompt_token_ids = std::move(operation.token_ids);
  OpRecord record = {.result = std::move(result),
                     .finished = base::FormatUtc(clock_.Wall()),
                     .seconds = Seconds()};
  REVLM_TRY(directory_->journal().Append(record));
  operation.result = std::move(record.result);
  if (metrics_) metrics_->Finish(work.alias(), operation.result->error);
  ++num_finished_;
  if (--left_of_[IndexOf(work)] > 0) return {};
  done_of_[IndexOf(work)] = 0;
  RunEvent event;
  event.model = work.alias();
  event.phase = "done";
  fraction_ = std::max(fraction_, static_cast<double>(num_finished_) /
                                      static_cast<double>(num_operations_));
  event.fraction = fraction_;
  Report(std::move(event));
  return {};
}

Status Runner::WriteResults() {
  REVLM_ASSIGN_OR_RETURN(
      base::AtomicFile file,
      base::AtomicFile::Create(directory_->path() + "/" + kResultsName));
  // Many lines at once, in the memory that messages of workers took.
  constexpr size_t kPieceBytes = 64 << 10;
  std::string piece;
  for (ModelWork& work : prepared_.work) {
    for (Operation& operation : work.operations) {
      REVLM_TRY(ReadKept(operation));
      piece += ResultToLine(*operation.result);
      if (piece.size() < kPieceBytes) continue;
      REVLM_TRY(file.Append(base::AsBytes(piece)));
      piece.clear();
    }
  }
  REVLM_TRY(file.Append(base::AsBytes(piece)));
  REVLM_TRY(file.Commit());
  Json manifest = directory_->manifest();
  manifest["state"] = "finished";
  manifest["finished"] = base::FormatUtc(clock_.Wall());
  return directory_->WriteManifest(std::move(manifest));
}

Status Runner::SumUp(RunSummary& summary) {
  const bool takes_all =
      static_cast<uint64_t>(num_operations_) <= options_.max_summary_results;
  for (ModelWork& work : prepared_.work) {
    for (Operation& operation : work.operations) {
      if (!operation.is_done()) continue;
      const auto& result = operation.result;
      const bool has_failed =
          result ? result->error.has_value() : operation.has_failed;
      if (has_failed) ++summary.num_failed;
      if (operation.has_failed) ++summary.num_resumed_failed;
      if ((result ? result->attempts : operation.attempts) > 1) {
        ++summary.num_retried;
      }
      if (!takes_all && !has_failed) continue;
      REVLM_TRY(ReadKept(operation));
      summary.results.push_back(*std::move(operation.result));
    }
  }
  return {};
}

RunSummary Runner::Summarize(std::optional<Error> stopped_by) {
  RunSummary summary;
  summary.run_dir = directory_->path();
  for (const ModelWork& work : prepared_.work) {
    summary.models.push_back(work.description.summary);
    summary.models.back().tensor_root = KnownRoot(work).value_or("");
  }
  summary.num_prompts = static_cast<int64_t>(prepared_.prompts.size());
  summary.prompt_systems = prepared_.prompt_systems;
  summary.mode = ModeName(options_.mode);
  summary.num_operations = num_operations_;
  summary.num_resumed = num_resumed_;
  summary.num_finished = num_finished_;
  if (const Status read = SumUp(summary); !read && !stopped_by) {
    stopped_by = read.error();
  }
  summary.seconds = Seconds();
  const uint64_t workers_peak =
      std::max(prepared_.workers_peak_bytes, supervisor_.peak_bytes());
  summary.peak_memory_bytes = PeakMemoryBytes() + workers_peak;
  if (supervisor_.planned_bytes() > 0) {
    summary.planned_memory_bytes =
        prepared_.program_bytes +
        std::max(supervisor_.planned_bytes(), prepared_.OpeningBytes());
  }
  summary.memory_limit_bytes = prepared_.limit_bytes;
  summary.stopped_by = std::move(stopped_by);
  return summary;
}

// Code is made present, so that what is held does not depend on which of it is
// needed when. Allocations beyond what workers leave of the limit fail instead
// of growing the process: private memory may grow by that, and by the stacks of
// threads.
Status OwnProcess(const Preparation& prepared) {
  memory::Populate(memory::ReadImage());
  constexpr uint64_t kNumThreads = 4;  // of the caller's, at most
  const uint64_t share_bytes = prepared.limit_bytes - prepared.WorkersBytes();
  const uint64_t held = memory::ReadProcessMemory().anonymous_bytes;
  return memory::FenceHeap(share_bytes - std::min(held, share_bytes) +
                           kNumThreads * memory::StackBytes());
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
