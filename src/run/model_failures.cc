// What a model's runner does when something goes wrong.
#include <span>
#include <utility>

#include "run/model_runner.h"

namespace revlm::run {

using sched::FailureClass;
using std::chrono::nanoseconds;

Status ModelRunner::FailedWith(Failed failed) {
  if (failed.is_of_output) return std::unexpected<Error>(failed.error);
  if (is_draining_) return LeaveRest();
  const FailureClass failure = sched::Classify(failed.error.code);
  if (phase_ == Phase::kRunning) {
    Record(failure);
    return RunFailedWith(failed.error);
  }
  if (failure == FailureClass::kTransient &&
      Retry(failed.error, 0, num_open_retries_)) {
    DropWorker();  // from the beginning: the worker may be what is wrong
    return {};
  }
  return GiveUp(failed.error);
}

Status ModelRunner::RunFailedWith(const Error& error) {
  std::vector<size_t> again;
  std::vector<size_t> given_up;
  for (const size_t i : Unfinished(group_)) {
    (attempts_[i] > options_.max_retries ? given_up : again).push_back(i);
  }
  switch (sched::Classify(error.code)) {
    case FailureClass::kTransient:
      REVLM_TRY(Fail(given_up, error));
      if (!given_up.empty()) num_run_retries_ = 0;
      if (again.empty()) return RunNext();
      if (!Retry(error, again.size(), num_run_retries_)) return GiveUp(error);
      CountAttempt(again);
      return {};
    case FailureClass::kResource:
      // What ran in company may have room alone.
      if (group_.size() > 1 && !Unfinished(group_).empty()) {
        SearchOn();
        return RunNext();
      }
      REVLM_TRY(Fail(Unfinished(group_), error));
      return RunNext();
    default:
      return GiveUp(error);
  }
}

Status ModelRunner::WorkerDied(const Error& error) {
  if (worker_) DropWorker();
  if (is_draining_) return LeaveRest();
  const Error named = {
      error.code, fmt::format("running {}: {}", work_.alias(), error.message)};
  if (phase_ == Phase::kRunning) return NextOfSearch(named);
  if (Retry(named, 0, num_open_retries_)) return {};
  return GiveUp(named);
}

Status ModelRunner::WorkerMadeNoSense() {
  return WorkerDied({ErrorCode::kUnavailable,
                     "its worker process was ended: found a message that "
                     "answers nothing that was asked"});
}

// Of the group that was with the worker when it died.
Status ModelRunner::NextOfSearch(const Error& error) {
  SearchOn();
  // While it is not known which of them kills, a death says nothing of the
  // model.
  const bool is_any_found = num_quarantined_ < search_->quarantined().size();
  Record(is_any_found ? sched::kWorkerDied : FailureClass::kResource);
  const Error found = {
      error.code, fmt::format("{}; so it went each of the {} times that this "
                              "prompt was run alone, it is put aside",
                              error.message, options_.max_retries + 1)};
  const auto quarantined =
      std::span(search_->quarantined()).subspan(num_quarantined_);
  num_quarantined_ = search_->quarantined().size();
  REVLM_TRY(Fail(quarantined, found));
  if (search_->has_given_up()) {
    return GiveUp(
        {error.code,
         fmt::format("{}; the model is given up: the last {} prompts "
                     "that were run alone were put aside, and none "
                     "was finished between them; see whether its "
                     "worker can run here at all",
                     error.message, sched::PoisonSearch::kMostInARow)});
  }
  const int64_t num_alone = search_->num_deaths_alone();
  if (num_alone > 0) {
    CountAttempt(search_->Next());
    host_.TellRetry(work_, error, search_->Next().size());
    const sched::RetryPolicy policy = {.max_retries = options_.max_retries};
    WaitFor(sched::RetryWait(policy, sched::kWorkerDied,
                             search_->Next().front(), num_alone - 1)
                .value_or(nanoseconds(0)));
    return {};
  }
  if (Unfinished().empty() && host_.KnownRoot(work_)) {
    Finish();
    return {};
  }
  return OpenWorker();
}

Status ModelRunner::GiveUp(const Error& error) {
  REVLM_TRY(Fail(Unfinished(), error));
  if (!host_.KnownRoot(work_)) {
    host_.TellNotice(
        fmt::format("{}: the digest of its weights is not known "
                    "({})",
                    work_.alias(), error.message));
  }
  search_.reset();
  Finish();
  return {};
}

Status ModelRunner::Fail(std::span<const size_t> group, const Error& error) {
  for (const size_t i : group) {
    OperationResult result;
    result.attempts = was_asked_[i] ? attempts_[i] : 0;
    result.error = error;
    REVLM_TRY(host_.Finish(work_, *pending_[i], std::move(result)));
  }
  return {};
}

// Of the group of the search, some may have been finished before the group that
// the worker had.
void ModelRunner::SearchOn() {
  if (!search_) {
    search_.emplace(group_, options_.max_retries);
    num_quarantined_ = 0;
  }
  std::vector<size_t> finished;
  for (const size_t i : search_->Next()) {
    if (pending_[i]->result) finished.push_back(i);
  }
  search_->Died(finished);
}

bool ModelRunner::Retry(const Error& error, size_t num_operations,
                        int64_t& num_retries) {
  const sched::RetryPolicy policy = {.max_retries = options_.max_retries};
  const auto wait =
      sched::RetryWait(policy, FailureClass::kTransient, 0, num_retries);
  if (!wait) return false;
  ++num_retries;
  host_.TellRetry(work_, error, num_operations);
  WaitFor(*wait);
  return true;
}

void ModelRunner::WaitFor(nanoseconds time) {
  phase_ = Phase::kWaiting;
  wakes_at_ = clock_.Monotonic() + time;
}

bool ModelRunner::IsShutOff() const {
  return options_.circuit_breaker && breaker_.state(clock_.Monotonic()) ==
                                         sched::CircuitBreaker::State::kOpen;
}

// Its place and its memory are others' meanwhile.
Status ModelRunner::Pause() {
  if (num_pauses_ >= options_.max_retries) {
    const std::string later =
        num_pauses_ == 0
            ? ""
            : fmt::format(" and {} later tries with one prompt", num_pauses_);
    return GiveUp({ErrorCode::kUnavailable,
                   fmt::format("running {}: given up after its last passes{} "
                               "failed (circuit breaker); see its other "
                               "operations for why, or leave out "
                               "--enable-circuit-breaker",
                               work_.alias(), later)});
  }
  ++num_pauses_;
  DismissWorker();
  search_.reset();  // what a half-open breaker lets through is alone
  phase_ = Phase::kPaused;
  wakes_at_ = breaker_.open_until();
  const std::chrono::duration<double> left = *wakes_at_ - clock_.Monotonic();
  host_.TellNotice(fmt::format(
      "{}: its last passes failed; its circuit breaker is open for {:.0f} s, "
      "then one prompt tries it again",
      work_.alias(), left.count()));
  return {};
}

void ModelRunner::Record(std::optional<FailureClass> outcome) {
  if (!permit_) return;
  breaker_.Record(clock_.Monotonic(), *permit_, outcome);
  host_.TellBreaker(work_, breaker_.state(clock_.Monotonic()));
  permit_.reset();
}

void ModelRunner::CountAttempt(std::span<const size_t> group) {
  for (const size_t i : group) ++attempts_[i];
}

}  // namespace revlm::run
