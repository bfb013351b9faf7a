#include "fingerprint/neuron_order.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/check.h"
#include "stats/log_space.h"
#include "stats/normal.h"

namespace revlm::fingerprint {

OrderTest CompareOrders(std::span<const int32_t> a,
                        std::span<const int32_t> b) {
  REVLM_CHECK(a.size() == b.size());
  if (a.size() < 2) return {};
  const auto n = static_cast<double>(a.size());
  double squares = 0;  // of differences of ranks
  for (size_t i = 0; i < a.size(); ++i) {
    const double difference = a[i] - b[i];
    squares += difference * difference;
  }
  const double correlation = 1 - 6 * squares / (n * (n * n - 1));
  OrderTest test;
  test.z = correlation * std::sqrt(n - 1);
  // The tail of the correlation is lighter than the normal one, which is an
  // upper bound for it where it matters; no probability is below 1 / n!.
  test.log_p = std::max(stats::LogNormalTail(test.z), -std::lgamma(n + 1));
  return test;
}

double CombineLogP(std::span<const double> log_ps) {
  if (log_ps.empty()) return 0;
  double half = 0;  // of chi-squared
  for (const double log_p : log_ps) half -= log_p;
  if (half <= 0) return 0;
  // For 2 L degrees of freedom P = e^-x sum over k < L of x^k / k!, x the half.
  std::vector<double> terms;
  double term = 0;
  for (size_t k = 0; k < log_ps.size(); ++k) {
    if (k > 0) term += std::log(half / static_cast<double>(k));
    terms.push_back(term);
  }
  return std::min(0.0, stats::LogSum(terms) - half);
}

}  // namespace revlm::fingerprint
