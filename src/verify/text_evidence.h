// What the texts of a target say about which model wrote them, from how
// probable models find them.
//
// The hypothesis is that the target is the reference: every answer drawn from
// the reference's distribution as we compute it, given what was asked and
// answered before. Requests come in the order in which they were asked, with a
// look after each; whatever is said here holds whenever one stops.
//
// 1. The catalogue (stats/catalogue.h). With l_t = ln q(y_t) - ln p(y_t) for a
//    token y_t of an answer and r = l_1 + ... + l_n, an alternative q has the
//    ratio
//
//      kDrawnTokens   e = exp(r)
//      kCompared      e = (m + 1) exp(r) / (exp(r) + exp(r_1) + ... + exp(r_m))
//
//    r_1 ... r_m are those of answers that the reference itself gave to the
//    same prompt, which are exchangeable with the target's if the hypothesis
//    is true, so that E[e] = 1 exactly, whatever was done to all of them alike:
//    text that was cut into tokens again, other tokens than were drawn, a
//    temperature, top-k. (For drawn tokens of the plain distribution nothing
//    is to be made up for, and e is a ratio of probabilities; kCompared needs
//    some (m + 1) / m times the text.)
//
// 2. Typicality, for what no alternative is near to. By the mean ln p of a
//    token, the target's answer has a rank among the m own answers; g = (number
//    more probable - number less probable) / m, in [-1, 1], has mean 0 by the
//    same exchangeability. Two bets (stats/bet.h), on g and on -g, averaged.
//
// 3. Both, averaged (stats/combine.h): the test that decides. e reaches 1/alpha
//    with probability alpha at most, if the target is the reference.
//
// The winner is the alternative that is most probable, once the average and the
// catalogue's own e have reached 1/alpha, unless typicality refutes it in turn:
// the target's answers have to be as typical of it as its own (`Fit`), which a
// model that is merely blunter than the reference does not bring about. That
// the target is not the reference has the error rate; which alternative it is,
// the posterior odds.
//
// Divergence, KL(target || reference) in nats per token:
//
//   lower  Without assumption, of targets or of lengths: by what the
//          catalogue's ln e gains and by g (verify/divergence_floor.h), in
//          steps of 2^(1/4), the tolerance being one of them.
//   upper  Only for targets on the lines from the reference to an alternative,
//          (1 - w) p + w q for each token: nothing bounds the divergence of a
//          model that no alternative resembles. Of each alternative, the w is
//          taken for which KL is `same_nats` (`dilution`); its likelihood L is
//          excluded when (1/2 + e/2) / (L / L_p) reaches 2/alpha (Wald 1945,
//          Robbins 1970), and with it, ln L being concave in w, all beyond. A
//          stranger is on no such line, and excludes them all at once: there
//          is no upper limit before E[g] is bounded as well, by 1/4 and by what
//          `same_nats` allow an answer, sqrt(2 KL).
//
// Closeness is kSame when the upper limit is at most `same_nats` and the
// reference is not rejected, kDifferent when the tolerance is refuted as one,
// at the first look at which one of them holds. kCompared gives no upper limit.
//
// Threads: pure functions. Memory: O(alternatives + requests). Errors:
// kInvalidArgument. Determinism: of the scores, and of the machine's logarithm.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "revlm/compare.h"
#include "stats/divergence.h"

namespace revlm::verify {

// ---- What is weighed ------------------------------------------------------

using revlm::Reading;

// One answer, as models find it.
struct AnswerScore {
  int64_t num_tokens = 0;
  double log_p = 0;  // under the reference
  // r, for each alternative; of own answers, kCompared only.
  std::vector<double> log_ratios;
};

struct RequestScores {
  AnswerScore target;
  // ln of the ratio to p of each alternative's dilution; kDrawnTokens only.
  std::vector<double> diluted_log_ratios;
  std::vector<AnswerScore> own;  // the reference's, as many for each request
};

// A model that the target may be instead.
struct AlternativeFacts {
  std::string name;
  // How it is made from the reference, in plain words; empty: it is another
  // model.
  std::string derivation;
  // KL(reference || alternative) per token, estimated on our own answers, and
  // its standard error.
  double nats = 0;
  double nats_error = 0;
  double dilution = 1;  // w
};

// How typical answers are of an alternative: `log_p` is under it, `own` are its
// own, `log_ratios` are not used.
struct Fit {
  size_t alternative_idx = 0;
  std::vector<RequestScores> requests;
};

struct TextScores {
  Reading reading = Reading::kDrawnTokens;
  int64_t max_tokens = 0;  // as many an answer could have; none counts as more
  std::vector<AlternativeFacts> alternatives;
  std::vector<RequestScores> requests;
  std::optional<Fit> fit;
};

// ---- What comes of it -----------------------------------------------------

struct TextRules {
  double alpha = 0.01;
  double same_nats = 1e-3;
  // Besides answering all requests, an alternative may answer this share of
  // them, with this part of its prior probability.
  double routed_share = 0.25;
  double routed_prior = 0.2;
};

struct TextTest {
  double log_e = 0;
  double p = 1;  // of the largest e so far
  // Until e reached 1/alpha; 0: it did not.
  int64_t num_requests = 0;
  int64_t num_tokens = 0;

  bool rejects() const { return num_requests > 0; }
};

struct AlternativeWeight {
  double posterior = 0;  // among alternatives and the reference, which has 1/2
                         // at first
  double share = 1;      // of requests, that is more probable
};

struct TextEvidence {
  int64_t num_requests = 0;
  int64_t num_tokens = 0;  // of the target's answers
  TextTest catalogue;
  TextTest typicality;
  TextTest combined;

  std::vector<AlternativeWeight> alternatives;  // as in TextScores
  size_t best_idx = 0;                          // the most probable of them
  double best_log_odds = 0;  // ln of its odds against all else together
  bool needs_fit = false;    // it would win; `Fit` is missing
  std::optional<TextTest> fit;
  std::optional<size_t> winner_idx;

  double lower_nats = 0;
  std::optional<double> upper_nats;
  stats::Closeness closeness = stats::Closeness::kUndecided;
  int64_t num_decided = 0;  // requests that closeness took; 0: undecided
  // Undecided: about so many requests more give kSame, if it is the reference.
  int64_t num_needed = 0;
};

Result<TextEvidence> WeighTexts(const TextScores& scores,
                                const TextRules& rules);

}  // namespace revlm::verify
