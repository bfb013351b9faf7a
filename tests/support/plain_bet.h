// A bet of stats/bet.h without tolerance, its formulas written out: for tests
// to agree with.
#pragma once

#include <algorithm>
#include <cmath>

namespace revlm::testing {

class PlainBet {
 public:
  void Add(long double payoff) {
    money_ *= 1 + stake_ * payoff;
    const long double z = -payoff / (1 + stake_ * payoff);
    squares_ += z * z;
    stake_ -= 2 / (2 - std::log(3.0L)) * z / squares_;
    stake_ = std::clamp(stake_, 0.0L, 0.5L);
  }
  long double money() const { return money_; }

 private:
  long double money_ = 1;
  long double stake_ = 0;
  long double squares_ = 1;
};

}  // namespace revlm::testing
