// Inner products of hidden states with each other: how a model places what it
// read, whatever the width and the basis of its states.
//
// Threads: pure functions. Memory: n^2 doubles. Determinism: sums in a fixed
// order.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace revlm::fingerprint {

struct Gram {
  size_t n = 0;
  std::vector<double> values;  // symmetric, [n][n]

  double at(size_t i, size_t j) const { return values[i * n + j]; }
};

// Of `n` rows of `width`, their mean taken off, scaled so that the diagonal's
// mean is 1; all zero when the rows are equal or not finite.
Gram CentredGram(std::span<const float> rows, size_t n, size_t width);

}  // namespace revlm::fingerprint
