// An interval for a mean that is right at all times at once.
//
// Values x_1, x_2, ... come one at a time, each in [0, 1]. With mu_t = E[x_t |
// everything before t], the interval after t values holds
//
//   (l_1 mu_1 + ... + l_t mu_t) / (l_1 + ... + l_t)
//
// for every t at once with probability 1 - alpha or more; where all mu_t are
// the same mu, as for prompts drawn independently, that is mu. The weights l_t
// below become nearly equal when the values vary little. Nothing else is
// assumed: no shape, no independence.
//
// The predictable plug-in empirical Bernstein sequence (Waudby-Smith and Ramdas
// 2024, "Estimating means of bounded random variables by betting", JRSSB 86,
// theorem 2; it rests on Howard, Ramdas, McAuliffe, Sekhon 2021, "Time-uniform,
// nonparametric, nonasymptotic confidence sequences", Annals of Statistics 49):
//
//   centre      sum of l_i x_i / L,   L = sum of l_i
//   half-width  (ln(2/alpha) + sum of 4 (x_i - m_{i-1})^2 psi(l_i)) / L
//
//   psi(l) = (-ln(1 - l) - l) / 4
//
//   l_t = min(3/4, sqrt(2 ln(2/alpha) / (v_{t-1} t ln(1 + t))))
//
//   m_t = (1/2 + x_1 + ... + x_t) / (t + 1)
//
//   v_t = (1/4 + sum of (x_i - m_i)^2) / (t + 1)
//
// Only the present interval is given and not what all of them have in common,
// which would be wrong where the mu_t differ. Each limit alone is exceeded with
// probability alpha/2 at most.
//
// How wide, for a standard deviation s after many values: about 2 s sqrt(ln(2 /
// alpha) ln(t) / 8t) (1 + ln ln t), some three times the interval of a
// classical test with its one look; for values that hardly vary, 2 ln(2/alpha)
// / (3/4 t).
//
// Tests: `confidence_sequence_test.cc` against a plain transcription;
// `error_rate_test.cc` measures how often it is ever wrong.
//
// Threads: thread-compatible. Memory: a few doubles. Determinism: of the calls,
// and of the machine's logarithm.
#pragma once

#include <cstdint>

#include "base/error.h"
#include "stats/interval.h"

namespace revlm::stats {

class ConfidenceSequence {
 public:
  // The largest weight l_t. The paper advises 1/2 or 3/4; the latter bounds a
  // small mean with a third fewer values.
  static constexpr double kMostWeight = 0.75;

  // Errors: kInvalidArgument unless 0 < alpha < 1.
  static Result<ConfidenceSequence> Create(double alpha);

  // Errors: kInvalidArgument unless `value` is in [0, 1]; nothing has changed.
  Status Add(double value);

  // Within [0, 1], which is also the interval before the first value.
  Interval interval() const;
  uint64_t num_values() const { return num_values_; }

  // The natural logarithm of an e-process (stats/e_process.h) against "no mu_t
  // is above `mean`", and of one against "none is below it": the processes that
  // the limits come from,
  //
  //   ln e = +-(sum of l_i (x_i - mean)) - sum of 4 (x_i - m_{i-1})^2 psi(l_i)
  //
  // so that the lower limit is above `mean` just when e is above 2/alpha.
  double LogEAbove(double mean) const;
  double LogEBelow(double mean) const;

 private:
  explicit ConfidenceSequence(double alpha);

  double log_two_over_alpha_;
  uint64_t num_values_ = 0;
  double sum_of_values_ = 0.5;    // with one value of 1/2 before the first
  double sum_of_squares_ = 0.25;  // of deviations from means, likewise
  double sum_of_weights_ = 0;
  double weighted_sum_ = 0;  // of values
  double bound_sum_ = 0;     // of 4 (x - m)^2 psi(l)
};

}  // namespace revlm::stats
