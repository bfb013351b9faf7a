// One piece of evidence out of several, and several verdicts at one error rate.
//
// E-values are given as natural logarithms: -infinity or finite.
//
// Threads: pure functions. Errors: kInvalidArgument for NaN, +infinity, nothing
// to combine, or arguments out of the bounds given.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/error.h"

namespace revlm::stats {

// ln of the product. Valid where each is an e-value given the ones before it:
// tests of separate data, one after another. Never for tests of the same data.
Result<double> LogProduct(std::span<const double> log_es);

// ln of the weighted mean. Valid however they depend on each other (Vovk and
// Wang 2021, "E-values: calibration, combination and applications", Annals of
// Statistics 49, section 3). The present e of several e-processes over the same
// prompts gives an e-process again, to be kept in an `EProcess` of its own. The
// largest so far of each, averaged, does not.
// `weights`: one for each, finite, 0 or more, not all 0; they are taken
// relative to their sum, and must have been chosen before the data.
Result<double> LogMean(std::span<const double> log_es,
                       std::span<const double> weights);

// Which of m hypotheses are rejected: the k with the largest e, for the most k
// whose k-th largest e is m / (alpha k) or more. Of all that are rejected, the
// expected share of true ones is alpha at most, however they depend on each
// other: the e-BH procedure (Wang and Ramdas 2022, "False discovery rate
// control with e-values", JRSSB 84, theorem 1). Each e must be one at the
// moment of stopping, not the largest so far: `EProcess::log_e`.
// `alpha`: between 0 and 1. Indices in ascending order; none of none.
Result<std::vector<size_t>> RejectedByEBh(std::span<const double> log_es,
                                          double alpha);

}  // namespace revlm::stats
