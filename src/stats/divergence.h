// Whether two models that are both here diverge, by an interval for their KL
// divergence in nats per token.
//
// One value is one prompt: the mean over its positions of
//
//   sum over the vocabulary of  p ln(p/q) - p + q
//
// with p and q the models' probabilities of the next token after the same
// tokens. The terms -p + q add to nothing; with them no term is below 0, so
// that rounding cannot make a value negative.
//
// What the interval holds. With D the value of a prompt, drawn as the prompts
// are, and c = `most_nats`:
//
//   lower limit  of E[D]          needs only D >= 0, because min(D, c) <= D
//   upper limit  of E[min(D, c)]  what nothing more is assumed for
//
// KL has no upper bound: a rare prompt on which the models part by any amount
// cannot be excluded by prompts that do not show it, and no method gives an
// upper limit of E[D] without an assumption. Ours is said with the verdict:
// SAME means that E[min(D, c)] is below `same_nats`. It follows that the share
// of prompts with D >= c is below same_nats / c (Markov's inequality; 1 % by
// default), and E[D] itself is below `same_nats` if D never exceeds c.
// Rejected: mixing q with a uniform distribution bounds D by some 20 nats, and
// to certify takes 200 times the prompts; Hellinger and total variation are
// bounded, but their small values bound no KL.
//
// What the limits speak of. Prompts in random order, drawn from one source:
// the mean over that source. Prompts chosen one after the other, by what
// earlier ones brought: the mean of what was to be expected of the prompts that
// were asked (why: docs/method-challenges.md). So DIFFERENT says that there are
// prompts on which the models differ, which is what a search for them is after.
// Positions of one prompt depend on each other even when given all before:
// never add them one by one, or a few bad prompts hide behind many good
// positions.
//
// SAME:      the upper limit is below `same_nats`.
// DIFFERENT: the lower limit is above `same_nats`.
// Each is wrong, at any time of looking, with probability alpha/2 at most.
//
// Both are bets (`mean_bet.h`): the lower limit is `LowerMeanLimit`'s of min(D,
// c), and the upper one is c less `LowerMeanLimit`'s of c - min(D, c). For SAME
// that takes hardly more than anybody must see: one prompt in c / `same_nats`
// may be far apart, so it takes ln(2/alpha) c / `same_nats` of those that are
// not to exclude it. `error_rate_test.cc` measures false verdicts at the edge.
//
// Threads: thread-compatible. Memory: 8 bytes a prompt. Determinism: of the
// calls, and of the machine's logarithm and sine.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/error.h"
#include "stats/interval.h"
#include "stats/mean_bet.h"

namespace revlm::stats {

struct DivergenceRules {
  double same_nats = 1e-3;  // per token
  double most_nats = 0.1;   // per token: where a prompt's value is cut
  double alpha = 0.01;
};

enum class Closeness { kUndecided, kSame, kDifferent };

class Divergence {
 public:
  // Errors: kInvalidArgument unless 0 < same_nats < most_nats, finite, and
  // 0 < alpha < 1.
  static Result<Divergence> Create(const DivergenceRules& rules);

  // Takes one prompt's nats per token. Errors: kInvalidArgument unless it is
  // finite and 0 or more; nothing has changed.
  Status Add(double nats);

  // In nats per token. The upper limit is at most `most_nats`: then nothing
  // is known of it. Computed from all values anew: some hundred steps for each.
  Interval interval() const;
  Closeness closeness() const;

  // The natural logarithms of e-processes against "the divergence is at most
  // `same_nats`" and "what is cut is at least that": DIFFERENT and SAME are
  // said when one of them is above 2/alpha. For e-BH over several pairs.
  double LogEDifferent() const;
  double LogESame() const;
  std::span<const double> values() const { return values_; }  // as added
  uint64_t num_cut() const { return num_cut_; }  // those above `most_nats`

  // No fewer prompts than these can give SAME, were all values 0.
  uint64_t FewestPromptsForSame() const;

 private:
  Divergence(const DivergenceRules& rules, const MeanBet& different,
             const MeanBet& same)
      : rules_(rules), different_(different), same_(same) {}

  DivergenceRules rules_;
  MeanBet different_;  // on min(D, c)
  MeanBet same_;       // on c - min(D, c)
  std::vector<double> values_;
  uint64_t num_cut_ = 0;
};

}  // namespace revlm::stats
