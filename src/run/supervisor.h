// Runs models, several at once, each by a runner of its own.
//
// Models start in their order as places become free, those that were paused
// (run/model_runner.h) before new ones; one that fails never stops the others.
// The host gets its `Tick` at least once a second, also while no worker says
// anything.
//
// On a request to drain nothing more is begun, and what workers have in flight
// is finished; on one to stop they end at once.
//
// Threads: thread-confined; both may be requested from any. Lifetime: borrows
// its arguments. Memory: the leases of `prepared`. Errors: kCancelled where
// something was left undone on request, and those of runners
// (run/model_runner.h); by then all workers have ended.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <stop_token>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "run/model_runner.h"
#include "run/preparation.h"

namespace revlm::run {

class Supervisor {
 public:
  using LookAtFiles = std::function<ModelRunner::Files(const ModelWork&)>;

  Supervisor(Preparation& prepared, const base::Clock& clock, RunHost& host)
      : prepared_(prepared), clock_(clock), host_(host) {}

  Status Run(const std::stop_token& stop, const std::stop_token& drain,
             const LookAtFiles& look_at_files);

  // Measured and planned: the most that workers held together so far.
  uint64_t peak_bytes() const { return peak_bytes_; }
  // With `planned_bytes` of the runner that just got its plan.
  uint64_t planned_bytes() const { return planned_bytes_; }
  void NotePeaks();

 private:
  Status Loop(const std::stop_token& stop, const std::stop_token& drain,
              int wake_fd, const LookAtFiles& look_at_files);
  Status Begin(const LookAtFiles& look_at_files);
  Status ContinueAll();
  bool HasPlace() const;
  // One that was paused and may go on; null: none.
  ModelRunner* NextDue();
  bool has_next() const {
    return !is_draining_ && num_begun_ < prepared_.order.size();
  }
  Status Drain();
  void RemoveDone();
  Status StopAll();
  void Wait(int wake_fd) const;

  Preparation& prepared_;
  const base::Clock& clock_;
  RunHost& host_;
  std::list<ModelRunner> live_;
  size_t num_begun_ = 0;  // of prepared_.order
  bool is_draining_ = false;
  bool has_left_work_ = false;
  uint64_t peak_bytes_ = 0;
  uint64_t planned_bytes_ = 0;
};

}  // namespace revlm::run
