// What a comparison tells while it works, with the time since it began.
//
// Threads: thread-confined. Lifetime: borrows the options.
#pragma once

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "base/clock.h"
#include "revlm/compare.h"

namespace revlm {

class CompareEvents {
 public:
  explicit CompareEvents(const CompareOptions& options) : options_(options) {}

  void Notice(std::string message) const {
    RunEvent event;
    event.kind = RunEvent::Kind::kNotice;
    event.message = std::move(message);
    Tell(std::move(event));
  }
  // `fraction` of all there is to do.
  void Progress(RunEvent event, double fraction) const {
    event.fraction = std::clamp(fraction, 0.0, 1.0);
    Tell(std::move(event));
  }
  double Seconds() const {
    return std::chrono::duration<double>(clock_.Monotonic() - started_).count();
  }

 private:
  void Tell(RunEvent event) const {
    if (!options_.on_event) return;
    event.seconds = Seconds();
    options_.on_event(event);
  }

  const CompareOptions& options_;
  const base::Clock& clock_ = base::SystemClock();
  const std::chrono::nanoseconds started_ = clock_.Monotonic();
};

}  // namespace revlm
