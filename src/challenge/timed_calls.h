// Calls made at once, each within a time.
//
// A call that is late is asked to stop and left behind in its thread, which the
// destructor waits for. An exception in a call is its error.
//
// Threads: thread-confined. Errors: of each call its own; kTimeout when it was
// late, kInternal for an exception, kUnavailable without a thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <stop_token>
#include <thread>
#include <vector>

#include "base/error.h"
#include "challenge/system.h"

namespace revlm::challenge {

class TimedCalls {
 public:
  using Answer = Result<std::vector<Challenge>>;
  // What it uses must live as long as it does: it may be left behind.
  using Call = std::function<Answer(const std::stop_token&)>;

  TimedCalls(size_t num_at_once, std::chrono::nanoseconds deadline)
      : num_at_once_(num_at_once), deadline_(deadline) {}

  // The answers in the order of the calls.
  std::vector<Answer> Run(std::vector<Call> calls);

 private:
  size_t num_at_once_;
  std::chrono::nanoseconds deadline_;
  std::vector<std::jthread> late_;
};

}  // namespace revlm::challenge
