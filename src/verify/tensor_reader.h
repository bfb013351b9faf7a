// Tensors of a checkpoint as matrices of floats.
//
// Values are given as they are; where one that is not finite comes into a
// similarity, that is 0 (fingerprint/form_similarity.h). Linear weights are
// given as [outputs][inputs] however they are stored. Of those stored the other
// way round (GPT-2) one tensor at a time is held.
//
// Threads: thread-confined. Lifetime: borrows the checkpoint, the description
// and the budget. Memory: two buffers of 4 MiB and what is given back, reserved
// in the budget. Errors: kBudgetExceeded, those of base::File.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/error.h"
#include "engine/model.h"
#include "fingerprint/matrix.h"
#include "formats/checkpoint.h"
#include "memory/arena.h"
#include "memory/budget.h"

namespace revlm::verify {

class TensorReader {
 public:
  static Result<TensorReader> Create(const formats::Checkpoint& checkpoint,
                                     const engine::ModelSpec& spec,
                                     memory::Budget& budget);

  const engine::ModelSpec& spec() const { return *spec_; }
  const formats::TensorInfo& Info(int32_t tensor_idx) const {
    return checkpoint_->tensor(tensor_idx);
  }

  // The values of a tensor of one dimension; ones where there is none.
  Result<std::vector<float>> ReadVector(int32_t tensor_idx, int64_t size);

  // Outputs `first` to `first + count` of a linear.
  Result<fingerprint::Matrix> ReadOutputs(const engine::LinearTensors& linear,
                                          int64_t first, int64_t count);

  // Rows of a table, as the embedding, in the order of `ids`.
  Result<fingerprint::Matrix> ReadTableRows(int32_t tensor_idx,
                                            std::span<const int32_t> ids);

 private:
  TensorReader() = default;
  Status ReadElements(const formats::TensorInfo& info, uint64_t first,
                      std::span<float> out);

  const formats::Checkpoint* checkpoint_ = nullptr;
  const engine::ModelSpec* spec_ = nullptr;
  memory::Budget* budget_ = nullptr;
  memory::Arena buffer_;
  int32_t turned_tensor_ = engine::kNoTensor;
  fingerprint::Matrix turned_;  // [outputs][inputs] of that tensor
};

}  // namespace revlm::verify
