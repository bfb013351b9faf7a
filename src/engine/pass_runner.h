// One pass over the weights: every row of the pass goes through every slab
// while the slab is in memory.
//
// Threads: thread-confined; uses the pool and the stream's threads. Memory: the
// arena's regions it is given. Errors: I/O, kBudgetExceeded, kCancelled. After
// an error the stream is clear and another pass may be run.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <vector>

#include "base/error.h"
#include "engine/head_runner.h"
#include "engine/kv_blocks.h"
#include "engine/layer_runner.h"
#include "engine/row_table.h"

namespace revlm::engine {

// Where the keys and values of a group's sequences are kept, layer by layer: in
// memory, or in the stream's scratch file.
struct KvStore {
  uint64_t layer_bytes = 0;
  std::byte* memory = nullptr;  // null: in the file
  std::vector<KvBlock> blocks;  // of the file

  uint64_t OffsetOf(int64_t layer) const {
    return static_cast<uint64_t>(layer) * layer_bytes;
  }
};

struct Pass {
  std::vector<Segment> segments;   // of different sequences
  std::vector<HeadRow> head_rows;  // rows to score; none: the head is not read
  const KvStore* kv = nullptr;     // never null in Run
  bool another_follows = false;    // so its first slabs are read ahead
};

class PassRunner {
 public:
  // `activations` holds the passes of the plan it was made for.
  PassRunner(const Machine& machine, const SlabPlan& plan, SlabStream& stream,
             int num_slots, PassLimits limits,
             std::span<std::byte> activations);

  // Lays the rows anew, for passes of at most so many, over the same memory.
  // REQUIRES: no pass is running.
  void LayRows(const PassLimits& limits);

  // Runs the pass: fills in head_rows and the captures of sequences whose
  // prompt starts here. `on_slab` is called after each slab with how many are
  // done.
  Status Run(Pass& pass, std::stop_token stop,
             const std::function<void(int32_t done, int32_t total)>& on_slab);

 private:
  // A block of which this pass has sequences.
  struct Block {
    const KvBlock* shape = nullptr;
    std::vector<const Segment*> segments;
    std::vector<ScratchExtent> read;     // in the first layer
    std::vector<ScratchExtent> written;  // likewise
  };

  Status RunSlabs(Pass& pass, std::stop_token stop,
                  const std::function<void(int32_t, int32_t)>& on_slab);
  void EnqueueBlocks(const Pass& pass, int32_t slab_idx);
  void EnqueueSlabs(const Pass& pass, int32_t num_slabs);
  void EnqueueAhead(const Pass& pass);
  Status Embed(const Pass& pass);
  void PlaceKeysValues(const Pass& pass);
  void GatherBlocks(const Pass& pass);
  Status RunSlab(const Pass& pass, const Slab& slab, const SlabView& view);
  Status AttendAll(const Pass& pass, int64_t layer);
  Status AttendBlocks(const Pass& pass, int64_t layer);
  void CaptureRows(const Pass& pass, int64_t depth);

  const Machine& machine_;
  const SlabPlan& plan_;
  SlabStream& stream_;
  const int32_t num_slots_;
  RowTable embedding_;
  std::optional<RowTable> positions_;
  LayerRunner layers_;
  HeadRunner head_;
  const std::span<std::byte> activation_memory_;
  PassLimits limits_;  // of a pass, as the rows are laid
  Activations activations_;

  // Of the pass being run.
  std::vector<Block> blocks_;              // in the file
  std::vector<PlacedSegment> in_scratch_;  // with nothing that is kept
  int32_t num_ahead_ = 0;  // slabs of the pass to come that are enqueued
};

}  // namespace revlm::engine
