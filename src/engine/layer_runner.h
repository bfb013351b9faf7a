// The forward pass through the layers' tiles, for all rows of a pass.
//
// A pass is a list of segments (consecutive positions of sequences): a whole
// prompt when it is read in, one position when it decodes. Every row goes
// through a tile before the next tile comes; products take `kChunkRows` rows at
// a time. Attention runs per sequence and head, over keys and values
// where the caller has placed them.
//
//   layers.Begin(positions, activations);
//   for each tile: layers.RunTiles(...), and after the last of stage kQkv,
//   layers.Attend(...) for every segment of the pass
//
// Threads: thread-confined; uses the pool. Memory: the activations, and the
// threads' scratch. Errors: kBudgetExceeded, kInternal. Determinism: a row's
// result depends on its own sequence only.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/error.h"
#include "engine/activations.h"
#include "engine/machine.h"
#include "engine/sequence.h"
#include "engine/slab_plan.h"

namespace revlm::engine {

// A segment and where its sequence's keys and values of the current layer lie.
struct PlacedSegment {
  const Segment* segment = nullptr;
  KvPlace kv;
};

class LayerRunner {
 public:
  explicit LayerRunner(const Machine& machine) : machine_(machine) {}

  // Takes up a pass of rows at these positions, whose embeddings are in
  // activations.residual.
  void Begin(std::span<const int32_t> positions,
             const Activations& activations);

  // Tiles of one stage and layer that follow one another in a slab.
  Status RunTiles(std::span<const Tile> tiles, const SlabView& slab);

  // Stores the keys and values of the segments' rows and attends to all
  // positions so far.
  void Attend(int64_t layer, std::span<const PlacedSegment> segments);

 private:
  // A block of rows of a segment.
  struct Block {
    size_t segment_idx = 0;
    int64_t first = 0;  // within the segment
    int64_t num_rows = 0;
  };

  static std::vector<Block> MakeBlocks(std::span<const PlacedSegment> segments,
                                       int64_t rows_per_block);
  template <typename Body>
  void ForRows(const Body& body);
  Product MakeProduct(const Tile& tile, const SlabView& slab) const;
  void NormRows(const NormTensors& norm, std::byte* input);
  void PlaceRow(int64_t layer, const PlacedSegment& segment, int64_t row);
  void AttendBlock(int64_t layer, const PlacedSegment& segment,
                   const Block& block, int64_t head, std::byte* scratch);
  Status MultiplyChunks(const std::byte* input, int64_t input_bytes,
                        std::span<const Product> products,
                        const TileSink& sink);
  TileSink StoreQkv(std::span<const Tile> tiles) const;
  TileSink AddToResidual(const Tile& tile) const;
  TileSink StoreGated(const Tile& tile) const;

  const Machine& machine_;
  Activations activations_;
  int64_t num_rows_ = 0;
};

}  // namespace revlm::engine
