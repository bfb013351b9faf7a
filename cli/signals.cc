#include "cli/signals.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <ctime>
#include <thread>

namespace revlm::cli {
namespace {

struct Sources {
  std::stop_source drain;
  std::stop_source stop;
};

// Never destroyed: the thread outlives main.
Sources& Requests() {
  static auto* const requests = new Sources;
  return *requests;
}

std::atomic<int> stop_signal = 0;

int64_t MonotonicNs() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// The next signal that is another wish than the one before (0: none).
int AwaitSignal(const sigset_t& signals, int before) {
  // Whoever signals a process and then its group means it once.
  constexpr int64_t kSameWishNs = 100'000'000;
  const int64_t end_ns = MonotonicNs() + kSameWishNs;
  int number = before;
  while (number == before && before != 0) {
    const int64_t left_ns = end_ns - MonotonicNs();
    if (left_ns <= 0) break;
    const timespec timeout = {.tv_sec = 0, .tv_nsec = left_ns};
    number = sigtimedwait(&signals, nullptr, &timeout);
    if (number > 0 && number != before) return number;
  }
  while (sigwait(&signals, &number) != 0) continue;
  return number;
}

}  // namespace

void StartSignals(FirstSignal first) {
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  Sources& requests = Requests();
  std::thread([signals, first, &requests] {
    if (first == FirstSignal::kDrains) {
      stop_signal = AwaitSignal(signals, 0);
      requests.drain.request_stop();
    }
    stop_signal = AwaitSignal(signals, stop_signal);
    requests.stop.request_stop();
    _exit(128 + AwaitSignal(signals, stop_signal));
  }).detach();
}

std::stop_token SignalDrain() { return Requests().drain.get_token(); }

std::stop_token SignalStop() { return Requests().stop.get_token(); }

int StopSignal() { return stop_signal; }

}  // namespace revlm::cli
