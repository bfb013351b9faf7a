// How often verdicts are wrong, counted in simulated audits of the whole way
// from divergences to a verdict: `error_rate_test` of src/verify bounds the
// figures, `revlm_error_rates` of bench/ prints them for more audits.
//
// An audit looks after every prompt and stops at the first wrong verdict.
#pragma once

#include <cstdint>
#include <vector>

#include "support/audits.h"

namespace revlm::testing {

std::vector<ErrorRate> MeasureVerdictErrorRates(uint64_t num_audits,
                                                uint64_t num_looks);

// How many of the audits say DIFFERENT, rightly, of a divergence of so many
// times the tolerance.
uint64_t CountFoundDifferent(double times_tolerance, uint64_t num_audits,
                             uint64_t num_looks);

}  // namespace revlm::testing
