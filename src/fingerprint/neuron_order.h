// Tests of independence from the order of hidden units.
//
// Units of an MLP are born equal: before training, any order of them is as
// likely as any other. So the order in which units of one model match units of
// another is uniformly random for models trained independently, and
//
//   CSU     the match against the order in which they are stored,
//   MATCH   the match by one of their vectors against the match by another
//
// are pairs of orders whose rank correlation (Spearman 1904) tests it (Zhu et
// al. 2025, "Independence tests for language models", ICML). A permutation of
// the units undoes the first and not the second. Over layers, Fisher's method:
// -2 sum ln p is chi-squared with twice as many degrees of freedom as layers.
//
// MATCH takes units to be matched by either vector for no reason but common
// descent. Where independent models learn units of equal purpose that is not
// quite so; docs/method-identity.md has what was measured. The verdict does not
// rest on it.
//
// All probabilities are natural logarithms and do not underflow.
//
// Threads: pure functions. Errors: none.
#pragma once

#include <cstdint>
#include <span>

namespace revlm::fingerprint {

struct OrderTest {
  double z = 0;      // correlation times sqrt(n - 1)
  double log_p = 0;  // of a correlation as large, bounded below by -ln n!
};

// Two orders of n units, each a permutation of 0 .. n - 1. Less than 2: no
// evidence.
OrderTest CompareOrders(std::span<const int32_t> a, std::span<const int32_t> b);

// Fisher's method. None: 0.
double CombineLogP(std::span<const double> log_ps);

}  // namespace revlm::fingerprint
