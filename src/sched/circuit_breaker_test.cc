#include "sched/circuit_breaker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"

namespace revlm::sched {
namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr BreakerRules kEndpointRules = {.window = 20,
                                         .min_outcomes = 10,
                                         .min_failures = 1,
                                         .min_failure_percent = 50,
                                         .num_probes = 3};

char Letter(CircuitBreaker::State state) {
  switch (state) {
    case CircuitBreaker::State::kClosed:
      return 'C';
    case CircuitBreaker::State::kOpen:
      return 'O';
    default:
      return 'H';
  }
}

std::optional<FailureClass> Outcome(char letter) {
  switch (letter) {
    case 's':
      return std::nullopt;
    case 'r':
      return FailureClass::kResource;
    case 'c':
      return FailureClass::kStop;
    case 'd':
      return FailureClass::kDeterministic;
    default:
      return FailureClass::kTransient;
  }
}

// Plays a script and gives the state after each step:
//   .        ten seconds pass
//   +  -     a permit is asked for, and given or refused; it is kept
//   s f      the oldest permit kept ends in success or failure;
//   d r c    in a failure that is deterministic, of resources, a stop
//   S F      a permit is asked for, given, and ends so at once
class Player {
 public:
  explicit Player(const BreakerRules& rules) : breaker_(rules) {}

  std::string Play(std::string_view script) {
    std::string states;
    for (const char step : script) {
      EXPECT_TRUE(Step(step)) << "step " << states.size() << " of " << script;
      states += Letter(breaker_.state(now_));
    }
    return states;
  }

 private:
  bool Step(char step) {
    switch (step) {
      case '.':
        now_ += seconds(10);
        return true;
      case '+':
        return Ask();
      case '-':
        return !Ask();
      case 'S':
      case 'F':
        return permits_.empty() && Ask() && End(step == 'S' ? 's' : 'f');
      default:
        return End(step);
    }
  }

  bool Ask() {
    const auto permit = breaker_.Ask(now_);
    if (permit) permits_.push_back(*permit);
    return permit.has_value();
  }

  bool End(char outcome) {
    if (permits_.empty()) return false;
    breaker_.Record(now_, permits_.front(), Outcome(outcome));
    permits_.pop_front();
    return true;
  }

