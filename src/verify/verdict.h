// The verdict on two models, from evidence alone.
//
//   SAME       all tensors are equal, up to exact widening, under the same
//              settings and tokenizer, and no divergence above `same_nats` is
//              certified; or, when one side gives only text, the divergence is
//              certified to be below `same_nats`
//   DERIVED    the weights are related in any other way; or, when one side
//              gives only text, an alternative fits it better than the model
//              it claims to be that is made from that model, or whose weights
//              are related to its
//   DIFFERENT  the divergence is certified to be above `same_nats`, and no
//              relation of weights was found
//   UNDECIDED  everything else, with what more would decide it
//
// Weights come before behaviour: two models that answer alike may have been
// trained apart, and one that was tuned hard answers otherwise than what it
// came from.
//
// Errors. SAME by tensors and relations that are exact: none, but for a
// collision of SHA-256. DERIVED: what the test of weights says
// (verify/weights.h). DIFFERENT, and SAME by text: `alpha` at most, whenever
// one looks (verify/pair_divergence.h). When several pairs are judged at once,
// DIFFERENT is said only where e-BH (stats/combine.h) keeps it as well, among
// the pairs without a relation of weights: of all that are called DIFFERENT,
// the expected share of wrong ones is `alpha` at most.
//
// Threads: pure functions. Errors: none; evidence that says nothing is
// UNDECIDED. Determinism: of the evidence.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "stats/divergence.h"
#include "verify/evidence.h"

namespace revlm::verify {

struct PairVerdict {
  Verdict verdict = Verdict::kUndecided;
  std::string reason;  // a sentence
  // The probability of a wrong verdict, at most; 0: exact. Of UNDECIDED: 0, as
  // nothing is claimed.
  double error_bound = 0;
  std::string missing;   // what would decide it; empty: it is decided
  int64_t num_used = 0;  // prompts or requests that it took; 0: it needed none
};

// Of all pairs that are judged together, in order.
std::vector<PairVerdict> FormVerdicts(std::span<const PairEvidence> pairs,
                                      const stats::DivergenceRules& rules);

// The worst of a run: DIFFERENT, UNDECIDED, DERIVED, SAME. An undecided pair is
// never hidden by those that are related. REQUIRES: at least one.
Verdict Worst(std::span<const PairVerdict> verdicts);

}  // namespace revlm::verify
