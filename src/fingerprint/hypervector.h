// A fingerprint in 1,250 bytes: 10,000 signs of fixed random projections of how
// a model places the positions of the challenge set, "rev-hv/v1".
//
// What is projected are the inner products of centred states (gram.h) at five
// depths, from the embedding to the last layer, each depth scaled to unit mean
// square off the diagonal. Bit b is 1 when
//
//   sum over s < 64 of sign(b, s) G[depth(b, s)][i(b, s)][j(b, s)]
//
// is positive, with signs, depths and pairs i != j of positions drawn from
// SplitMix64 under a fixed seed. A pair with a missing position counts 0. Of
// two models, the expected share of different bits is the angle between what is
// projected, over pi (Goemans and Williamson 1995; Charikar 2002; sparse
// projections: Li, Hastie, Church 2006): about half for unrelated ones. It
// ranks and finds; it carries no error rate.
//
// Threads: pure functions. Determinism: of the arguments; the seed is frozen.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "fingerprint/gram.h"

namespace revlm::fingerprint {

inline constexpr char kHypervectorAlgorithm[] = "rev-hv/v1";
inline constexpr uint32_t kHypervectorBits = 10'000;
inline constexpr size_t kHypervectorDepths = 5;

struct Hypervector {
  // Bit b is bit b % 64 of word b / 64; the rest of the last word is 0.
  std::array<uint64_t, (kHypervectorBits + 63) / 64> words = {};

  bool operator==(const Hypervector&) const = default;
};

// `row_of` gives each position of the challenge set its row in the matrices, or
// kMissing. REQUIRES: kHypervectorDepths matrices of the same size.
Hypervector MakeHypervector(std::span<const Gram> grams,
                            std::span<const int32_t> row_of);

// The number of different bits.
uint32_t HammingDistance(const Hypervector& a, const Hypervector& b);

}  // namespace revlm::fingerprint
