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
#include <string>
#include <vector>

#include "engine/model.h"
#include "formats/checkpoint.h"

namespace revlm::verify {

struct TensorPair {
  int32_t tensor_a = 0;
  int32_t tensor_b = 0;
  bool is_used = false;  // the model computes with it
};

struct TensorPairs {
  std::vector<TensorPair> pairs;
  std::vector<int32_t> only_a;
  std::vector<int32_t> only_b;
  bool all_used_paired = false;  // no part is played on one side only
};

// A spec is null where the engine does not know the family.
TensorPairs PairTensors(const formats::Checkpoint& a,
                        const engine::ModelSpec* spec_a,
                        const formats::Checkpoint& b,
                        const engine::ModelSpec* spec_b);

// Keys of the configuration that the function computed depends on and that
// differ, in byte order.
std::vector<std::string> DifferingSettings(const formats::Checkpoint& a,
                                           const engine::ModelSpec* spec_a,
                                           const formats::Checkpoint& b,
                                           const engine::ModelSpec* spec_b);

}  // namespace revlm::verify
