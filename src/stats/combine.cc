#include "stats/combine.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "stats/log_space.h"

namespace revlm::stats {
namespace {

Status CheckLogEs(std::span<const double> log_es) {
  for (size_t i = 0; i < log_es.size(); ++i) {
    if (!(log_es[i] < std::numeric_limits<double>::infinity())) {
      return base::MakeError(ErrorCode::kInvalidArgument,
                             "combining e-values: found a logarithm of {} at "
                             "{}, allowed are finite ones and -inf",
                             log_es[i], i);
    }
  }
  return {};
}

Status CheckNotEmpty(std::span<const double> log_es) {
  if (!log_es.empty()) return {};
  return base::MakeError(ErrorCode::kInvalidArgument,
                         "combining e-values: found none, allowed are one or "
                         "more");
}

}  // namespace

Result<double> LogProduct(std::span<const double> log_es) {
  REVLM_TRY(CheckNotEmpty(log_es));
  REVLM_TRY(CheckLogEs(log_es));
  return std::accumulate(log_es.begin(), log_es.end(), 0.0);
}

Result<double> LogMean(std::span<const double> log_es,
                       std::span<const double> weights) {
  REVLM_TRY(CheckNotEmpty(log_es));
  REVLM_TRY(CheckLogEs(log_es));
  if (weights.size() != log_es.size()) {
    return base::MakeError(ErrorCode::kInvalidArgument,
                           "combining e-values: found {} weights, allowed is "
                           "one for each of {}",
                           weights.size(), log_es.size());
  }
  std::vector<double> log_terms;
  std::vector<double> log_weights;
  for (size_t i = 0; i < log_es.size(); ++i) {
    if (!(weights[i] >= 0 && std::isfinite(weights[i]))) {
      return base::MakeError(ErrorCode::kInvalidArgument,
                             "combining e-values: found a weight of {} at {}, "
                             "allowed are finite ones of 0 or more",
                             weights[i], i);
    }
    log_weights.push_back(std::log(weights[i]));
    log_terms.push_back(log_weights.back() + log_es[i]);
  }
  const double log_sum = LogSum(log_weights);
  if (std::isinf(log_sum)) {
    return base::MakeError(ErrorCode::kInvalidArgument,
                           "combining e-values: found only weights of 0, "
                           "allowed is at least one above");
  }
  return LogSum(log_terms) - log_sum;
}

Result<std::vector<size_t>> RejectedByEBh(std::span<const double> log_es,
                                          double alpha) {
  REVLM_TRY(CheckLogEs(log_es));
  if (!(alpha > 0 && alpha < 1)) {
    return base::MakeError(ErrorCode::kInvalidArgument,
                           "judging several hypotheses: found an error rate of "
                           "{}, allowed are those between 0 and 1",
                           alpha);
  }
  std::vector<size_t> order(log_es.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return log_es[a] > log_es[b]; });
  size_t num_rejected = order.size();
  for (; num_rejected > 0; --num_rejected) {
    const double share =
        static_cast<double>(num_rejected) / static_cast<double>(order.size());
    if (log_es[order[num_rejected - 1]] >= -std::log(alpha * share)) break;
  }
  order.resize(num_rejected);
  std::sort(order.begin(), order.end());
  return order;
}

}  // namespace revlm::stats
