#include "engine/pass_runner.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace revlm::engine {
namespace {

RowTable TableOf(const Machine& machine, int32_t tensor_idx) {
  const formats::TensorInfo& info = machine.checkpoint.tensor(tensor_idx);
  return RowTable(machine.checkpoint.file(info.file_idx),
                  {.file_offset = info.offset_bytes,
                   .num_rows = static_cast<int64_t>(info.shape[0]),
                   .num_columns = static_cast<int64_t>(info.shape[1]),
                   .type = WeightType(info)},
                  machine.pool, machine.kernels);
}

// Whether a segment goes on where an earlier pass left off.
bool Continues(const Segment& segment) { return segment.first_pos > 0; }

// A block's extents, in a layer that begins at `layer_offset` of the file.
std::vector<ScratchExtent> InLayer(std::vector<ScratchExtent> extents,
                                   uint64_t layer_offset) {
  for (ScratchExtent& extent : extents) extent.file_offset += layer_offset;
  return extents;
}

// The layers whose queries, keys and values are complete with this slab.
template <typename Body>
void ForLayersToAttend(const Slab& slab, const Body& body) {
  for (const Tile& tile : slab.tiles) {
    if (tile.stage == Stage::kQkv && tile.ends_stage) body(tile.layer);
  }
}

}  // namespace

PassRunner::PassRunner(const Machine& machine, const SlabPlan& plan,
                       SlabStream& stream, int num_slots, PassLimits limits,
                       std::span<std::byte> activations)
    : machine_(machine),
      plan_(plan),
      stream_(stream),
      num_slots_(num_slots),
      embedding_(TableOf(machine, machine.spec.embedding)),
      layers_(machine),
      head_(machine),
      activation_memory_(activations) {
  LayRows(limits);
  if (machine.spec.position_embedding != kNoTensor) {
    positions_.emplace(TableOf(machine, machine.spec.position_embedding));
  }
}

void PassRunner::LayRows(const PassLimits& limits) {
  const uint64_t used =
      Activations::Lay(machine_.spec, machine_.matmul, limits,
                       activation_memory_.data(), &activations_);
  REVLM_CHECK(used <= activation_memory_.size());
  limits_ = limits;
}

Status PassRunner::Embed(const Pass& pass) {
  std::vector<int32_t> ids;
  std::vector<int32_t> positions;
  for (const Segment& segment : pass.segments) {
    for (int64_t i = 0; i < segment.num_rows; ++i) {
      const int64_t position = segment.first_pos + i;
      ids.push_back(segment.sequence->ids[static_cast<size_t>(position)]);
      positions.push_back(static_cast<int32_t>(position));
    }
  }
  const auto scratch = [this](int thread_idx) {
    return machine_.scratch(thread_idx);
  };
  const int64_t num_rows = static_cast<int64_t>(ids.size());
  // More would lie over what other passes rely on.
  REVLM_CHECK(num_rows <= limits_.num_rows);
  REVLM_TRY(embedding_.Gather(ids, scratch, activations_.residual));
  if (positions_) {
    float* rows = activations_.qkv;  // not yet in use
    REVLM_TRY(positions_->Gather(positions, scratch, rows));
    machine_.kernels.add(rows, num_rows * machine_.spec.hidden_size,
                         activations_.residual);
  }
  layers_.Begin(positions, activations_);
  return {};
}

// Decides for each segment where its keys and values of the layer at work are:
// in the group's memory, in a block of the file, or in this pass's scratch.
void PassRunner::PlaceKeysValues(const Pass& pass) {
  in_scratch_.clear();
  uint64_t used = 0;
  const KvPages& pages = machine_.kv_pages;
  for (const Segment& segment : pass.segments) {
    if (segment.sequence->generates()) continue;
    in_scratch_.push_back(
        {&segment, pages.PlaceAt(activations_.kv_scratch + used)});
    used += pages.SequenceBytes(segment.num_rows);
    REVLM_CHECK(used <= limits_.kv_scratch_bytes);
  }
  blocks_.clear();
  if (pass.kv->memory == nullptr) GatherBlocks(pass);
}

