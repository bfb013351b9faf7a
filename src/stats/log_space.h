// Sums of numbers that are kept as natural logarithms.
//
// Threads: pure functions. Errors: none; NaN in, NaN out.
#pragma once

#include <span>

namespace revlm::stats {

// ln(exp(a) + exp(b)), without overflow. -infinity stands for 0.
double LogAdd(double a, double b);

// ln of the sum of all exp(log_terms[i]); of none: -infinity.
double LogSum(std::span<const double> log_terms);

}  // namespace revlm::stats
