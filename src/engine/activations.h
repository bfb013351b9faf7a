// The rows of a pass, as they go through the layers: one block of memory, cut
// up for a pass of at most so many rows.
//
// Between stages every row of the pass waits in memory, so that a slab may be
// as small as a tile of one matrix. What is not needed at the same time shares
// its place.
//
// Threads: plain data. Lifetime: of the memory it is laid over.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/matmul.h"
#include "engine/model.h"

namespace revlm::engine {

inline constexpr int64_t kChunkRows = 512;      // of one product
inline constexpr int64_t kHeadColumns = 2048;   // logits at once
inline constexpr int64_t kAttentionBlock = 32;  // rows of one attention task

struct PassLimits {
  int64_t num_rows = 0;
  int64_t num_head_rows = 0;
  uint64_t kv_scratch_bytes = 0;

  bool operator==(const PassLimits&) const = default;
};

struct Activations {
  float* residual = nullptr;        // [row][hidden_size]
  float* angles = nullptr;          // [row][cosines, sines]
  std::byte* kv_scratch = nullptr;  // one layer, of segments that keep none
  std::byte* attention_input = nullptr;  // product inputs
  std::byte* mlp_input = nullptr;        // attention_input, unless parallel
  // These two and `gated` share their place, as do the last two.
  float* qkv = nullptr;             // [row][qkv_width]
  std::byte* attended = nullptr;    // product input
  std::byte* gated = nullptr;       // product input
  std::byte* head_input = nullptr;  // product input of rows to score
  float* logits = nullptr;          // [row of a chunk][kHeadColumns]

  // Lays them over `memory`; null: only counts. Returns the bytes they take.
  static uint64_t Lay(const ModelSpec& spec, const Matmul& matmul,
                      const PassLimits& limits, std::byte* memory,
                      Activations* out);
};

}  // namespace revlm::engine
