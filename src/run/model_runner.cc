#include "run/model_runner.h"

#include <algorithm>
#include <functional>
#include <utility>
#include <variant>

#include "memory/image.h"
#include "run/describe.h"

namespace revlm::run {

using std::chrono::nanoseconds;

ModelRunner::ModelRunner(const Preparation& prepared, ModelWork& work,
                         Files files, const base::Clock& clock, RunHost& host)
    : prepared_(prepared),
      options_(prepared.options),
      work_(work),
      files_(files),
      clock_(clock),
      host_(host),
      breaker_(sched::BreakerRules()) {}

Status ModelRunner::Continue() {
  if (phase_ == Phase::kNew) return Begin();
  if (wakes_at_) {
    if (clock_.Monotonic() < *wakes_at_) return {};
    wakes_at_.reset();
    return worker_ ? RunNext() : OpenWorker();
  }
  // One that never ends its talk does not keep others waiting.
  constexpr int kMaxMessages = 64;
  has_more_ = false;
  for (int i = 0; i < kMaxMessages; ++i) {
    if (!worker_ || phase_ == Phase::kWaiting) return {};
    auto message = worker_->TryReceive();
    if (!message) return WorkerDied(message.error());
    if (!*message) return {};
    REVLM_TRY(Take(**std::move(message)));
  }
  has_more_ = worker_ && phase_ != Phase::kWaiting;
  return {};
}

void ModelRunner::Kill() const {
  if (worker_) worker_->Kill();
}

Status ModelRunner::Stop() {
  if (!worker_) return {};
  Kill();
  worker_->WaitForEnd();
  Status kept;
  while (kept && phase_ == Phase::kRunning) {
    auto message = worker_->TryReceive();
    if (!message || !*message) break;  // that was all it had said
    auto* completed = std::get_if<CompletedRequest>(&**message);
    if (completed != nullptr) kept = Completed(std::move(*completed));
  }
  DropWorker();
  return kept;
}

Status ModelRunner::Drain() {
  is_draining_ = true;
  switch (phase_) {
    case Phase::kRunning: {
      const Status sent = worker_->Send(run::Drain{});
      return sent ? Status() : WorkerDied(sent.error());
    }
    case Phase::kHashing:  // all prompts are done, and soon it is
    case Phase::kDone:
      return {};
    default:
      REVLM_TRY(Stop());
      return LeaveRest();
  }
}

Status ModelRunner::Begin() {
  for (Operation& operation : work_.operations) {
    if (operation.is_done()) continue;
    if (!operation.error) {
      pending_.push_back(&operation);
      continue;
    }
    OperationResult result;
    result.error = operation.error;
    result.attempts = 0;
    REVLM_TRY(host_.Finish(work_, operation, std::move(result)));
  }
  std::ranges::stable_sort(pending_, std::greater(), [](const Operation* o) {
    return o->prompt->priority;
  });
  attempts_.assign(pending_.size(), 1);
  was_asked_.assign(pending_.size(), false);
  const bool has_root = host_.KnownRoot(work_).has_value();
  if (work_.cannot_open ||
      (pending_.empty() && has_root && files_ == Files::kSeen)) {
    work_.worker.reset();
    Finish();
    return {};
  }
  if (!work_.worker) return OpenWorker();
  worker_ = std::exchange(work_.worker, std::nullopt);
  worker_->LimitMessages(work_.max_message_bytes);
  host_.WorkerBegins(work_, worker_->pid());
  return CheckWeights();
}

Status ModelRunner::OpenWorker() {
  if (IsShutOff() && !Unfinished().empty()) return Pause();
  phase_ = Phase::kOpening;
  auto worker = Worker::Start(options_);
  if (!worker) return WorkerDied(worker.error());
  worker_ = *std::move(worker);
  worker_->LimitMessages(work_.max_message_bytes);
  host_.WorkerBegins(work_, worker_->pid());
  planned_bytes_ = std::max(planned_bytes_, work_.PeakBytes(0));
  const Status sent = worker_->Send(
      MakeOpenModel(prepared_, work_.description.summary.reference));
  return sent ? Status() : WorkerDied(sent.error());
}

Status ModelRunner::CheckWeights() {
  phase_ = Phase::kChecking;
  const bool has_root = host_.KnownRoot(work_).has_value();
  const Status sent = worker_->Send(
      AskDigests{.reads_weights = has_root && !is_checked_,
                 .tensors_file = has_root ? "" : host_.TensorsPath(work_)});
  return sent ? Status() : WorkerDied(sent.error());
}

Status ModelRunner::RunNext() {
  group_.clear();
  while (search_ && group_.empty() && !search_->Next().empty()) {
    group_ = Unfinished(search_->Next());
    if (group_.empty()) search_->Survived();
  }
  if (group_.empty()) {
    search_.reset();
    group_ = Unfinished();
  }
  if (group_.empty()) return HashRest();
  if (is_draining_) return LeaveRest();
  if (options_.circuit_breaker) {
    permit_ = breaker_.Ask(clock_.Monotonic());
    const auto state = breaker_.state(clock_.Monotonic());
    host_.TellBreaker(work_, state);
    if (!permit_) return Pause();
    if (state == sched::CircuitBreaker::State::kHalfOpen) group_.resize(1);
  }
  phase_ = Phase::kRunning;
  given_ = clock_.Monotonic();
  host_.WorkerBegins(work_, worker_->pid());
  std::vector<Operation*> operations;
  group_tokens_ = 0;
  is_plan_told_ = false;
  for (const size_t i : group_) {
    was_asked_[i] = true;
    operations.push_back(pending_[i]);
    group_tokens_ += static_cast<int64_t>(pending_[i]->token_ids.size()) +
                     pending_[i]->prompt->max_tokens;
  }
  Status sent = SendRequests(*worker_, operations);
  if (sent) {
    sent =
        worker_->Send(RunRequests{.engine_bytes = prepared_.EngineBytes(work_),
                                  .num_threads = prepared_.threads_each,
                                  .process_bytes = prepared_.LeaseBytes(work_),
                                  .run_dir = host_.RunPath(),
                                  .alias = work_.alias()});
  }
  return sent ? Status() : WorkerDied(sent.error());
}

Status ModelRunner::HashRest() {
  if (host_.KnownRoot(work_)) {
    Finish();
    return {};
  }
  phase_ = Phase::kHashing;
  const Status sent = worker_->Send(AskDigests{
      .reads_weights = true, .tensors_file = host_.TensorsPath(work_)});
  return sent ? Status() : WorkerDied(sent.error());
}

void ModelRunner::Finish() {
  phase_ = Phase::kDone;
  wakes_at_.reset();
  DismissWorker();
}

// Its compiled products and scratch are not the next one's to pay for.
void ModelRunner::DismissWorker() {
  if (!worker_) return;
  NotePeak();
  std::move(*worker_).Dismiss();
  worker_.reset();
  host_.WorkerEnded(work_);
}

Status ModelRunner::LeaveRest() {
  has_left_work_ = true;
  Finish();
  return {};
}

// It died, or is to.
void ModelRunner::DropWorker() {
  const int64_t pid = worker_->pid();
  worker_.reset();
  host_.WorkerEnded(work_);
  host_.CleanAfter(pid);
}

Status ModelRunner::Take(FromWorker message) {
  if (auto* failed = std::get_if<Failed>(&message)) {
    return FailedWith(std::move(*failed));
  }
  switch (phase_) {
    case Phase::kOpening:
      if (const auto* model = std::get_if<ModelDescription>(&message)) {
        return Opened(*model);
      }
      break;
    case Phase::kChecking:
    case Phase::kHashing:
      if (const auto* digests = std::get_if<DigestRoot>(&message)) {
        return Checked(*digests);
      }
      break;
    case Phase::kRunning:
      return TakeOfRun(std::move(message));
    default:
      break;
  }
  return WorkerMadeNoSense();
}

Status ModelRunner::TakeOfRun(FromWorker message) {
  if (auto* completed = std::get_if<CompletedRequest>(&message)) {
    if (completed->request_idx >= group_.size()) return WorkerMadeNoSense();
    return Completed(std::move(*completed));
  }
  if (const auto* progress = std::get_if<engine::Progress>(&message)) {
    Progressed(*progress);
    return {};
  }
  if (const auto* plan = std::get_if<engine::RunPlan>(&message)) {
    Planned(*plan);
    return {};
  }
  const auto* decision = std::get_if<sched::Decision>(&message);
  if (decision != nullptr && options_.adaptive) {
    return host_.NoteChange(work_, *decision);
  }
  if (std::holds_alternative<RunEnded>(message)) return Ended();
  return WorkerMadeNoSense();
}

Status ModelRunner::Opened(const ModelDescription& description) {
  if (IsSameModel(work_.description, description)) return CheckWeights();
  return GiveUp(
      {ErrorCode::kCorrupt,
       fmt::format("opening {} again: its files in {} are not those "
                   "that the run began with",
                   work_.alias(), work_.description.summary.directory)});
}

Status ModelRunner::Checked(const DigestRoot& digests) {
  const auto known = host_.KnownRoot(work_);
  // A worker that was started anew has the files of the one that was checked
  // (`Opened`); whether digests are kept by now says nothing about them.
  const bool may_be_unread = is_checked_ && digests.root.empty();
  if (known && digests.root != *known && !may_be_unread) {
    return base::MakeError(
        ErrorCode::kInvalidArgument,
        "resuming {}: the weights in {} changed since the run began (tensor "
        "root {} there, {} now); start a new run",
        work_.alias(), work_.description.summary.directory,
        known->substr(0, 16), digests.root.substr(0, 16));
  }
  if (!known && !digests.root.empty()) {
    REVLM_TRY(host_.NoteRoot(work_, digests.root));
  }
  is_checked_ = known || !digests.root.empty();
  if (phase_ == Phase::kChecking) return RunNext();
  Finish();
  return {};
}

Status ModelRunner::Completed(CompletedRequest completed) {
  if (completed.request_idx >= group_.size()) return {};
  const size_t idx = group_[completed.request_idx];
  Operation& operation = *pending_[idx];
  if (operation.result) return {};  // told twice
  const std::optional<Error>& error = completed.result.error;
  const bool is_refused = error && error->code == ErrorCode::kInvalidArgument;
  completed.result.attempts = is_refused ? 0 : attempts_[idx];
  completed.result.duration_seconds =
      std::chrono::duration<double>(clock_.Monotonic() - given_).count();
  num_run_retries_ = 0;
  num_open_retries_ = 0;
  num_pauses_ = 0;
  REVLM_TRY(host_.Finish(work_, operation, std::move(completed.result)));
  constexpr std::chrono::milliseconds kPeakTime(100);
  if (clock_.Monotonic() - peak_read_ >= kPeakTime) NotePeak();
  return {};
}

void ModelRunner::Planned(const engine::RunPlan& plan) {
  planned_bytes_ =
      std::max(planned_bytes_, work_.PeakBytes(plan.use.peak_bytes()));
  host_.NotePlan(work_, plan);
  if (!std::exchange(is_plan_told_, true)) host_.TellPlan(work_, plan);
}

void ModelRunner::Progressed(const engine::Progress& progress) {
  const auto num_requests = static_cast<double>(group_.size());
  const double share =
      std::max(static_cast<double>(progress.tokens_done) /
                   static_cast<double>(std::max<int64_t>(group_tokens_, 1)),
               static_cast<double>(progress.num_complete) / num_requests);
  host_.TellProgress(work_, progress,
                     std::clamp(share, 0.0, 1.0) * num_requests);
}

Status ModelRunner::Ended() {
  NotePeak();
  if (!Unfinished(group_).empty()) {
    if (is_draining_) return LeaveRest();
    return WorkerDied({ErrorCode::kUnavailable,
                       "its worker process was ended: it left operations "
                       "without an answer"});
  }
  Record(std::nullopt);
  return RunNext();
}

void ModelRunner::NotePeak() {
  peak_read_ = clock_.Monotonic();
  const uint64_t peak = worker_->PeakBytes();
  const uint64_t shared =
      memory::SharedBytes(work_.description.process.image, prepared_.image);
  peak_bytes_ = std::max(peak_bytes_, peak - std::min(peak, shared));
}

std::vector<size_t> ModelRunner::Unfinished() const {
  std::vector<size_t> unfinished;
  for (size_t i = 0; i < pending_.size(); ++i) {
    if (!pending_[i]->result) unfinished.push_back(i);
  }
  return unfinished;
}

std::vector<size_t> ModelRunner::Unfinished(
    std::span<const size_t> group) const {
  std::vector<size_t> unfinished;
  for (const size_t i : group) {
    if (!pending_[i]->result) unfinished.push_back(i);
  }
  return unfinished;
}

}  // namespace revlm::run
