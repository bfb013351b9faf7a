#include "cli/signals.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>

namespace revlm::cli {
namespace {

constexpr std::chrono::milliseconds kSameWishTime(100);

// Never destroyed: the thread outlives main.
std::stop_source& Source() {
  static auto* const source = new std::stop_source;
  return *source;
}

std::atomic<int> stop_signal = 0;

}  // namespace

void StartSignals() {
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::stop_source& source = Source();
  std::thread([signals, &source] {
    int number = 0;
    if (sigwait(&signals, &number) != 0) return;
    stop_signal = number;
    source.request_stop();
    // Whoever signals a process and then its group means it once.
    const auto until = std::chrono::steady_clock::now() + kSameWishTime;
    while (sigwait(&signals, &number) == 0) {
      const bool is_same =
          number == stop_signal && std::chrono::steady_clock::now() < until;
      if (!is_same) _exit(128 + number);
    }
  }).detach();
}

std::stop_token SignalStop() { return Source().get_token(); }

int StopSignal() { return stop_signal; }

}  // namespace revlm::cli
