#include "cli/signals.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <thread>

namespace revlm::cli {
namespace {

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
    constexpr timespec kSameWishTime = {.tv_sec = 0, .tv_nsec = 100'000'000};
    number = sigtimedwait(&signals, nullptr, &kSameWishTime);
    const bool is_other = number > 0 && number != stop_signal;
    if (is_other || sigwait(&signals, &number) == 0) _exit(128 + number);
  }).detach();
}

std::stop_token SignalStop() { return Source().get_token(); }

int StopSignal() { return stop_signal; }

}  // namespace revlm::cli
