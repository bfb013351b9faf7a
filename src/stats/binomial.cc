#include "stats/binomial.h"

#include <cmath>
#include <numbers>

namespace revlm::stats {
namespace {

constexpr uint64_t kMostAudits = 1'000'000'000'000;

// ln(n!) less Stirling's ln(sqrt(2 pi n) (n/e)^n), for n >= 1.
double StirlingRest(double n) {
  if (n < 16) {
    double log_factorial = 0;
    for (double i = 2; i <= n; ++i) log_factorial += std::log(i);
    return log_factorial -
           (0.5 * std::log(2 * std::numbers::pi * n) + n * std::log(n) - n);
  }
  // Whose next term is below 1e-15 from 16 on.
  const double n2 = n * n;
  return (1.0 / 12 - (1.0 / 360 -
                      (1.0 / 1260 - (1.0 / 1680 - 1.0 / 1188 / n2) / n2) / n2) /
                         n2) /
         n;
}

// x ln(x/m) + m - x, without the loss of digits where x is near m.
double Deviance(double x, double m) {
  const double relative = (x - m) / m;
  if (std::abs(relative) > 0.1) return x * std::log(x / m) + m - x;
  // m times the series of (1+d) ln(1+d) - d = d^2/2 - d^3/6 + d^4/12 - ...
  double sum = 0;
  double power = relative;
  for (int i = 2; i < 20; ++i) {
    power *= i == 2 ? relative : -relative;
    sum += power / (i * (i - 1));
  }
  return m * sum;
}

// The probability of exactly k of n, 0 < k < n, at a rate in (0, 1): Loader
// 2000, "Fast and accurate computation of binomial probabilities".
double Probability(double k, double n, double rate) {
  const double log_probability = StirlingRest(n) - StirlingRest(k) -
                                 StirlingRest(n - k) - Deviance(k, n * rate) -
                                 Deviance(n - k, n * (1 - rate));
  return std::exp(log_probability) *
         std::sqrt(n / (2 * std::numbers::pi * k * (n - k)));
}

// The probability of k or fewer, where rate >= k/n: the terms fall from k down.
double ProbabilityOfAtMost(double k, double n, double rate) {
  double term = 1;
  double sum = 1;
  for (double i = k; i > 0 && term > sum * 1e-17; --i) {
    term *= i / (n - i + 1) * ((1 - rate) / rate);
    sum += term;
  }
  return Probability(k, n, rate) * sum;
}

Status Check(uint64_t num_errors, uint64_t num_audits, double miss) {
  if (num_errors <= num_audits && num_audits > 0 && num_audits <= kMostAudits &&
      miss > 0 && miss <= 0.5) {
    return {};
  }
  return base::MakeError(
      ErrorCode::kInvalidArgument,
      "limiting an error rate: found {} errors of {} audits and a limit that "
      "misses with probability {}, allowed are 1 to {} audits, no more errors "
      "than audits, and probabilities above 0 up to 1/2",
      num_errors, num_audits, miss, kMostAudits);
}

double UpperLimit(uint64_t num_errors, uint64_t num_audits, double miss) {
  const auto n = static_cast<double>(num_audits);
  const auto k = static_cast<double>(num_errors);
  if (num_errors == num_audits) return 1;
  if (num_errors == 0) return -std::expm1(std::log(miss) / n);
  // At k/n, k or fewer have at least the probability 1/2: k is the median.
  double low = k / n;
  double high = 1;
  while (true) {
    const double middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) return high;
    (ProbabilityOfAtMost(k, n, middle) > miss ? low : high) = middle;
  }
}

}  // namespace

Result<double> UpperRateLimit(uint64_t num_errors, uint64_t num_audits,
                              double miss) {
  REVLM_TRY(Check(num_errors, num_audits, miss));
  return UpperLimit(num_errors, num_audits, miss);
}

Result<double> LowerRateLimit(uint64_t num_errors, uint64_t num_audits,
                              double miss) {
  REVLM_TRY(Check(num_errors, num_audits, miss));
  return 1 - UpperLimit(num_audits - num_errors, num_audits, miss);
}

}  // namespace revlm::stats
