// Two models on the same prompts: what their divergences say, with a look after
// every prompt.
//
// A prompt brings two values in nats per token, KL(a||b) and its mirror
// KL(b||a). Each goes into a `stats::Divergence` of its own, at the same alpha:
//
//   SAME       both upper limits are below `same_nats`
//   DIFFERENT  one of the lower limits is above it
//
// so that nothing depends on which model is named first. A look that says one
// of them decides; what later looks say changes nothing. Both values at most
// `same_nats` on average: DIFFERENT is said, at whatever look, with probability
// alpha at most, alpha/2 for each of two lower limits. One of them above: SAME
// needs its upper limit to be wrong, alpha/2.
//
// For several pairs judged together (stats/combine.h, e-BH), e is the mean of
// the two e-processes against "at most `same_nats`". It is taken at the first
// look at which it alone is enough, num_pairs/alpha, or else at the last: a
// time of stopping, as e-BH wants. With one pair it never takes back what the
// intervals say: one process above 2/alpha puts the mean above 1/alpha.
//
// `pair_divergence_test.cc` compares with the formulas; `error_rate_test.cc`
// of src/verify counts false verdicts.
//
// Threads: thread-compatible. Memory: 16 bytes a prompt. Determinism: of the
// calls, and of the machine's logarithm and sine.
#pragma once

#include <cstddef>
#include <utility>

#include "base/error.h"
#include "stats/divergence.h"
#include "verify/evidence.h"

namespace revlm::verify {

class PairDivergence {
 public:
  // Errors: those of the rules; kInvalidArgument without pairs.
  static Result<PairDivergence> Create(const stats::DivergenceRules& rules,
                                       size_t num_pairs);

  // Takes what one prompt brings, and looks. Errors: kInvalidArgument unless
  // both are finite and 0 or more; nothing has changed.
  Status Add(double nats, double mirror_nats);

  // After the prompts so far, which were values on `scale`: not kNone. SAME is
  // not said on Scale::kFirstBytes: a small lower bound says nothing.
  // `num_needed` is left 0. Takes some hundred steps for each prompt.
  BehaviourFinding Finding(Scale scale) const;

  // The same without limits, which stay 0: for a look after every prompt.
  BehaviourFinding Decision(Scale scale) const;

  // How many prompts in all would decide were the others like these, again and
  // again: 0 when some hundred thousand would not. Takes some milliseconds.
  int64_t NumNeeded(Scale scale) const;

 private:
  PairDivergence(const stats::DivergenceRules& rules, double log_enough,
                 const stats::Divergence& empty)
      : rules_(rules),
        log_enough_(log_enough),
        forward_(empty),
        mirror_(empty) {}

  Closeness Look() const;

  stats::DivergenceRules rules_;
  double log_enough_;  // ln(num_pairs/alpha)
  stats::Divergence forward_;
  stats::Divergence mirror_;
  double sum_ = 0;
  double mirror_sum_ = 0;
  // At the first look that said so; 0: none did.
  int64_t same_after_ = 0;
  int64_t different_after_ = 0;
  bool is_enough_ = false;
  double log_e_ = 0;
};

}  // namespace revlm::verify
