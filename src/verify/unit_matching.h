// Hidden units of MLPs, matched between two models.
//
// Units are matched one to one by the cosine of one of their vectors over the
// directions that both models share (relation_reader.h). Of deep models
// kMostUnitLayers pairs of layers are looked at, evenly spread.
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

inline constexpr size_t kMostUnitLayers = 8;

struct UnitEvidence {
  std::optional<WeightTest> match;
  std::optional<WeightTest> csu;
  // Of units whose match is clear (cosine above 1/2), over all layers.
  int64_t num_clear = 0;
  int64_t num_in_place = 0;     // matched with the unit of the same number
  double mean_cosine = 0;       // of the last input
  double log_scale_spread = 0;  // deviation of ln(|b| / |a|) of the last input
};

// REQUIRES: as many units in both.
Result<UnitEvidence> MatchUnits(TensorReader& a, TensorReader& b,
                                std::span<const fingerprint::LayerPair> layers,
                                const Projections& projections,
                                memory::Budget& budget,
                                fingerprint::Multiplier& multiplier);

}  // namespace revlm::verify
