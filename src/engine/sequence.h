// One request in flight: its tokens, its keys and values, and what it has
// produced so far.
//
// Threads: thread-confined, except that rows of keys and values at different
// positions may be written at once.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/engine.h"
#include "engine/kernels.h"
#include "engine/mapped_buffer.h"

namespace revlm::engine {

// Keys and values of `num_layers` layers for up to `capacity` positions, as
// [layer][keys, values][position][width].
class KvCache {
 public:
  KvCache() = default;

  static Result<KvCache> Create(int64_t num_layers, int64_t capacity,
                                int64_t width, ElementType type) {
    KvCache cache;
    cache.plane_bytes_ =
        static_cast<uint64_t>(capacity * width) * ElementBytes(type);
    REVLM_ASSIGN_OR_RETURN(
        cache.buffer_,
        MappedBuffer::Allocate(
            2 * cache.plane_bytes_ * static_cast<uint64_t>(num_layers),
            "keys and values"));
    return cache;
  }

  static constexpr uint64_t ElementBytes(ElementType type) {
    return type == ElementType::kF32 ? 4 : 2;
  }

  std::byte* keys(int64_t layer) const {
    return buffer_.bytes() + 2 * static_cast<uint64_t>(layer) * plane_bytes_;
  }
  std::byte* values(int64_t layer) const { return keys(layer) + plane_bytes_; }

 private:
  MappedBuffer buffer_;
  uint64_t plane_bytes_ = 0;
};

struct Sequence {
  size_t request_idx = 0;
  const Request* request = nullptr;
  std::vector<int32_t> ids;  // prompt and new tokens
  int64_t num_done = 0;      // positions through the last layer
  int64_t max_length = 0;    // of ids
  KvCache kv;                // only of sequences that generate
  Completion completion;
  bool is_finished = false;

  int64_t prompt_length() const {
    return static_cast<int64_t>(request->prompt.size());
  }
  bool generates() const { return max_length > prompt_length(); }
};

// Consecutive positions of one sequence in a pass. Their rows lie together.
struct Segment {
  Sequence* sequence = nullptr;
  int64_t first_row = 0;  // of the pass
  int64_t first_pos = 0;
  int64_t num_rows = 0;
};

}  // namespace revlm::engine
