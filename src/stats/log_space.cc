#include "stats/log_space.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace revlm::stats {

double LogAdd(double a, double b) {
  const double terms[] = {a, b};
  return LogSum(terms);
}

double LogSum(std::span<const double> log_terms) {
  double largest = -std::numeric_limits<double>::infinity();
  for (const double term : log_terms) {
    if (std::isnan(term)) return term;
    largest = std::max(largest, term);
  }
  if (std::isinf(largest)) return largest;
  double sum = 0;
  for (const double term : log_terms) sum += std::exp(term - largest);
  return largest + std::log(sum);
}

}  // namespace revlm::stats
