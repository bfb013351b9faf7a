#include "fingerprint/gram.h"

#include <algorithm>
#include <cmath>

namespace revlm::fingerprint {

Gram CentredGram(std::span<const float> rows, size_t n, size_t width) {
  Gram gram = {.n = n, .values = std::vector<double>(n * n, 0.0)};
  if (n == 0) return gram;
  // One column of the states at a time: the inner loop runs along a row of the
  // result, which the compiler can turn into vectors without reordering a sum.
  std::vector<double> column(n);
  for (size_t k = 0; k < width; ++k) {
    double mean = 0;
    for (size_t i = 0; i < n; ++i) {
      column[i] = static_cast<double>(rows[i * width + k]);
      mean += column[i];
    }
    mean /= static_cast<double>(n);
    for (double& value : column) value -= mean;
    for (size_t i = 0; i < n; ++i) {
      const double factor = column[i];
      double* const out = gram.values.data() + i * n;
      for (size_t j = 0; j <= i; ++j) out[j] += factor * column[j];
    }
  }
  double trace = 0;
  for (size_t i = 0; i < n; ++i) trace += gram.at(i, i);
  const double scale = static_cast<double>(n) / trace;
  if (!std::isfinite(scale)) {
    std::ranges::fill(gram.values, 0.0);
    return gram;
  }
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j <= i; ++j) {
      gram.values[i * n + j] *= scale;
      gram.values[j * n + i] = gram.values[i * n + j];
    }
  }
  return gram;
}

}  // namespace revlm::fingerprint
