// One pass over the weights: every row of the pass goes through every slab
// while the slab is in memory.
//
// Threads: thread-confined; uses the pool and the stream's readers. Memory: one
// residual row per row of the pass, and what LayerRunner and HeadRunner take.
// Errors: I/O, kBudgetExceeded, kCancelled. After an error the stream is clear
// and another pass may be run.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <vector>

#include "base/error.h"
#include "engine/head_runner.h"
#include "engine/layer_runner.h"
#include "engine/row_table.h"

namespace revlm::engine {

struct Pass {
  std::vector<Segment> segments;   // of different sequences
  std::vector<HeadRow> head_rows;  // rows to score; none: the head is not read
  bool another_follows = false;    // so its first slabs are read ahead
};

class PassRunner {
 public:
  PassRunner(const Machine& machine, const SlabPlan& plan, SlabStream& stream);

  // Loads the embedding into memory. REQUIRES: a resident plan with it.
  Status LoadEmbedding();

  // Runs the pass: fills in head_rows and the captures of sequences whose
  // prompt starts here. `on_slab` is called after each slab with how many are
  // done.
  Status Run(Pass& pass, std::stop_token stop,
             const std::function<void(int32_t done, int32_t total)>& on_slab);

 private:
  Status RunSlabs(Pass& pass, std::stop_token stop,
                  const std::function<void(int32_t, int32_t)>& on_slab);
  Status Embed(const Pass& pass);
  void EnqueueLayers();
  Result<SlabView> NextSlab(const Pass& pass, std::stop_token stop,
                            bool is_last);
  void CaptureRows(const Pass& pass, int64_t depth);

  const Machine& machine_;
  const SlabPlan& plan_;
  SlabStream& stream_;
  RowTable embedding_;
  std::optional<RowTable> positions_;
  LayerRunner layers_;
  HeadRunner head_;
  MappedBuffer residual_;
  bool layers_enqueued_ = false;  // of the pass to come
};

}  // namespace revlm::engine
