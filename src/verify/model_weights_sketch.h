// Makes the weight sketch of a checkpoint (fingerprint/weight_sketch.h): reads
// its embeddings once and of the query and key matrices the rows that are kept.
//
// Threads: thread-confined. Memory: reserved in `budget`: width x 1.5 KiB, and
// 1 MiB to read into. Errors: those of reading, kBudgetExceeded, kCancelled.
// Determinism: of the model alone.
#pragma once

#include <cstdint>
#include <span>
#include <stop_token>
#include <vector>

#include "base/error.h"
#include "engine/model.h"
#include "fingerprint/weight_sketch.h"
#include "formats/checkpoint.h"
#include "memory/budget.h"
#include "tokenizer/tokenizer.h"

namespace revlm::verify {

// Of these layers, ascending, in the order of the sketch's.
Result<fingerprint::WeightSketch> SketchWeights(
    const formats::Checkpoint& checkpoint, const engine::ModelSpec& spec,
    const tokenizer::Tokenizer& tokenizer, std::span<const uint32_t> layers,
    memory::Budget& budget, const std::stop_token& stop);

// All layers of a model.
std::vector<uint32_t> AllLayers(const engine::ModelSpec& spec);

// An eighth of the layers, evenly spaced, or as many more as it takes to have
// kMinProbedUnits: what tells relatives from strangers, usually.
inline constexpr uint32_t kMinProbedUnits = 64;
std::vector<uint32_t> ProbedLayers(const engine::ModelSpec& spec);

}  // namespace revlm::verify
