// A bet against "this payoff is at most a tolerance on average".
//
// Payoffs g_1, g_2, ... come one at a time, each in [-1, 1]. The hypothesis is
//
//   E[g_t | everything before t] <= tolerance    for all t,
//
// and nothing more: payoffs may depend on each other, and their distribution
// may change at any time. Money is staked on g_t being larger. In units of what
// can be lost, the payoff is b_t = (g_t - tolerance) / (1 + tolerance), and
//
//   log e_t = log e_{t-1} + ln(1 + stake_t b_t),    0 <= stake_t <= 1/2.
//
// The tolerance is in units of the payoff, so that it forgives an effect and
// not a number of looks: an effect above it is always found in the end.
//
// The stake is chosen from the payoffs before, by online Newton steps (Cutkosky
// and Orabona 2018, "Black-box reductions for online learning in Banach
// spaces", COLT; Waudby-Smith and Ramdas 2024, "Estimating means of bounded
// random variables by betting", JRSSB 86, on e from bets):
//
//   z_t = -b_t / (1 + stake_t b_t)          A_t = 1 + z_1^2 + ... + z_t^2
//   stake_{t+1} = stake_t - 2 / (2 - ln 3) z_t / A_t    clipped to [0, 1/2]
//
// Why not aGRAPA: decision 0022. What is guaranteed: P(e ever reaches 1/alpha)
// <= alpha, `error_rate_test.cc`; log e is behind that of the best constant
// stake by no more than some multiple of ln t, `power_test.cc`.
//
//   REVLM_ASSIGN_OR_RETURN(Bet bet, Bet::Create(0.01));
//   REVLM_TRY(bet.Add(payoff));  // for each prompt
//   if (bet.e_process().Rejects(0.01)) ...
//
// Threads: thread-compatible. Memory: a few doubles. Determinism: of the calls,
// and of the machine's logarithm.
#pragma once

#include "base/error.h"
#include "stats/e_process.h"

namespace revlm::stats {

class Bet {
 public:
  // Errors: kInvalidArgument unless 0 <= tolerance < 1.
  static Result<Bet> Create(double tolerance);

  // Errors: kInvalidArgument unless `payoff` is in [-1, 1]; the bet is as it
  // was. One who leaves such a payoff out and goes on chooses what to bet on:
  // the guarantee holds if that choice does not depend on the payoff's value.
  Status Add(double payoff);

  const EProcess& e_process() const { return e_process_; }
  // On the next payoff, as a part of what there is.
  double stake() const { return stake_; }

 private:
  explicit Bet(double tolerance) : tolerance_(tolerance) {}

  double tolerance_;
  double stake_ = 0;
  double sum_of_squares_ = 1;
  EProcess e_process_;
};

}  // namespace revlm::stats
