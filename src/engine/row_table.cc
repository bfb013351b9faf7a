#include "engine/row_table.h"

#include <algorithm>
#include <cstring>

namespace revlm::engine {

Status RowTable::ReadRow(int32_t id, std::byte* scratch, float* out) const {
  const uint64_t size_bytes = static_cast<uint64_t>(row_bytes());
  REVLM_ASSIGN_OR_RETURN(
      const std::byte* row,
      file_.ReadUnaligned(
          shape_.file_offset + static_cast<uint64_t>(id) * size_bytes,
          size_bytes, {scratch, ScratchBytes(shape_.num_columns)}));
  kernels_.widen(shape_.type, row, shape_.num_columns, out);
  return {};
}

Status RowTable::Gather(
    std::span<const int32_t> ids,
    const std::function<std::byte*(int thread_idx)>& scratch, float* out) {
  const int64_t count = static_cast<int64_t>(ids.size());
  // Each different row is read once, straight to its first place.
  std::vector<int64_t> order(ids.size());
  for (int64_t i = 0; i < count; ++i) order[static_cast<size_t>(i)] = i;
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return ids[static_cast<size_t>(a)] < ids[static_cast<size_t>(b)];
  });
  auto id_at = [&](int64_t i) {
    return ids[static_cast<size_t>(order[static_cast<size_t>(i)])];
  };
  REVLM_TRY(pool_.TryParallelFor(count, [&](int64_t i, int thread_idx) {
    if (i > 0 && id_at(i) == id_at(i - 1)) return Status();
    return ReadRow(id_at(i), scratch(thread_idx),
                   out + order[static_cast<size_t>(i)] * shape_.num_columns);
  }));
  for (int64_t i = 1; i < count; ++i) {
    if (id_at(i) != id_at(i - 1)) continue;
    std::memcpy(out + order[static_cast<size_t>(i)] * shape_.num_columns,
                out + order[static_cast<size_t>(i - 1)] * shape_.num_columns,
                static_cast<size_t>(shape_.num_columns) * sizeof(float));
  }
  return {};
}

}  // namespace revlm::engine
