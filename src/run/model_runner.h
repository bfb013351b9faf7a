// Takes one model through a run: starts its worker, sends it operations, keeps
// what comes back, and deals with what goes wrong.
//
//   failure of the worker's answer   passing: tried again, each operation
//                                    `max_retries` times; lasting: the model's
//                                    operations fail
//   out of memory                    not a failure: fewer operations at once,
//                                    down to one, which fails
//   death of the worker              started again; the operations it held are
//                                    run in halves until the one that kills is
//                                    alone (sched/poison_search.h) and put
//                                    aside; a model of which that becomes of
//                                    one after the other is given up
//
// Retries wait as sched/retry.h says; running innocent operations again is no
// retry. With a circuit breaker, a model that keeps failing is paused: it holds
// no worker until one operation may try it again, and it is given up when
// `max_retries` of those in a row have failed too. A death counts once it is
// known which operation it came of.
//
// It is driven from outside: whoever owns it waits for `fd` to be readable or
// for `wakes_at` to come and calls `Continue`.
//
// Threads: thread-confined. Lifetime: borrows its arguments. Errors: those that
// are to stop the whole run: what the host returns, outputs that cannot be
// written, weights that are not those that the run began with.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "run/preparation.h"
#include "run/worker.h"
#include "sched/adaptive.h"
#include "sched/circuit_breaker.h"
#include "sched/poison_search.h"
#include "sched/retry.h"

namespace revlm::run {

// What a runner tells the run that it is of.
class RunHost {
 public:
  virtual ~RunHost() = default;
  // Journals a result; only what is beneath `OperationResult::key` is filled in
  // by the host.
  virtual Status Finish(ModelWork& work, Operation& operation,
                        OperationResult result) = 0;
  // The tensor root of the model, when the run knows it already.
  virtual std::optional<std::string> KnownRoot(const ModelWork& work) = 0;
  virtual Status NoteRoot(const ModelWork& work, const std::string& root) = 0;
  // Where a worker writes the digests of all tensors.
  virtual std::string TensorsPath(const ModelWork& work) = 0;
  virtual std::string RunPath() = 0;
  // A worker begins to run a group, or a part of it; of the first part, the
  // user is told as well.
  virtual void NotePlan(const ModelWork& work, const engine::RunPlan& plan) = 0;
  virtual void TellPlan(const ModelWork& work, const engine::RunPlan& plan) = 0;
  // `done`: in operations of this model, an estimate.
  virtual void TellProgress(const ModelWork& work,
                            const engine::Progress& progress, double done) = 0;
  // A worker of an adaptive run goes on with another setting.
  virtual Status NoteChange(const ModelWork& work,
                            const sched::Decision& decision) = 0;
  virtual void TellNotice(std::string message) = 0;
  // What workers have in flight is being finished, as was requested.
  virtual void TellDraining() = 0;
  // A worker process begins to do what it was just told: to open the model, to
  // check its weights, or to run a group of operations.
  virtual void WorkerBegins(const ModelWork& work, int64_t pid) = 0;
  virtual void WorkerEnded(const ModelWork& work) = 0;
  // A worker that died may have left files half-written.
  virtual void CleanAfter(int64_t pid) = 0;
  // After `error`, so many operations will be tried again; none: the model is
  // opened again.
  virtual void TellRetry(const ModelWork& work, const Error& error,
                         size_t num_operations) = 0;
  // Of a model that has one: whenever it may have changed.
  virtual void TellBreaker(const ModelWork& work,
                           sched::CircuitBreaker::State state) = 0;
  // Time has passed.
  virtual void Tick() = 0;
};

class ModelRunner {
 public:
  // Whether a model's files are those that the run saw before.
  enum class Files { kSeen, kOther };

  ModelRunner(const Preparation& prepared, ModelWork& work, Files files,
              const base::Clock& clock, RunHost& host);

  // Starts, or goes on with what has come.
  Status Continue();
  bool is_done() const { return phase_ == Phase::kDone; }
  // It holds no worker, and is not to be continued before there is a place for
  // one and `wakes_at` has come.
  bool is_paused() const { return phase_ == Phase::kPaused; }

  // Lets the worker end.
  void Kill() const;
  // Ends the worker and keeps what it had finished.
  Status Stop();

