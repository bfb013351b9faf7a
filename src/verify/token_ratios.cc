#include "verify/token_ratios.h"

#include <cmath>
#include <cstddef>

namespace revlm::verify {
namespace {

double TokenRatio(float log_p, float log_q, double weight) {
  const double l = static_cast<double>(log_q) - static_cast<double>(log_p);
  return weight == 1 ? l : std::log1p(weight * std::expm1(l));
}

// Sum of exp(l) - 1 - l over an answer.
double NatsOf(const AnswerLogs& log_p, const AnswerLogs& log_q, double weight) {
  double sum = 0;
  for (size_t t = 0; t < log_p.size(); ++t) {
    const double l = TokenRatio(log_p[t], log_q[t], weight);
    sum += std::expm1(l) - l;
  }
  return sum;
}

}  // namespace

double LogRatio(const AnswerLogs& log_p, const AnswerLogs& log_q,
                double weight) {
  double sum = 0;
  for (size_t t = 0; t < log_p.size(); ++t) {
    sum += TokenRatio(log_p[t], log_q[t], weight);
  }
  return sum;
}

NatsEstimate EstimateNats(std::span<const AnswerLogs> log_ps,
                          std::span<const AnswerLogs> log_qs, double weight) {
  double sum = 0;
  double num_tokens = 0;
  for (size_t i = 0; i < log_ps.size(); ++i) {
    sum += NatsOf(log_ps[i], log_qs[i], weight);
    num_tokens += static_cast<double>(log_ps[i].size());
  }
  if (num_tokens == 0) return {};
  const double nats = sum / num_tokens;
  // Of a ratio of sums over answers.
  double squares = 0;
  for (size_t i = 0; i < log_ps.size(); ++i) {
    const double residual = NatsOf(log_ps[i], log_qs[i], weight) -
                            nats * static_cast<double>(log_ps[i].size());
    squares += residual * residual;
  }
  return {.nats = nats, .error = std::sqrt(squares) / num_tokens};
}

double FindDilution(std::span<const AnswerLogs> log_ps,
                    std::span<const AnswerLogs> log_qs, double nats) {
  double low = 0;
  double high = 1;
  if (EstimateNats(log_ps, log_qs, high).nats <= nats) return high;
  constexpr int kHalvings = 30;
  for (int i = 0; i < kHalvings; ++i) {
    const double middle = (low + high) / 2;
    (EstimateNats(log_ps, log_qs, middle).nats < nats ? low : high) = middle;
  }
  return high;
}

}  // namespace revlm::verify
