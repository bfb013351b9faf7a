#include "engine/small_tensors.h"

#include <algorithm>

#include "base/bytes.h"
#include "engine/slab_stream.h"

namespace revlm::engine {
namespace {

const formats::TensorInfo& Info(const formats::Checkpoint& checkpoint,
                                int32_t tensor_idx) {
  return checkpoint.tensors()[static_cast<size_t>(tensor_idx)];
}

}  // namespace

// The values, and room to read the largest.
uint64_t SmallTensors::MemoryBytes(const ModelSpec& spec,
                                   const formats::Checkpoint& checkpoint) {
  uint64_t largest = 0;
  uint64_t count = 0;
  for (const int32_t idx : SmallTensorList(spec)) {
    const formats::TensorInfo& info = Info(checkpoint, idx);
    largest = std::max(largest, SlabPartBytes(info.size_bytes));
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
    const formats::TensorInfo& info = Info(checkpoint, idx);
    const base::File& file = checkpoint.file(info.file_idx);
    const uint64_t alignment = file.direct_alignment();
    const uint64_t start = base::AlignDown(info.offset_bytes, alignment);
    const uint64_t end =
        base::AlignUp(info.offset_bytes + info.size_bytes, alignment);
    REVLM_TRY(file.ReadAt(start, {memory.data(), end - start}));
    if (alignment == 1) file.DropFromPageCache(start, end - start);
    free_end -= info.shape[0] * sizeof(float);
    float* values = reinterpret_cast<float*>(free_end);
    kernels.widen(WeightType(info), memory.data() + (info.offset_bytes - start),
                  static_cast<int64_t>(info.shape[0]), values);
    values_[static_cast<size_t>(idx)] = values;
  }
  return {};
}

}  // namespace revlm::engine
