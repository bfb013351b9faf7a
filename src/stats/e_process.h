// The evidence against a hypothesis so far, and the most that it ever was.
//
// An e-process of a hypothesis is a number e >= 0, 1 at the start, whose
// expectation under the hypothesis is at most 1 whenever one stops. By Ville's
// inequality (Ville 1939; Ramdas, Gruenwald, Vovk, Shafer 2023, "Game-theoretic
// statistics and safe anytime-valid inference", section 2)
//
//   P(e ever reaches 1/alpha) <= alpha    if the hypothesis is true,
//
// so that one may look after every prompt and stop at will. This class only
// keeps the number, as its natural logarithm; `bet.h` and `catalogue.h` make
// it, and `combine.h` makes one of several.
//
// Threads: thread-compatible. Memory: two doubles. Determinism: of the calls.
#pragma once

#include "base/error.h"

namespace revlm::stats {

class EProcess {
 public:
  // e is now exp(log_e): -infinity (no evidence can come any more) or finite.
  // Errors: kInvalidArgument otherwise, and nothing has changed.
  Status MoveTo(double log_e);

  double log_e() const { return log_e_; }
  double log_max_e() const { return log_max_e_; }  // never below 0

  // exp(log_e), at most the largest finite double.
  double e() const;

  // A p-value that holds whenever one stops: 1 / the largest e so far. Never
  // 0: at least the smallest normal double, which errs on the safe side.
  double p() const;

  // Whether the hypothesis is rejected, at an error rate of `alpha`: e was
  // 1/alpha at some time. Not once rejected, then no more.
  bool Rejects(double alpha) const;

 private:
  double log_e_ = 0;
  double log_max_e_ = 0;
};

}  // namespace revlm::stats
