#include "engine/small_tensors.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/file.h"

namespace revlm::engine {
// The values, and room to read the largest.
uint64_t SmallTensors::MemoryBytes(const ModelSpec& spec,
                                   const formats::Checkpoint& checkpoint) {
  uint64_t largest = 0;
  uint64_t count = 0;
  for (const int32_t idx : SmallTensorList(spec)) {
    const formats::TensorInfo& info = checkpoint.tensor(idx);
    largest = std::max(largest, base::UnalignedReadBytes(info.size_bytes));
    count += info.shape[0];
  }
  return base::AlignUp(largest + count * sizeof(float),
                       base::kMaxDirectAlignment);
}

Status SmallTensors::Load(const ModelSpec& spec,
                          const formats::Checkpoint& checkpoint,
                          const Kernels& kernels, std::span<std::byte> memory) {
  values_.assign(checkpoint.tensors().size(), nullptr);
  // Values from the back, so that the front stays aligned for reads.
  std::byte* free_end = memory.data() + memory.size();
  for (const int32_t idx : SmallTensorList(spec)) {
    const formats::TensorInfo& info = checkpoint.tensor(idx);
    REVLM_ASSIGN_OR_RETURN(
        const std::byte* stored,
        checkpoint.file(info.file_idx)
            .ReadUnaligned(info.offset_bytes, info.size_bytes, memory));
    free_end -= info.shape[0] * sizeof(float);
    float* values = reinterpret_cast<float*>(free_end);
    kernels.widen(WeightType(info), stored, static_cast<int64_t>(info.shape[0]),
                  values);
    values_[static_cast<size_t>(idx)] = values;
  }
  return {};
}

}  // namespace revlm::engine
