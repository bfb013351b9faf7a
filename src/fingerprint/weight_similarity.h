// Whether one of two models was trained from the other's weights, with an exact
// bound on being wrong.
//
// Flipping the sign of a unit (weight_sketch.h) changes nothing that the model
// computes. Where initial weights are drawn from a distribution that does not
// prefer a sign, and training treats w and -w alike (SGD, Adam and their kin
// do), the sign of each unit of a model is a fair coin, independent of the
// other units, of everything the model does, and of any model that was trained
// without it. So with c_u the sum over heads of the mean cosine of unit u's
// rows with those of the unit it is matched with, and the match chosen by
// functions of |c| alone, the signs of the c_u are independent fair coins given
// their sizes, and
//
//   z = sum c_u / sqrt(sum c_u^2),   P(z >= t) <= exp(-t^2 / 2)
//
// for independent models (Hoeffding 1963). No table, no simulation and no other
// models are needed, and it holds for any family, size and tokenizer. A model
// made from the other keeps its signs: z is then near sqrt(num_units).
//
// Key heads, query heads of one key head, and layers are matched, the latter in
// order, so permuted heads and dropped layers are found. What flips or rotates
// units on purpose (rotary pairs of query and key turned by the same angle)
// also leaves the function unchanged and is not found: a low z shows nothing.
//
// Threads: pure functions. Determinism: of the arguments.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "fingerprint/weight_sketch.h"

namespace revlm::fingerprint {

struct WeightSimilarity {
  double z = 0;
  double log_p = 0;  // ln of the bound above; 0 for z <= 0
  uint32_t num_units = 0;
  double mean_cosine = 0;
  // Layers that were matched, ascending in both.
  std::vector<std::pair<uint32_t, uint32_t>> layers;
};

// Nothing where heads are of different shapes: no unit has a counterpart.
std::optional<WeightSimilarity> CompareWeightSketches(const WeightSketch& a,
                                                      const WeightSketch& b);

}  // namespace revlm::fingerprint
