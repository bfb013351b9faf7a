#include "base/clock.h"

#include <ctime>

namespace revlm::base {
namespace {

class RealClock : public Clock {
 public:
  std::chrono::nanoseconds Monotonic() const override {
    return std::chrono::steady_clock::now().time_since_epoch();
  }
  std::chrono::nanoseconds Wall() const override {
    return std::chrono::system_clock::now().time_since_epoch();
  }
};

}  // namespace

const Clock& SystemClock() {
  static const RealClock clock;
  return clock;
}

std::string FormatUtc(std::chrono::nanoseconds wall) {
  const std::time_t seconds =
      std::chrono::duration_cast<std::chrono::seconds>(wall).count();
  std::tm parts = {};
  gmtime_r(&seconds, &parts);
  char text[32];
  std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

}  // namespace revlm::base
