// Hidden units of MLPs, matched between two models.
//
// Units are matched one to one by the cosine of one of their vectors over the
// directions that both models share (relation_reader.h). Matching takes a
// second or a few for each layer of a large model, so some are looked at,
// evenly spread, or all on request.
//
// A match depends on the units alone and not on their order: the same
// permutation of the units of a model permutes the match. So for models trained
// independently, whose units are born equal, it is uniformly random, which is
// all that the tests of neuron_order.h assume.
//
// Threads: thread-confined. Memory: units times units floats, reserved in the
// budget. Errors: kBudgetExceeded, those of reading.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/error.h"
#include "fingerprint/layer_path.h"
#include "fingerprint/matrix.h"
#include "verify/relation_reader.h"
#include "verify/tensor_reader.h"
#include "verify/weights.h"

namespace revlm::verify {

// How many pairs of layers are looked at by default: at most 8, with about
// 12,000 units together, but one at least.
size_t NumSampledUnitLayers(size_t num_layers, int64_t units_per_layer);

struct UnitEvidence {
  std::optional<WeightTest> match;
  std::optional<WeightTest> csu;
  // Of units whose match is clear (cosine above 1/2), over all layers.
  int64_t num_clear = 0;
  int64_t num_in_place = 0;     // matched with the unit of the same number
  double mean_cosine = 0;       // of the last input
  double log_scale_spread = 0;  // deviation of ln(|b| / |a|) of the last input
};

// Of `num_layers` of the pairs. REQUIRES: as many units in both; at least so
// many pairs.
Result<UnitEvidence> MatchUnits(TensorReader& a, TensorReader& b,
                                std::span<const fingerprint::LayerPair> layers,
                                size_t num_layers,
                                const Projections& projections,
                                memory::Budget& budget,
                                fingerprint::Multiplier& multiplier);

}  // namespace revlm::verify
