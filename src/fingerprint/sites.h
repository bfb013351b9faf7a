// Where in a model its states change most, and where two models part.
//
// The change across a layer is 1 - unbiased CKA of the states before and after
// it. Its interval comes from half-samples: the change is measured again on
// random halves of the prompts, drawn without replacement, whose spread is that
// of the whole (the delete-d jackknife with d = n/2: Shao and Wu 1989, "A
// general theory for jackknife variance estimation", Annals of Statistics 17).
// Drawing with replacement would put states beside their own copies, which look
// alike. Prompts are drawn, not positions: those of a prompt depend on each
// other.
//
// A restriction site is a layer among the kNumSites with the largest change,
// and so in at least half of the half-samples.
//
// Threads: pure functions. Determinism: halves are drawn under a fixed seed.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "fingerprint/layer_sketch.h"

namespace revlm::fingerprint {

inline constexpr uint32_t kNumHalfSamples = 200;
inline constexpr size_t kNumSites = 3;

// Of one layer. `low` and `high` hold the middle 90 % of the half-samples.
struct LayerChange {
  float change = 0;
  float low = 0;
  float high = 0;
  float top_share = 0;  // of half-samples that have it among the largest

  bool operator==(const LayerChange&) const = default;
};

// `states`: before the first layer, then after each. `prompt_of`: of each
// position. Returns one for each layer.
std::vector<LayerChange> MeasureChanges(std::span<const LayerSketch> states,
                                        std::span<const uint32_t> prompt_of);

// Ascending layer numbers, from 0.
std::vector<uint32_t> RestrictionSites(std::span<const LayerChange> changes);

}  // namespace revlm::fingerprint
