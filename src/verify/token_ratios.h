// How two models find the same tokens: log ratios and what they estimate.
//
// An answer is given by ln of each token's probability under a model. With l =
// ln q - ln p of a token and p's answers, KL(p || q) per token is the mean of
//
//   exp(l) - 1 - l    >= 0,
//
// since E_p[exp(l)] = 1: the same expectation as that of -l with far less
// variance where the models are near (a control variate; no term is negative).
//
// A dilution is the model (1 - w) p + w q for each token. Its log ratio to p is
// ln(1 - w + w exp(l)), and its divergence from p grows with w.
//
// Threads: pure functions. Errors: none. REQUIRES: both models scored the same
// answers.
#pragma once

#include <span>
#include <vector>

namespace revlm::verify {

using AnswerLogs = std::vector<float>;  // by token

// ln of the ratio of an answer's probabilities: sum of ln(1 - w + w exp(l)).
double LogRatio(const AnswerLogs& log_p, const AnswerLogs& log_q,
                double weight = 1);

struct NatsEstimate {
  double nats = 0;   // per token
  double error = 0;  // standard error, answers taken as independent
};

// KL(p || (1 - w) p + w q) per token, on answers that p gave.
NatsEstimate EstimateNats(std::span<const AnswerLogs> log_ps,
                          std::span<const AnswerLogs> log_qs,
                          double weight = 1);

// The weight at which that is `nats`; 1 when it is not more at 1.
double FindDilution(std::span<const AnswerLogs> log_ps,
                    std::span<const AnswerLogs> log_qs, double nats);

}  // namespace revlm::verify
