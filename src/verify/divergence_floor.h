// How far a target is from the reference at least, in nats per token, however
// long its answers are.
//
// The hypothesis of a step `nats` is that no request diverges by more than
// that: KL_t <= nats E[n_t], given all that was before, n_t being the tokens of
// the target's answer. What a request brings is weighed against what its own
// length allows: for any h with ln E_p[exp h] <= 0 (Donsker and Varadhan 1975),
//
//   E[h_t - nats n_t] <= KL_t - nats E[n_t] <= 0
//
// so that bets on it (stats/bet.h) are e-processes. A mean of lengths would not
// do: one very long answer in a thousand can hold most of the tokens, and there
// is none among the first hundred. The bets:
//
//   h = ln(1/2 + exp(D)/2)   D is what the catalogue's ln e gains; cut where
//                            it is as much as can be lost, ln 2 + nats
//                            max_tokens, by which payoffs are divided
//   h = +-c g - c^2 / 2      g is typicality's payoff, in [-1, 1] with mean 0
//                            under p (Hoeffding's lemma); c = sqrt(2 nats m), m
//                            the mean of the lengths before, which asks of E[g]
//                            what it must be when all are equal; divided by c,
//                            and by 1 + c/2 + nats max_tokens / c
//
// averaged with weights 1/2, 1/4 and 1/4. What can be lost has a limit as no
// answer counts for more than `max_tokens`.
//
// The steps are the tolerance times 2^(k/4), from k = -16. The limit is the
// last step of those that are refuted one after another from the first. It is
// above the truth with probability `alpha` at most: the first step that is not
// below the truth would have to be refuted, and its hypothesis is true.
//
// Threads: thread-compatible. Memory: three doubles for each request.
// Determinism: of the calls, and of the machine's logarithm.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/error.h"
#include "stats/bet.h"
#include "stats/e_process.h"

namespace revlm::verify {

class DivergenceFloor {
 public:
  // Errors: kInvalidArgument unless 0 < same_nats < infinity, max_tokens >= 1
  // and 0 < alpha < 1.
  static Result<DivergenceFloor> Create(double same_nats, int64_t max_tokens,
                                        double alpha);

  // `num_tokens` is taken as 1 at least, and `max_tokens` at most. Errors:
  // kInvalidArgument unless `payoff` is in [-1, 1] and `gain` a number.
  Status Add(double gain, double payoff, int64_t num_tokens);

  // The limit. 0: not even the first step is refuted. A step of the tolerance
  // itself means that the divergence is above it.
  double nats() const { return nats_; }

 private:
  struct Observation {
    double gain;
    double payoff;
    double num_tokens;
  };

  // The bets against one step.
  class Step {
   public:
    Step(double nats, double max_tokens, const stats::Bet& bet)
        : nats_(nats),
          max_tokens_(max_tokens),
          sum_of_tokens_(max_tokens),
          gains_(bet),
          rarer_(bet),
          commoner_(bet) {}

    Status Add(const Observation& seen);
    double nats() const { return nats_; }
    bool IsRefuted(double alpha) const { return average_.Rejects(alpha); }

   private:
    double nats_;
    double max_tokens_;
    double sum_of_tokens_;  // with the longest answer before the first
    double num_answers_ = 1;
    stats::Bet gains_;
    stats::Bet rarer_;
    stats::Bet commoner_;
    stats::EProcess average_;
  };

  DivergenceFloor(double same_nats, double max_tokens, double alpha,
                  const stats::Bet& bet)
      : same_nats_(same_nats),
        max_tokens_(max_tokens),
        alpha_(alpha),
        bet_(bet),
        step_(StepAt(0)) {}

  Step StepAt(int idx) const;
  // Goes up while steps are refuted, each by all that was seen.
  Status Climb();

  double same_nats_;
  double max_tokens_;
  double alpha_;
  stats::Bet bet_;  // as it starts
  int step_idx_ = 0;
  Step step_;  // the lowest that is not refuted
  std::vector<Observation> seen_;
  double nats_ = 0;
};

}  // namespace revlm::verify
