// Whether a text came from the claimed model, or rather from one of a catalogue
// of alternatives, and from which.
//
// p is the claimed model under its declared decoder, q_1..q_M are alternatives
// that we can run: quantised versions of p, relatives, other temperatures. A
// request is answered with tokens y_1..y_n, and
//
//   r_j = sum over t of  ln q_j(y_t | y_<t) - ln p(y_t | y_<t)
//   R_j = ln((1 - share_j) + share_j exp(r_j))
//   e   = sum over j of  prior_j exp(sum over requests of R_j)
//
// R_j is the ratio for an endpoint that sends only `share_j` of its requests to
// alternative j, and the rest to p. The hypothesis is that each text is drawn
// from p, given all that was asked and answered before; prompts may be chosen
// at will, also after looking. Then each product of ratios is a martingale, and
// so is their mixture (Wald 1945; Robbins 1970, "Statistical methods related to
// the law of the iterated logarithm", on mixtures).
//
// The hypothesis is about p exactly as we compute it. Where the other side's
// arithmetic may differ and E[exp(r_j)] <= exp(k) is known for it, subtract k
// from each r_j. A token that p or q_j excludes makes r_j infinite: give such
// tokens a small probability in both, first.
//
// What to expect: the requests until e reaches 1/alpha are about (ln(1/alpha) +
// ln(1/prior_j)) / E[R_j], of the alternative with the largest E[R_j]. None
// need be the truth; one has to be nearer to it than p is.
//
// `error_rate_test.cc` measures false rejections, `power_test.cc` the number of
// tokens against ln(1/alpha) / KL.
//
// Threads: thread-compatible. Memory: three doubles for each alternative.
// Determinism: of the calls, and of the machine's logarithm.
#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "base/error.h"
#include "stats/e_process.h"

namespace revlm::stats {

struct Alternative {
  double prior = 1;  // above 0, relative to the others'
  double share = 1;  // of requests that it answers: above 0, at most 1
};

class Catalogue {
 public:
  // Errors: kInvalidArgument when there is no alternative, or for priors and
  // shares that are not as above.
  static Result<Catalogue> Create(std::span<const Alternative> alternatives);

  // Takes r_j of one request for each alternative, in order. Errors:
  // kInvalidArgument when their number differs or one is not finite; nothing
  // has changed.
  Status Add(std::span<const double> log_ratios);

  const EProcess& e_process() const { return e_process_; }

  // The probabilities of the alternatives, given that one of them is true: they
  // add to 1. Before the first request, the priors.
  std::vector<double> Posterior() const;
  // The alternative that is most probable; the first of equals.
  size_t Best() const;

 private:
  struct State {
    double log_share;
    double log_rest;  // of 1 - share
    double log_e;     // ln prior and all R_j
  };

  explicit Catalogue(std::vector<State> states) : states_(std::move(states)) {}

  std::vector<State> states_;
  EProcess e_process_;
};

}  // namespace revlm::stats
