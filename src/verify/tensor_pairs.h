// Which tensor of one checkpoint corresponds to which of another.
//
// Where both are of families that the engine knows, tensors correspond that
// play the same part, whatever their names; otherwise, and for what no part
// uses, those of the same name. Where one model ties its head to its embedding
// and the other does not, the embedding takes the part of the head, too.
//
// Threads: pure functions. Memory: O(tensors).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/model.h"
#include "fingerprint/layer_path.h"
#include "formats/checkpoint.h"
#include "verify/weights.h"

namespace revlm::verify {

inline constexpr int32_t kNoLayer = -1;

struct TensorPair {
  int32_t tensor_a = 0;
  int32_t tensor_b = 0;
  bool is_used = false;  // the model computes with it
  // Used, and no formula makes it, as one may make tables of positions.
  bool is_learned = false;
  int32_t layer_a = kNoLayer;
};

struct TensorPairs {
  std::vector<TensorPair> pairs;
  std::vector<int32_t> only_a;
  std::vector<int32_t> only_b;
  bool all_used_paired = false;  // no part is played on one side only
};

// A spec is null where the engine does not know the family. `layers` says which
// layers correspond, ascending in a; none: those of the same number.
TensorPairs PairTensors(const formats::Checkpoint& a,
                        const engine::ModelSpec* spec_a,
                        const formats::Checkpoint& b,
                        const engine::ModelSpec* spec_b,
                        std::span<const fingerprint::LayerPair> layers);

// Keys of the configuration that the function computed depends on and that
// differ, in byte order; of two tokenizers that differ, "tokenizer" last.
std::vector<std::string> DifferingSettings(const WeightSide& a,
                                           const engine::ModelSpec* spec_a,
                                           const WeightSide& b,
                                           const engine::ModelSpec* spec_b);

}  // namespace revlm::verify