  // Begins nothing more: is done once its worker has finished what it has in
  // flight, at once where that is nothing. What failed meanwhile is not tried
  // again, nor recorded.
  Status Drain();
  // It is done and left something to another start.
  bool has_left_work() const { return has_left_work_; }

  // To wait on; -1: nothing comes.
  int fd() const {
    return worker_ && phase_ != Phase::kWaiting ? worker_->fd() : -1;
  }
  std::optional<std::chrono::nanoseconds> wakes_at() const { return wakes_at_; }

  // More has come than `Continue` took: it is to be called again at once.
  bool has_more() const { return has_more_; }

  // Measured and planned peaks of its worker in this process's company.
  uint64_t peak_bytes() const { return peak_bytes_; }
  uint64_t planned_bytes() const { return planned_bytes_; }

 private:
  enum class Phase {
    kNew,
    kOpening,
    kChecking,  // of the weights, before anything is run
    kRunning,
    kHashing,  // what of the weights no pass has read
    kWaiting,  // for the next try
    kPaused,   // by the breaker
    kDone,
  };

  Status Begin();
  Status OpenWorker();
  Status CheckWeights();
  Status RunNext();
  Status HashRest();
  // The breaker keeps everything away from it.
  bool IsShutOff() const;
  Status Pause();
  void Finish();
  void DismissWorker();
  // Of what drains: the end.
  Status LeaveRest();
  void DropWorker();

  Status Take(FromWorker message);
  Status TakeOfRun(FromWorker message);
  Status Opened(const ModelDescription& description);
  Status Checked(const DigestRoot& digests);
  Status Completed(CompletedRequest completed);
  void Planned(const engine::RunPlan& plan);
  void Progressed(const engine::Progress& progress);
  Status Ended();
  Status FailedWith(Failed failed);
  Status RunFailedWith(const Error& error);
  Status WorkerDied(const Error& error);
  Status WorkerMadeNoSense();
  Status NextOfSearch(const Error& error);
  // Fails what is not finished, and is done.
  Status GiveUp(const Error& error);
  Status Fail(std::span<const size_t> group, const Error& error);
  // Counts a retry of so many operations and waits for it; false when there is
  // none left.
  bool Retry(const Error& error, size_t num_operations, int64_t& num_retries);
  void WaitFor(std::chrono::nanoseconds time);
  void Record(std::optional<sched::FailureClass> outcome);
  // Tells the search that the group failed; begins one when there is none.
  void SearchOn();

  std::vector<size_t> Unfinished() const;  // of pending_
  std::vector<size_t> Unfinished(std::span<const size_t> group) const;
  void CountAttempt(std::span<const size_t> group);
  void NotePeak();

  const Preparation& prepared_;
  const RunOptions& options_;
  ModelWork& work_;
  const Files files_;
  const base::Clock& clock_;
  RunHost& host_;

  Phase phase_ = Phase::kNew;
  bool has_more_ = false;
  bool is_draining_ = false;
  bool has_left_work_ = false;
  bool is_checked_ = false;  // the weights are those of the known root
  std::optional<Worker> worker_;
  std::optional<std::chrono::nanoseconds> wakes_at_;
  std::vector<Operation*> pending_;    // when it began, the most urgent first
  std::vector<int32_t> attempts_;      // of each of them
  std::vector<bool> was_asked_;        // whether a worker ever had it
  std::vector<size_t> group_;          // of them, what the worker was given
  std::chrono::nanoseconds given_{0};  // when
  int64_t group_tokens_ = 0;           // of theirs, at most
  bool is_plan_told_ = false;          // of the group, or of its first part
  std::optional<sched::PoisonSearch> search_;
  size_t num_quarantined_ = 0;    // of the search, that were told
  int64_t num_run_retries_ = 0;   // since something was finished
  int64_t num_open_retries_ = 0;  // since something was run
  int64_t num_pauses_ = 0;        // since something was finished
  sched::CircuitBreaker breaker_;
  std::optional<sched::CircuitBreaker::Permit> permit_;
  std::chrono::nanoseconds peak_read_{0};
  uint64_t peak_bytes_ = 0;
  uint64_t planned_bytes_ = 0;
};

}  // namespace revlm::run
