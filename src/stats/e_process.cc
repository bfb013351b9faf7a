#include "stats/e_process.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace revlm::stats {

Status EProcess::MoveTo(double log_e) {
  // False for NaN.
  if (!(log_e < std::numeric_limits<double>::infinity())) {
    return base::MakeError(ErrorCode::kInvalidArgument,
                           "moving an e-process: found a logarithm of {}, "
                           "allowed are finite ones and -inf",
                           log_e);
  }
  log_e_ = log_e;
  log_max_e_ = std::max(log_max_e_, log_e);
  return {};
}

double EProcess::e() const {
  return std::min(std::exp(log_e_), std::numeric_limits<double>::max());
}

double EProcess::p() const {
  return std::max(std::exp(-log_max_e_), std::numeric_limits<double>::min());
}

bool EProcess::Rejects(double alpha) const {
  return log_max_e_ >= -std::log(alpha);
}

}  // namespace revlm::stats
