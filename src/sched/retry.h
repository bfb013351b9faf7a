// Whether what failed is tried again, and how long that waits.
//
// Waits have full jitter (Brooker 2015, "Exponential backoff and jitter"):
// uniform between nothing and a ceiling that doubles with each retry, so that
// what failed together does not come back together.
//
// Threads: pure functions. Determinism: of the arguments alone.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/error.h"

namespace revlm::sched {

enum class FailureClass {
  kDeterministic,  // would fail again
  kTransient,      // may succeed another time
  kResource,       // not a failure: to be planned anew, smaller
  kStop,           // stopped on request
};

FailureClass Classify(ErrorCode code);

// A worker that died left no code.
inline constexpr FailureClass kWorkerDied = FailureClass::kTransient;

struct RetryPolicy {
  int64_t max_retries = 3;  // 0: none
  std::chrono::nanoseconds first_wait = std::chrono::milliseconds(500);
  std::chrono::nanoseconds longest_wait = std::chrono::seconds(60);
  uint64_t seed = 0;
};

// How long `task`, which failed and has had `num_retries` retries, waits for
// the next; nothing where it gets none. Uniform in [0, first_wait *
// 2^num_retries), at most `longest_wait`. REQUIRES: num_retries >= 0, waits not
// below zero.
std::optional<std::chrono::nanoseconds> RetryWait(const RetryPolicy& policy,
                                                  FailureClass failure,
                                                  size_t task,
                                                  int64_t num_retries);

}  // namespace revlm::sched