// The pass's sequences by block, and what it reads and writes of each.
void PassRunner::GatherBlocks(const Pass& pass) {
  std::vector<std::vector<const Segment*>> segments(pass.kv->blocks.size());
  for (const Segment& segment : pass.segments) {
    if (!segment.sequence->generates()) continue;
    segments[segment.sequence->kv_block].push_back(&segment);
  }
  std::vector<KvCells> before;
  std::vector<KvCells> added;
  for (size_t i = 0; i < segments.size(); ++i) {
    if (segments[i].empty()) continue;
    const KvBlock& shape = pass.kv->blocks[i];
    std::ranges::sort(segments[i], {}, [](const Segment* segment) {
      return segment->sequence->kv_column;
    });
    before.clear();
    added.clear();
    for (const Segment* segment : segments[i]) {
      const Sequence& sequence = *segment->sequence;
      const int64_t begin = shape.RowOf(0, sequence.prompt_length());
      const int64_t middle = begin + segment->first_pos;
      before.push_back({sequence.kv_column, begin, middle});
      added.push_back({sequence.kv_column, middle, middle + segment->num_rows});
    }
    blocks_.push_back({.shape = &shape,
                       .segments = std::move(segments[i]),
                       .read = ExtentsOf(shape, machine_.kv_pages, before),
                       .written = ExtentsOf(shape, machine_.kv_pages, added)});
  }
}

// The blocks of the layers that a slab completes.
void PassRunner::EnqueueBlocks(const Pass& pass, int32_t slab_idx) {
  ForLayersToAttend(
      plan_.slabs[static_cast<size_t>(slab_idx)], [&](int64_t layer) {
        for (const Block& block : blocks_) {
          stream_.EnqueueScratch(InLayer(block.read, pass.kv->OffsetOf(layer)));
        }
      });
}

// All slabs of the pass but those read ahead, each followed by its blocks.
void PassRunner::EnqueueSlabs(const Pass& pass, int32_t num_slabs) {
  if (num_ahead_ > 0) EnqueueBlocks(pass, num_ahead_ - 1);
  for (int32_t i = num_ahead_; i < num_slabs; ++i) {
    stream_.Enqueue(i);
    EnqueueBlocks(pass, i);
  }
  num_ahead_ = 0;
}

// The first slabs of the pass to come; none beyond the first layer's blocks,
// which are not known yet.
void PassRunner::EnqueueAhead(const Pass& pass) {
  bool is_known = true;
  while (is_known && num_ahead_ < num_slots_ &&
         num_ahead_ < plan_.num_layer_slabs) {
    stream_.Enqueue(num_ahead_);
    if (pass.kv->memory == nullptr) {
      ForLayersToAttend(plan_.slabs[static_cast<size_t>(num_ahead_)],
                        [&](int64_t) { is_known = false; });
    }
    ++num_ahead_;
  }
}

// Copies the rows that sequences asked for: depth 0 is the embedding, depth l
// the output of layer l, and the last depth is after the final norm.
void PassRunner::CaptureRows(const Pass& pass, int64_t depth) {
  const int64_t width = machine_.spec.hidden_size;
  const int64_t num_depths = machine_.spec.num_layers + 1;
  const bool is_last = depth == num_depths - 1;
  float* normed = reinterpret_cast<float*>(machine_.scratch(0));
  for (const Segment& segment : pass.segments) {
    const Capture capture = segment.sequence->request->capture;
    if (capture == Capture::kNone || Continues(segment)) continue;
    auto row = [&](int64_t i) {
      const float* x = activations_.residual + (segment.first_row + i) * width;
      if (!is_last) return x;
      head_.FinalNorm(x, normed);
      return static_cast<const float*>(normed);
    };
    const int64_t num_rows = segment.num_rows;
    const int64_t num_kept = capture == Capture::kAll ? num_rows : 1;
    std::vector<float>& states = segment.sequence->completion.hidden_states;
    states.resize(static_cast<size_t>(num_depths * num_kept * width));
    float* out = states.data() + depth * num_kept * width;
    if (capture == Capture::kMean) {
      std::vector<double> sums(static_cast<size_t>(width), 0);
      for (int64_t i = 0; i < num_rows; ++i) {
        const float* x = row(i);
        for (size_t j = 0; j < sums.size(); ++j) {
          sums[j] += static_cast<double>(x[j]);
        }
      }
      for (size_t j = 0; j < sums.size(); ++j) {
        out[j] = static_cast<float>(sums[j] / static_cast<double>(num_rows));
      }
      continue;
    }
    for (int64_t i = 0; i < num_kept; ++i) {
      std::copy_n(row(num_rows - num_kept + i), width, out + i * width);
    }
  }
}

