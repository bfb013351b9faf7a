// Norm weights and biases of a whole model, widened to f32: read once and kept,
// since each is needed in every pass and too small to be worth a read.
//
// Threads: constant once loaded. Lifetime: of the memory it was loaded into.
// Errors: those of base::File.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/error.h"
#include "engine/kernels.h"
#include "engine/model.h"
#include "formats/checkpoint.h"

namespace revlm::engine {

class SmallTensors {
 public:
  // What Load needs.
  static uint64_t MemoryBytes(const ModelSpec& spec,
                              const formats::Checkpoint& checkpoint);

  // `memory` is aligned to kMaxDirectAlignment.
  Status Load(const ModelSpec& spec, const formats::Checkpoint& checkpoint,
              const Kernels& kernels, std::span<std::byte> memory);

  // The values of a tensor; null for kNoTensor.
  const float* Find(int32_t tensor_idx) const {
    return tensor_idx == kNoTensor ? nullptr
                                   : values_[static_cast<size_t>(tensor_idx)];
  }

 private:
  std::vector<const float*> values_;  // by tensor
};

}  // namespace revlm::engine
