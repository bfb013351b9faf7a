// Rows of an embedding matrix, by number, widened to f32.
//
// Until memory is attached, rows are read from the file one by one (an
// embedding is large and a pass needs few of its rows); afterwards they are
// copied from the attached slabs.
//
// Threads: thread-confined; reads with the pool's threads. Lifetime: borrows
// the file, and the memory attached. Errors: those of base::File.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

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

  // The rows from first_row on lie at `data`; called in order, without gaps.
  void Attach(int64_t first_row, int64_t num_rows, const std::byte* data);

  // out[i] = row ids[i], for each i. REQUIRES: ids in range.
  Status Gather(std::span<const int32_t> ids, float* out);

 private:
  struct Stretch {
    int64_t first_row = 0;
    int64_t num_rows = 0;
    const std::byte* data = nullptr;
  };

  int64_t row_bytes() const {
    return shape_.num_columns * (shape_.type == ElementType::kF32 ? 4 : 2);
  }
  bool is_attached() const {
    return !stretches_.empty() &&
           stretches_.back().first_row + stretches_.back().num_rows ==
               shape_.num_rows;
  }
  Status ReadRow(int32_t id, float* out) const;

  const base::File& file_;
  const Shape shape_;
  ThreadPool& pool_;
  const Kernels& kernels_;
  std::vector<Stretch> stretches_;
};

}  // namespace revlm::engine
