// What tests of states share: random rows with a known relation.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/normal_testing.h"
#include "fingerprint/gram.h"
#include "fingerprint/layer_sketch.h"

namespace revlm::testing {

// `n` states of `width`, of which each direction counts `decay` times the one
// before: what states of models look like, with a decay below 1.
inline std::vector<float> RandomStates(uint64_t seed, size_t n, size_t width,
                                       double decay) {
  std::vector<float> states(n * width);
  for (size_t i = 0; i < states.size(); ++i) {
    const double scale = std::pow(decay, static_cast<double>(i % width));
    states[i] = static_cast<float>(scale * Normal(seed, i));
  }
  return states;
}

// a + share * b, element by element.
inline std::vector<float> Mixed(const std::vector<float>& a, float share,
                                const std::vector<float>& b) {
  std::vector<float> mixed = a;
  for (size_t i = 0; i < a.size(); ++i) mixed[i] += share * b[i];
  return mixed;
}

inline fingerprint::LayerSketch SketchRows(const std::vector<float>& states,
                                           size_t n) {
  return fingerprint::SketchOf(
      fingerprint::CentredGram(states, n, states.size() / n));
}

// Positions 0 .. n - 1 of both.
inline fingerprint::PositionPairs AllPositions(size_t n) {
  fingerprint::PositionPairs pairs;
  for (uint32_t i = 0; i < n; ++i) {
    pairs.a.push_back(i);
    pairs.b.push_back(i);
  }
  return pairs;
}

}  // namespace revlm::testing