// Sequences whose keys and values are in the file, block by block.
Status PassRunner::AttendBlocks(const Pass& pass, int64_t layer) {
  std::vector<PlacedSegment> segments;
  for (const Block& block : blocks_) {
    REVLM_ASSIGN_OR_RETURN(const SlabView view, stream_.Acquire());
    segments.clear();
    for (const Segment* segment : block.segments) {
      const Sequence& sequence = *segment->sequence;
      segments.push_back(
          {segment,
           PlaceInBlock(*block.shape, machine_.kv_pages, sequence.kv_column,
                        sequence.prompt_length(), view.base())});
    }
    layers_.Attend(layer, segments);
    stream_.Release(view.ticket(),
                    InLayer(block.written, pass.kv->OffsetOf(layer)));
  }
  return {};
}

Status PassRunner::AttendAll(const Pass& pass, int64_t layer) {
  REVLM_TRY(AttendBlocks(pass, layer));
  if (!in_scratch_.empty()) layers_.Attend(layer, in_scratch_);
  if (pass.kv->memory == nullptr) return {};
  std::vector<PlacedSegment> in_memory;
  std::byte* memory = pass.kv->memory + pass.kv->OffsetOf(layer);
  for (const Segment& segment : pass.segments) {
    if (!segment.sequence->generates()) continue;
    in_memory.push_back({&segment, machine_.kv_pages.PlaceAt(
                                       memory + segment.sequence->kv_offset)});
  }
  layers_.Attend(layer, in_memory);
  return {};
}

Status PassRunner::RunSlab(const Pass& pass, const Slab& slab,
                           const SlabView& view) {
  const std::span<const Tile> tiles = slab.tiles;
  for (size_t begin = 0; begin < tiles.size();) {
    const Tile& first = tiles[begin];
    size_t end = begin + 1;
    while (end < tiles.size() && tiles[end].stage == first.stage &&
           tiles[end].layer == first.layer) {
      ++end;
    }
    const Tile& last = tiles[end - 1];
    if (first.stage == Stage::kHead) {
      for (size_t i = begin; i < end; ++i) {
        REVLM_TRY(head_.RunTile(tiles[i], view));
      }
    } else {
      REVLM_TRY(layers_.RunTiles(tiles.subspan(begin, end - begin), view));
    }
    if (last.ends_stage && last.stage == Stage::kQkv) {
      REVLM_TRY(AttendAll(pass, last.layer));
    }
    if (last.ends_stage && last.stage == Stage::kDown) {
      CaptureRows(pass, last.layer + 1);
    }
    begin = end;
  }
  return {};
}

Status PassRunner::Run(Pass& pass, std::stop_token stop,
                       const std::function<void(int32_t, int32_t)>& on_slab) {
  Status status = RunSlabs(pass, stop, on_slab);
  if (!status) {
    stream_.Clear();
    num_ahead_ = 0;
  }
  return status;
}

Status PassRunner::RunSlabs(
    Pass& pass, std::stop_token stop,
    const std::function<void(int32_t, int32_t)>& on_slab) {
  const int32_t num_slabs = static_cast<int32_t>(plan_.slabs.size());
  const int32_t total =
      pass.head_rows.empty() ? plan_.num_layer_slabs : num_slabs;
  REVLM_CHECK(static_cast<int64_t>(pass.head_rows.size()) <=
              limits_.num_head_rows);
  PlaceKeysValues(pass);
  if (!blocks_.empty()) REVLM_TRY(stream_.Flush());
  EnqueueSlabs(pass, total);
  REVLM_TRY(Embed(pass));
  CaptureRows(pass, 0);
  for (int32_t i = 0; i < total; ++i) {
    if (stop.stop_requested()) {
      return base::MakeError(ErrorCode::kCancelled, "running {}: stopped",
                             machine_.checkpoint.path());
    }
    if (i == plan_.num_layer_slabs) head_.Begin(pass.head_rows, activations_);
    if (i + 1 == total && pass.another_follows) EnqueueAhead(pass);
    REVLM_ASSIGN_OR_RETURN(const SlabView view, stream_.Acquire());
    REVLM_TRY(RunSlab(pass, plan_.slabs[static_cast<size_t>(i)], view));
    stream_.Release(view.ticket());
    on_slab(i + 1, total);
  }
  return {};
}

}  // namespace revlm::engine
