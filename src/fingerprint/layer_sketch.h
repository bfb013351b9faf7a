// The hidden states between two layers in a few kilobytes, from which CKA with
// any other model's follows.
//
// A Gram matrix of n states is kept as a factor of kSketchRank columns: K is
// nearly L L'. The columns are those of a Cholesky factorization that takes the
// position worst described so far as its next pivot (Fine and Scheinberg 2001,
// "Efficient SVM training using low-rank kernel representations", JMLR 2), so
// what is left out is known: the trace of the rest. Each column is rounded to
// 8 bits.
//
// Similarity is unbiased linear CKA: HSIC(K, L) / sqrt(HSIC(K, K) HSIC(L, L))
// with the unbiased estimator of HSIC (Song et al. 2012, "Feature selection via
// dependence maximization", JMLR 13, equation 5; Nguyen et al. 2021 use it for
// layers). The plain one is near 1 for unrelated states whenever a model is
// wider than there are positions. From factors it takes n r^2 steps.
//
// Threads: pure functions. Determinism: sums in a fixed order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "fingerprint/gram.h"

namespace revlm::fingerprint {

inline constexpr uint32_t kSketchRank = 32;

struct LayerSketch {
  std::vector<float> scales;   // of each column; at most kSketchRank
  std::vector<int8_t> factor;  // [position][column]
  float left_out = 0;          // share of the trace, in [0, 1]

  size_t rank() const { return scales.size(); }
  size_t num_positions() const {
    return scales.empty() ? 0 : factor.size() / scales.size();
  }
  bool operator==(const LayerSketch&) const = default;
};

LayerSketch SketchOf(const Gram& gram);

// Which positions of one sketch go with which of another; as many of both.
struct PositionPairs {
  std::vector<uint32_t> a;
  std::vector<uint32_t> b;
};

// In about [-1, 1], 0 for unrelated states. Nothing for fewer than 4 positions,
// or where the states do not differ. REQUIRES: positions in range.
std::optional<double> UnbiasedCka(const LayerSketch& a, const LayerSketch& b,
                                  const PositionPairs& positions);

// The same of each state and the next, at these positions of both.
std::vector<std::optional<double>> NeighbourCkas(
    std::span<const LayerSketch> states, std::span<const uint32_t> positions);

}  // namespace revlm::fingerprint
