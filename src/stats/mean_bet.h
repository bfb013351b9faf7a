// A bet against "the mean is at most this" for values of which only a lower
// bound is known, 0; and the lower limit that it gives.
//
// Values x_1, x_2, ... come one at a time, each 0 or more. The hypothesis is
//
//   E[x_t | everything before t] <= mean    for all t,
//
// and nothing more. A stake s in (0, 1], of what there is, is put on x_t being
// larger, which multiplies it by 1 + s (x_t / mean - 1): never below 0, and 1
// or less on average. Which stake is best depends on how the values vary, so
// all are held at once, each with a part of the money, and none is moved:
//
//   e_t = sum over k of  w_k prod over i <= t of  (1 + s_k (x_i / mean - 1))
//
// with half the money on s = 1, the best stake for values that vary little, and
// the other half in equal parts on s_k = sin^2(pi (2k - 1) / 4K), k = 1 ... K =
// 31, the nodes of the arcsine law. That is the universal portfolio (Cover and
// Ordentlich 1996, "Universal portfolios with side information", IEEE
// Transactions on Information Theory 42; as a test of means: Orabona and Jun
// 2024, "Tight concentrations and confidence sequences from the regret of
// universal portfolio", IEEE Transactions on Information Theory 70) with its
// integral taken at K places: a mixture of e-processes is one, at any places.
// It is behind the best stake by some ln(pi t) / 2, and by ln 2 where that
// is 1.
//
// By Ville's inequality e reaches 1/alpha with probability alpha at most.
// Values may depend on each other and come from a distribution that changes,
// also by choices made upon earlier values: whoever chooses the next prompt
// after looking at the last ones can make e fast, but not wrong
// (`error_rate_test.cc`).
//
// Why not `Bet`: payoffs there are in [-1, 1], and a mean of a hundredth of the
// largest value takes ninety of them where this takes four.
//
// Threads: thread-compatible. Memory: some hundred bytes. Determinism: of the
// calls, and of the machine's logarithm and sine.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/error.h"

namespace revlm::stats {

class MeanBet {
 public:
  // Errors: kInvalidArgument unless `mean` is finite and above 0.
  static Result<MeanBet> Create(double mean);

  // Errors: kInvalidArgument unless `value` is finite and 0 or more; the bet is
  // as it was.
  Status Add(double value);

  double log_e() const;

 private:
  friend double LowerMeanLimit(std::span<const double> values,
                               double log_enough);
  friend uint64_t FewestValues(double mean, double largest, double log_enough);
  static constexpr size_t kNumStakes = 32;

  explicit MeanBet(double mean);
  static const std::array<double, kNumStakes>& Stakes();
  void Multiply(double value);

  double mean_;
  // w_k prod ..., all times 2^-exponent_.
  std::array<double, kNumStakes> money_;
  int64_t exponent_ = 0;
};

// The largest mean against which the bet has come to ln e >= log_enough after
// these values, or a hair less: with log_enough = ln(1/alpha), the mean is
// above it but for a probability of alpha, at all times at once. 0 where there
// is none. Values as in MeanBet::Add. Takes some hundred bets on all values.
// REQUIRES: log_enough > 0.
double LowerMeanLimit(std::span<const double> values, double log_enough);

// How many values of `largest` each it takes until a bet against `mean` has
// come to ln e >= log_enough; of smaller values it takes more. 2^62 where it
// takes as many or more.
// REQUIRES: 0 < mean <= largest, finite; log_enough > 0.
uint64_t FewestValues(double mean, double largest, double log_enough);

}  // namespace revlm::stats
