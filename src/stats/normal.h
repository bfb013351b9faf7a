// The tail of the normal distribution, as a logarithm that does not underflow.
//
// Threads: pure functions. Errors: none; NaN in, NaN out.
#pragma once

namespace revlm::stats {

// ln P(Z >= z) of a standard normal Z: from erfc where that is above 1e-200,
// beyond by its continued fraction (Abramowitz and Stegun 26.2.14). Relative
// error below 1e-12.
double LogNormalTail(double z);

}  // namespace revlm::stats
