#include "run/supervisor.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include "base/file.h"

namespace revlm::run {

Status Supervisor::Run(const std::stop_token& stop,
                       const std::stop_token& drain,
                       const LookAtFiles& look_at_files) {
  // What a request wakes the loop by.
  const base::Descriptor wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake.valid()) {
    return base::MakeError(ErrorCode::kUnavailable,
                           "supervising workers: the system gave no eventfd");
  }
  const auto request = [&wake] {
    const uint64_t one = 1;
    static_cast<void>(!write(wake.get(), &one, sizeof(one)));
  };
  const std::stop_callback on_stop(stop, request);
  const std::stop_callback on_drain(drain, request);
  Status status = Loop(stop, drain, wake.get(), look_at_files);
  const Status kept = StopAll();
  if (status && !kept) status = kept;
  // Whoever was never begun has its worker still.
  for (ModelWork& work : prepared_.work) work.worker.reset();
  return status;
}

Status Supervisor::Loop(const std::stop_token& stop,
                        const std::stop_token& drain, int wake_fd,
                        const LookAtFiles& look_at_files) {
  while (has_next() || !live_.empty()) {
    if (stop.stop_requested()) {
      return base::MakeError(ErrorCode::kCancelled,
                             "running: stopped on request");
    }
    ModelRunner* const due = HasPlace() ? NextDue() : nullptr;
    if (drain.stop_requested() && !is_draining_) {
      REVLM_TRY(Drain());
    } else if (due != nullptr) {
      REVLM_TRY(due->Continue());
    } else if (HasPlace() && has_next()) {
      REVLM_TRY(Begin(look_at_files));
    } else {
      Wait(wake_fd);
      if (stop.stop_requested()) continue;
      REVLM_TRY(ContinueAll());
    }
    NotePeaks();
    host_.Tick();
    RemoveDone();
  }
  if (!has_left_work_) return {};
  return base::MakeError(ErrorCode::kCancelled,
                         "running: stopped on request, once what was in flight "
                         "was finished");
}

Status Supervisor::Begin(const LookAtFiles& look_at_files) {
  ModelWork& work = prepared_.work[prepared_.order[num_begun_++]];
  live_.emplace_back(prepared_, work, look_at_files(work), clock_, host_);
  return live_.back().Continue();
}

Status Supervisor::ContinueAll() {
  for (ModelRunner& runner : live_) {
    if (!runner.is_paused()) REVLM_TRY(runner.Continue());
  }
  return {};
}

bool Supervisor::HasPlace() const {
  return std::ranges::count_if(live_, [](const ModelRunner& runner) {
           return !runner.is_paused();
         }) < prepared_.num_workers;
}

ModelRunner* Supervisor::NextDue() {
  const auto now = clock_.Monotonic();
  const auto due =
      std::ranges::find_if(live_, [now](const ModelRunner& runner) {
        return runner.is_paused() && *runner.wakes_at() <= now;
      });
  return due == live_.end() ? nullptr : &*due;
}

Status Supervisor::Drain() {
  has_left_work_ = has_next();
  is_draining_ = true;
  for (ModelRunner& runner : live_) REVLM_TRY(runner.Drain());
  RemoveDone();
  if (!live_.empty()) host_.TellDraining();
  return {};
}

void Supervisor::RemoveDone() {
  live_.remove_if([this](const ModelRunner& runner) {
    if (!runner.is_done()) return false;
    has_left_work_ = has_left_work_ || runner.has_left_work();
    return true;
  });
}

// Until something came, the time of a retry or of the host has, or something is
// requested.
void Supervisor::Wait(int wake_fd) const {
  std::vector<pollfd> waited = {{.fd = wake_fd, .events = POLLIN}};
  // Half of the second that is promised: a worker that speaks in between makes
  // the wait begin anew.
  constexpr std::chrono::milliseconds kTickTime(500);
  std::chrono::nanoseconds wakes_at = clock_.Monotonic() + kTickTime;
  for (const ModelRunner& runner : live_) {
    waited.push_back({.fd = runner.fd(), .events = POLLIN});
    if (runner.is_paused() && !HasPlace()) continue;
    wakes_at = std::min(wakes_at, runner.wakes_at().value_or(wakes_at));
  }
  int timeout_ms = 0;
  const bool has_more = std::ranges::any_of(
      live_, [](const ModelRunner& runner) { return runner.has_more(); });
  if (!has_more) {
    const auto left =
        std::max(wakes_at - clock_.Monotonic(), std::chrono::nanoseconds(0));
    timeout_ms = static_cast<int>(
        std::chrono::ceil<std::chrono::milliseconds>(left).count());
  }
  poll(waited.data(), waited.size(), timeout_ms);
  uint64_t num_requests = 0;  // the tokens say which; each wakes once
  static_cast<void>(!read(wake_fd, &num_requests, sizeof(num_requests)));
}

Status Supervisor::StopAll() {
  NotePeaks();
  Status status;
  // All at once, so that none works on while another is waited for.
  for (const ModelRunner& runner : live_) runner.Kill();
  for (ModelRunner& runner : live_) {
    const Status stopped = runner.Stop();
    if (status && !stopped) status = stopped;
  }
  live_.clear();
  return status;
}

void Supervisor::NotePeaks() {
  uint64_t peak = 0;
  uint64_t planned = 0;
  for (const ModelRunner& runner : live_) {
    if (runner.is_paused()) continue;
    peak += runner.peak_bytes();
    planned += runner.planned_bytes();
  }
  peak_bytes_ = std::max(peak_bytes_, peak);
  planned_bytes_ = std::max(planned_bytes_, planned);
}

}  // namespace revlm::run