  CircuitBreaker breaker_;
  nanoseconds now_ = seconds(100);
  std::deque<CircuitBreaker::Permit> permits_;
};

struct Transition {
  const char* name;
  std::string script;
  std::string states;
};

void ExpectAll(const BreakerRules& rules,
               const std::vector<Transition>& transitions) {
  for (const Transition& transition : transitions) {
    EXPECT_EQ(Player(rules).Play(transition.script), transition.states)
        << transition.name;
  }
}

TEST(CircuitBreakerTest, SaysWhenItIsHalfOpen) {
  CircuitBreaker breaker({.open_time = seconds(7)});
  for (int i = 0; i < 3; ++i) {
    breaker.Record(seconds(20), *breaker.Ask(seconds(20)),
                   FailureClass::kTransient);
  }
  EXPECT_EQ(breaker.open_until(), seconds(27));
  EXPECT_EQ(Letter(breaker.state(breaker.open_until() - nanoseconds(1))), 'O');
  EXPECT_EQ(Letter(breaker.state(breaker.open_until())), 'H');
}

TEST(CircuitBreakerTest, TransitionsOfALocalModel) {
  ExpectAll(
      {},
      {
          {"stays closed", "SSSSSSSS", "CCCCCCCC"},
          {"opens at the third failure", "FFF", "CCO"},
          {"successes between do not help", "FSFSF", "CCCCO"},
          {"two of any five are not enough", "FFSSSFFSSSFF", "CCCCCCCCCCCC"},
          {"a failure leaves the window", "FSSSSFF", "CCCCCCC"},
          {"three of the last five", "FSSFSFF", "CCCCCCO"},
          {"a deterministic failure counts", "+d+d+d", "CCCCCO"},
          {"resources never count", "+r+r+r+r+r", "CCCCCCCCCC"},
          {"stops never count", "+c+c+c+c+c", "CCCCCCCCCC"},
          {"neither takes a place in the window", "FF+r+c+r+c+rF",
           "CCCCCCCCCCCCO"},
          {"refuses while open", "FFF-.-.-.", "CCOOOOOOH"},
          {"half-open by time alone", "FFF...", "CCOOOH"},
          {"one probe and no second", "FFF...+--..-", "CCOOOHHHHHHH"},
          {"a success of the probe closes", "FFF...+s", "CCOOOHHC"},
          {"a failure of the probe opens", "FFF...+f-", "CCOOOHHOO"},
          {"and for the whole time again", "FFF...+f..-.+", "CCOOOHHOOOOHH"},
          {"the time runs from the end of the probe", "FFF...+.....f..-.+",
           "CCOOOHHHHHHHOOOOHH"},
          {"a probe without resources is given again", "FFF...+r+-s",
           "CCOOOHHHHHC"},
          {"a stopped probe is given again", "FFF...+c+-f", "CCOOOHHHHHO"},
          {"closing forgets old failures", "FFF...SFFSF", "CCOOOHCCCCO"},
          {"late failures do not open again", "++++ffff", "CCCCCCOO"},
          {"nor lengthen the time", "++++fff.f..", "CCCCCCOOOOH"},
          {"a late success is no probe's", "++++fff...s+-", "CCCCCCOOOHHHH"},
          {"a late failure is no probe's", "++++fff...f+-", "CCCCCCOOOHHHH"},
          {"a late refusal gives no probe", "++++fff...+r-", "CCCCCCOOOHHHH"},
      });
}

TEST(CircuitBreakerTest, TransitionsOfAnEndpoint) {
  const std::string open = "FFFFFFFFFF";
  const std::string opened = "CCCCCCCCCO";
  ExpectAll(
      kEndpointRules,
      {
          {"opens at ten outcomes, not before", open, opened},
          {"half of ten", "FSFSFSFSFS", opened},
          {"four of ten and five of eleven", "SSSSSSFFFFF", "CCCCCCCCCCC"},
          {"six of twelve", "SSSSSSFFFFFF", "CCCCCCCCCCCO"},
          {"ten of the last twenty", "SSSSSSSSSSSSSSSSSSSSSSSSFFFFFFFFFF",
           "CCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCO"},
          {"resources are no outcomes", "FFFFFFFFF+r+rF", "CCCCCCCCCCCCCO"},
          {"three probes at once", open + "...+++-", opened + "OOHHHHH"},
          {"all have to succeed", open + "...+++sss", opened + "OOHHHHHHC"},
          {"also one by one", open + "...SSS", opened + "OOHHHC"},
          {"no fourth probe after two", open + "...SS+-s", opened + "OOHHHHHC"},
          {"one failure opens", open + "...+++sf-", opened + "OOHHHHHOO"},
          {"the third probe is late then", open + "...+++fss...",
           opened + "OOHHHHOOOOOH"},
          {"only what was given back is given again", open + "...+++r+-",
           opened + "OOHHHHHHH"},
      });
}

// Keeps all outcomes and counts the last ones anew each time.
class SlowRules {
 public:
  explicit SlowRules(const BreakerRules& rules) : rules_(rules) {}

  // Whether the breaker opens.
  bool Record(bool failed) {
    all_.push_back(failed);
    const size_t size = std::min(all_.size(), rules_.window);
    const auto num_failures = static_cast<size_t>(
        std::count(all_.end() - static_cast<long>(size), all_.end(), true));
    const double percent =
        100.0 * static_cast<double>(num_failures) / static_cast<double>(size);
    return size >= rules_.min_outcomes && num_failures >= rules_.min_failures &&
           percent >= static_cast<double>(rules_.min_failure_percent);
  }

 private:
  const BreakerRules rules_;
  std::vector<bool> all_;
};

TEST(CircuitBreakerTest, OpensExactlyWhenACountOfTheLastOutcomesSaysSo) {
  size_t num_opened = 0;
  for (uint64_t seed = 0; seed < 600; ++seed) {
    const BreakerRules rules = seed % 2 == 0 ? BreakerRules{} : kEndpointRules;
    const double failure_share = 0.1 + 0.1 * static_cast<double>(seed % 5);
    CircuitBreaker breaker(rules);
    SlowRules reference(rules);
    for (uint64_t step = 0; step < 200; ++step) {
      const bool failed = base::UniformDouble(seed, step) < failure_share;
      const auto permit = breaker.Ask(seconds(step));
      ASSERT_TRUE(permit) << "seed " << seed << ", step " << step;
      breaker.Record(seconds(step), *permit, Outcome(failed ? 'f' : 's'));
      const bool is_open =
          breaker.state(seconds(step)) == CircuitBreaker::State::kOpen;
      ASSERT_EQ(is_open, reference.Record(failed))
          << "seed " << seed << ", step " << step;
      if (!is_open) continue;
      ++num_opened;
      break;
    }
  }
  // Both happen.
  EXPECT_GT(num_opened, 200u);
  EXPECT_LT(num_opened, 600u);
}

}  // namespace
}  // namespace revlm::sched
