// Exact limits of an error rate that was counted.
//
// Of `num_audits` independent audits, `num_errors` went wrong. Clopper and
// Pearson 1934, "The use of confidence or fiducial limits illustrated in the
// case of the binomial": the upper limit is the rate at which so few errors or
// fewer have the probability `miss`, the lower limit that at which so many or
// more have it. Each is wrong with probability `miss` at most, for a number of
// audits chosen beforehand: these are not for looking and going on. Both
// together are an interval at 1 - 2 miss.
//
// Threads: pure functions. Cost: some hundred times the square root of
// `num_audits`. Precision: an absolute 1e-12, measured for a million audits.
// Errors: kInvalidArgument unless num_errors <= num_audits, 1 <= num_audits <=
// 10^12 and 0 < miss <= 1/2.
#pragma once

#include <cstdint>

#include "base/error.h"

namespace revlm::stats {

Result<double> UpperRateLimit(uint64_t num_errors, uint64_t num_audits,
                              double miss);
Result<double> LowerRateLimit(uint64_t num_errors, uint64_t num_audits,
                              double miss);

}  // namespace revlm::stats
