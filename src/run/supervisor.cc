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

Status Supervisor::Run(std::stop_token stop, const LookAtFiles& look_at_files) {
  // What a request to stop wakes the loop by.
  const base::Descriptor wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake.valid()) {
    return base::MakeError(ErrorCode::kUnavailable,
                           "supervising workers: the system gave no eventfd");
  }
  const std::stop_callback on_stop(stop, [&wake] {
    const uint64_t one = 1;
    static_cast<void>(!write(wake.get(), &one, sizeof(one)));
  });
  Status status = Loop(stop, wake.get(), look_at_files);
  const Status kept = StopAll();
  if (status && !kept) status = kept;
  // Whoever was never begun has its worker still.
  for (ModelWork& work : prepared_.work) work.worker.reset();
  return status;
}

Status Supervisor::Loop(const std::stop_token& stop, int stop_fd,
                        const LookAtFiles& look_at_files) {
  const std::vector<size_t>& order = prepared_.order;
  while (num_begun_ < order.size() || !live_.empty()) {
    if (stop.stop_requested()) {
      return base::MakeError(ErrorCode::kCancelled,
                             "running: stopped on request");
    }
    const bool has_place =
        live_.size() < static_cast<size_t>(prepared_.num_workers);
    if (has_place && num_begun_ < order.size()) {
      ModelWork& work = prepared_.work[order[num_begun_++]];
      live_.emplace_back(prepared_, work, look_at_files(work), clock_, host_);
      REVLM_TRY(live_.back().Continue());
    } else {
      Wait(stop_fd);
      if (stop.stop_requested()) continue;
      for (ModelRunner& runner : live_) REVLM_TRY(runner.Continue());
    }
    NotePeaks();
    host_.Tick();
    live_.remove_if([](const ModelRunner& runner) { return runner.is_done(); });
  }
  return {};
}

// Until something came, the time of a retry or of the host has, or a stop is
// requested.
void Supervisor::Wait(int stop_fd) const {
  std::vector<pollfd> waited = {{.fd = stop_fd, .events = POLLIN}};
  // Half of the second that is promised: a worker that speaks in between makes
  // the wait begin anew.
  constexpr std::chrono::milliseconds kTickTime(500);
  std::chrono::nanoseconds wakes_at = clock_.Monotonic() + kTickTime;
  for (const ModelRunner& runner : live_) {
    waited.push_back({.fd = runner.fd(), .events = POLLIN});
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
    peak += runner.peak_bytes();
    planned += runner.planned_bytes();
  }
  peak_bytes_ = std::max(peak_bytes_, peak);
  planned_bytes_ = std::max(planned_bytes_, planned);
}

}  // namespace revlm::run
