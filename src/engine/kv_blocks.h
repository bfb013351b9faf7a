// How keys and values that wait on disk lie in the scratch file, and in a slot
// of the ring, where they lie alike.
//
// A block is what comes in one piece: one layer's keys and values of sequences
// whose prompts went through one pass, row by row, a row holding one position
// of each. The sequences are aligned where their prompts end, so what a pass of
// decoding adds to a block is one row, whatever the prompts' lengths:
//
//   row   0            k0             columns: sequences, the longest prompt
//   row   1            k1  k0         first, so that few rows are not full
//   row   2  <- the prompts end here
//   row   3            new tokens
//
// A cell is a position's key and then its value.
//
// Threads: pure functions. Determinism: of the arguments alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/kv_pages.h"
#include "engine/schedule.h"
#include "engine/slab_stream.h"

namespace revlm::engine {

struct KvBlock {
  std::vector<size_t> requests;  // by column: their place in the group
  int64_t prompt_rows = 0;       // the longest prompt
  int64_t num_rows = 0;
  uint64_t file_offset = 0;  // from where the layer's blocks begin
  uint64_t size_bytes = 0;   // aligned for direct reads

  int64_t num_columns() const { return static_cast<int64_t>(requests.size()); }
  int64_t RowOf(int64_t position, int64_t prompt_tokens) const {
    return prompt_rows - prompt_tokens + position;
  }
};

// Of those of a group's `requests` that generate. None is larger than
// `max_bytes`, but for one sequence that is.
std::vector<KvBlock> MakeKvBlocks(const GroupShape& group,
                                  std::span<const RequestShape> requests,
                                  const KvPages& pages, uint64_t max_bytes);

// What all blocks of a layer take on disk.
uint64_t LayerBytes(std::span<const KvBlock> blocks);

// Where a sequence lies in a block's memory.
KvPlace PlaceInBlock(const KvBlock& block, const KvPages& pages, int64_t column,
                     int64_t prompt_tokens, std::byte* memory);

// Rows begin .. end - 1 of a column.
struct KvCells {
  int64_t column = 0;
  int64_t begin = 0;
  int64_t end = 0;
};

// The stretches that hold these cells of a block, in order; offsets in the file
// are from where the layer's blocks begin. What lies between two cells is taken
// along where that costs less than a stretch of its own: when written, it is
// what was read before, or belongs to no position that will be read.
std::vector<ScratchExtent> ExtentsOf(const KvBlock& block, const KvPages& pages,
                                     std::span<const KvCells> cells);

}  // namespace revlm::engine
