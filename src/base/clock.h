// Time, injected so that tests can choose it.
#pragma once

#include <chrono>
#include <string>

namespace revlm::base {

class Clock {
 public:
  virtual ~Clock() = default;
  // Time since some fixed moment; never goes back.
  virtual std::chrono::nanoseconds Monotonic() const = 0;
  // Time since 1970-01-01 UTC.
  virtual std::chrono::nanoseconds Wall() const = 0;
};

// The machine's clock. Thread-safe; lives for ever.
const Clock& SystemClock();

// `wall` as RFC 3339 in UTC, whole seconds: 2026-11-23T03:16:29Z.
std::string FormatUtc(std::chrono::nanoseconds wall);

}  // namespace revlm::base
