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
#include "base/scratch_file.h"
#include "engine/head_runner.h"
#include "engine/layer_runner.h"
#include "engine/row_table.h"

namespace revlm::engine {

// Where the keys and values of a group's sequences are kept: in memory or in a
// scratch file. Of those in a file, the page that a sequence is filling, its
// open page, is in memory, and is written when it is full.
struct KvStore {
  uint64_t layer_bytes = 0;
  std::byte* memory = nullptr;  // null: in `file`
  const base::ScratchFile* file = nullptr;
  std::byte* open_pages = nullptr;  // with `file`: layer by layer
  uint64_t num_sequences = 0;       // that generate
  uint64_t max_block_bytes = 0;     // of consecutive sequences read together

  // Where a sequence's pages of a layer begin.
  uint64_t OffsetOf(const Sequence& sequence, int64_t layer) const {
    return static_cast<uint64_t>(layer) * layer_bytes + sequence.kv_offset;
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
  // Sequences whose spilled pages of a layer come in one read.
  struct Block {
    std::vector<const Segment*> segments;
    uint64_t first_offset = 0;  // the first sequence's kv_offset
  };

  Status RunSlabs(Pass& pass, std::stop_token stop,
                  const std::function<void(int32_t, int32_t)>& on_slab);
  void EnqueuePages(const Pass& pass, int32_t slab_idx);
  void EnqueueSlabs(const Pass& pass, int32_t num_slabs);
  void EnqueueAhead(const Pass& pass);
  Status Embed(const Pass& pass);
  void PlaceKeysValues(const Pass& pass);
  Status RunSlab(const Pass& pass, const Slab& slab, const SlabView& view);
  Status AttendAll(const Pass& pass, int64_t layer);
  Status AttendBlocks(const Pass& pass, int64_t layer);
  Status SpillScratch(const Pass& pass, int64_t layer);
  std::byte* OpenPage(const Pass& pass, const Sequence& sequence,
                      int64_t layer) const;
  void LoadOpenPage(const Pass& pass, const SegmentPages& pages,
                    int64_t layer) const;
  void KeepOpenPage(const Pass& pass, const SegmentPages& pages,
                    int64_t layer) const;
  std::vector<ScratchExtent> BlockExtents(const Pass& pass, const Block& block,
                                          int64_t layer,
                                          bool only_filled) const;
  void AddExtent(const Pass& pass, const Block& block, const Segment& segment,
                 int64_t layer, int64_t first_page, int64_t end_page,
                 std::vector<ScratchExtent>& extents) const;
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
  std::vector<Block> blocks_;             // spilled and read back
  std::vector<SegmentPages> in_scratch_;  // whose pages are this pass's own
  int32_t num_ahead_ = 0;  // slabs of the pass to come that are enqueued
};

}  // namespace revlm::engine
