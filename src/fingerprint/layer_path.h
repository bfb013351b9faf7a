// Which layers of two models of different depth correspond, in order.
//
// Threads: pure function. Memory: O(layers_a layers_b).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace revlm::fingerprint {

struct LayerPair {
  int32_t a = 0;
  int32_t b = 0;

  bool operator==(const LayerPair&) const = default;
};

// The pairs, ascending in both, whose scores have the largest sum; a layer may
// be left out at no cost. `scores` is [num_a][num_b], finite. Pairs without a
// positive score are never taken. Of equal sums, the one that leaves out later
// layers of b first, then of a.
std::vector<LayerPair> BestLayerPath(std::span<const double> scores,
                                     int32_t num_a, int32_t num_b);

}  // namespace revlm::fingerprint
