// Rows of an embedding matrix, by number, widened to f32.
//
// Rows are read from the file one by one: an embedding is large and a pass
// needs few of its rows.
//
// Threads: thread-confined; reads with the pool's threads. Lifetime: borrows
// the file. Memory: the scratch it is given. Errors: those of base::File.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "base/error.h"
#include "base/file.h"
#include "engine/kernels.h"
#include "engine/thread_pool.h"

namespace revlm::engine {

class RowTable {
 public:
  struct Shape {
    uint64_t file_offset = 0;
    int64_t num_rows = 0;
    int64_t num_columns = 0;
    ElementType type = ElementType::kF32;
  };

  RowTable(const base::File& file, Shape shape, ThreadPool& pool,
           const Kernels& kernels)
      : file_(file), shape_(shape), pool_(pool), kernels_(kernels) {}

  // out[i] = row ids[i], for each i. REQUIRES: ids in range.
  // `scratch` gives a thread of the pool ScratchBytes, aligned to
  // kMaxDirectAlignment.
  Status Gather(std::span<const int32_t> ids,
                const std::function<std::byte*(int thread_idx)>& scratch,
                float* out);

  static uint64_t ScratchBytes(int64_t num_columns) {
    return base::UnalignedReadBytes(static_cast<uint64_t>(num_columns) *
                                    sizeof(float));
  }

 private:
  int64_t row_bytes() const {
    return shape_.num_columns * (shape_.type == ElementType::kF32 ? 4 : 2);
  }
  Status ReadRow(int32_t id, std::byte* scratch, float* out) const;

  const base::File& file_;
  const Shape shape_;
  ThreadPool& pool_;
  const Kernels& kernels_;
};

}  // namespace revlm::engine
