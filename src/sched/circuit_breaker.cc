#include "sched/circuit_breaker.h"

#include "base/check.h"

namespace revlm::sched {

using std::chrono::nanoseconds;

CircuitBreaker::CircuitBreaker(const BreakerRules& rules) : rules_(rules) {
  REVLM_CHECK(rules.window > 0);
  REVLM_CHECK(rules.min_failures > 0);
  REVLM_CHECK(rules.num_probes > 0);
}

CircuitBreaker::State CircuitBreaker::state(nanoseconds now) const {
  const bool is_over = state_ == State::kOpen && now >= open_until_;
  return is_over ? State::kHalfOpen : state_;
}

std::optional<CircuitBreaker::Permit> CircuitBreaker::Ask(nanoseconds now) {
  if (state(now) != state_) Enter(state(now));
  switch (state_) {
    case State::kClosed:
      return Permit(period_);
    case State::kOpen:
      return std::nullopt;
    case State::kHalfOpen:
      if (num_probes_left_ == 0) return std::nullopt;
      --num_probes_left_;
      return Permit(period_);
  }
  return std::nullopt;
}

void CircuitBreaker::Record(nanoseconds now, Permit permit,
                            std::optional<FailureClass> failure) {
  if (permit.period_ != period_) return;
  if (failure == FailureClass::kResource || failure == FailureClass::kStop) {
    if (state_ == State::kHalfOpen) ++num_probes_left_;
    return;
  }
  const bool failed = failure.has_value();
  if (state_ == State::kClosed) {
    RecordInWindow(failed);
    if (!BreaksRules()) return;
  } else if (!failed) {
    if (--num_successes_needed_ == 0) Enter(State::kClosed);
    return;
  }
  Enter(State::kOpen);
  open_until_ = now + rules_.open_time;
}

void CircuitBreaker::Enter(State state) {
  state_ = state;
  ++period_;
  outcomes_.clear();
  num_failures_ = 0;
  num_probes_left_ = rules_.num_probes;
  num_successes_needed_ = rules_.num_probes;
}

void CircuitBreaker::RecordInWindow(bool failed) {
  outcomes_.push_back(failed);
  if (failed) ++num_failures_;
  if (outcomes_.size() <= rules_.window) return;
  if (outcomes_.front()) --num_failures_;
  outcomes_.pop_front();
}

bool CircuitBreaker::BreaksRules() const {
  return outcomes_.size() >= rules_.min_outcomes &&
         num_failures_ >= rules_.min_failures &&
         num_failures_ * 100 >= rules_.min_failure_percent * outcomes_.size();
}

}  // namespace revlm::sched
