// Standard normal numbers for tests, from a seed and an index.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

#include "base/random.h"

namespace revlm::testing {

// Number `idx` of a stream (Box and Muller 1958).
inline double Normal(uint64_t seed, uint64_t idx) {
  const double u = base::UniformDouble(seed, 2 * idx);
  const double v = base::UniformDouble(seed, 2 * idx + 1);
  return std::sqrt(-2 * std::log1p(-u)) * std::cos(2 * std::numbers::pi * v);
}

}  // namespace revlm::testing
