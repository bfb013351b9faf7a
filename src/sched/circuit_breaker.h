// Keeps work away from a model that keeps failing.
//
//   closed     all may run; opens when the last outcomes break the rules
//   open       nothing may run, for `open_time`
//   half-open  `num_probes` may run; closes when all of them have succeeded,
//              opens again when one fails
//
// A breaker is for one model, so that an open one does not hold up the others.
// Whoever wants to run something asks for a permit, and records how it ended:
//
//   const auto permit = breaker.Ask(now);
//   if (!permit) return;  // not now
//   ...
//   breaker.Record(now, *permit, Classify(error.code));
//
// An outcome counts in the period in which its permit was given: one that comes
// after the breaker has changed its state says nothing about the new one.
// Failures of resources and what was stopped on request do not count at all; a
// probe that ends so is given to the next who asks.
//
// Threads: thread-compatible. Memory: O(window). Determinism: of the calls and
// their times.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "sched/retry.h"

namespace revlm::sched {

// The defaults are for a local model, whose passes take minutes.
struct BreakerRules {
  // Opens when all three hold for the last outcomes, `window` of them at most.
  size_t window = 5;
  size_t min_outcomes = 1;
  size_t min_failures = 3;
  size_t min_failure_percent = 0;  // of the outcomes

  std::chrono::nanoseconds open_time = std::chrono::seconds(30);
  size_t num_probes = 1;
};

class CircuitBreaker {
 public:
  enum class State { kClosed, kOpen, kHalfOpen };

  // The right to run once; its outcome must be recorded.
  class Permit {
   private:
    friend class CircuitBreaker;
    explicit Permit(uint64_t period) : period_(period) {}
    uint64_t period_;
  };

  // REQUIRES: window, min_failures and num_probes of at least 1.
  explicit CircuitBreaker(const BreakerRules& rules);

  // Nothing while open, or while all probes are out.
  std::optional<Permit> Ask(std::chrono::nanoseconds now);

  // How what ran by `permit` ended: no `failure` is a success.
  void Record(std::chrono::nanoseconds now, Permit permit,
              std::optional<FailureClass> failure);

  State state(std::chrono::nanoseconds now) const;
  // When it is half-open. REQUIRES: it is open.
  std::chrono::nanoseconds open_until() const { return open_until_; }

 private:
  void Enter(State state);
  void RecordInWindow(bool failed);
  bool BreaksRules() const;

  const BreakerRules rules_;
  State state_ = State::kClosed;
  uint64_t period_ = 0;                     // one more with each state entered
  std::chrono::nanoseconds open_until_{0};  // when open

  // When closed: whether each of the last outcomes was a failure.
  std::deque<bool> outcomes_;
  size_t num_failures_ = 0;  // among them

  // When half-open.
  size_t num_probes_left_ = 0;       // to give
  size_t num_successes_needed_ = 0;  // to close
};

}  // namespace revlm::sched
