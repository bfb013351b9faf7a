// In which pieces a pass reads the weights.
//
// Each matrix is cut along its output rows into tiles, which are packed in the
// order of use into slabs of at most a given size: a slab may hold a part of a
// layer or several layers. A tile begins at a multiple of kColumnTile rows, so
// products are the same whatever the size of slabs. Gate and up rows that
// belong together are in one tile. Matrices stored by input (GPT-2) are not
// cut: their output rows are scattered over the file.
//
// Threads: pure functions. Determinism: of the model and the size alone.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/model.h"
#include "engine/slab_stream.h"
#include "formats/checkpoint.h"

namespace revlm::engine {

// What a matrix does, in the order of use within a layer.
enum class Stage { kQkv, kAttentionOutput, kMlpInput, kDown, kHead };

// Output rows [first_row, first_row + num_rows) of a stage's matrix, or of both
// its matrices when the MLP is gated.
struct Tile {
  Stage stage = Stage::kQkv;
  int32_t layer = 0;   // of the head: num_layers
  int32_t matrix = 0;  // of several that follow one another (query, key, value)
  int64_t first_row = 0;
  int64_t num_rows = 0;
  bool begins_stage = false;
  bool ends_stage = false;
  size_t first_part = 0;  // in its slab; one part for each matrix
};

struct Slab {
  std::vector<Tile> tiles;
  std::vector<SlabPart> parts;
};

// Slabs of layers, then of the head, which shares none with the last layer.
struct SlabPlan {
  std::vector<Slab> slabs;
  int32_t num_layer_slabs = 0;
  std::vector<uint64_t> bytes;  // of each slab: SlabBytes
  uint64_t slab_bytes = 0;      // of the largest
  uint64_t layer_bytes = 0;     // all slabs of layers
  uint64_t head_bytes = 0;      // all slabs of the head
};

// Bytes a slab takes in memory, alignment included.
uint64_t SlabBytes(const Slab& slab);

// The least `max_slab_bytes` that PlanSlabs can do with.
uint64_t MinSlabBytes(const ModelSpec& spec,
                      const formats::Checkpoint& checkpoint);

// REQUIRES: max_slab_bytes >= MinSlabBytes.
SlabPlan PlanSlabs(const ModelSpec& spec, const formats::Checkpoint& checkpoint,
                   uint64_t max_slab_bytes);

}  // namespace revlm::engine
