#include "engine/pass_runner.h"

#include <algorithm>
#include <utility>

namespace revlm::engine {
namespace {

RowTable TableOf(const Machine& machine, int32_t tensor_idx) {
  const formats::TensorInfo& info =
      machine.checkpoint.tensors()[static_cast<size_t>(tensor_idx)];
  return RowTable(machine.checkpoint.file(info.file_idx),
                  {.file_offset = info.offset_bytes,
                   .num_rows = static_cast<int64_t>(info.shape[0]),
                   .num_columns = static_cast<int64_t>(info.shape[1]),
                   .type = WeightType(info)},
                  machine.pool, machine.kernels);
}

}  // namespace

PassRunner::PassRunner(const Machine& machine, const SlabPlan& plan,
                       SlabStream& stream)
    : machine_(machine),
      plan_(plan),
      stream_(stream),
      embedding_(TableOf(machine, machine.spec.embedding)),
      layers_(machine),
      head_(machine) {
  if (machine.spec.position_embedding != kNoTensor) {
    positions_.emplace(TableOf(machine, machine.spec.position_embedding));
  }
}

Status PassRunner::LoadEmbedding() {
  for (int32_t tile = 0; tile < plan_.num_embedding_slabs; ++tile) {
    stream_.Enqueue(plan_.first_embedding_slab + tile);
  }
  for (int32_t tile = 0; tile < plan_.num_embedding_slabs; ++tile) {
    auto slab = stream_.Acquire();
    if (!slab) {
      stream_.Clear();
      return std::unexpected<Error>(std::move(slab).error());
    }
    const int64_t first = tile * plan_.rows_per_tile;
    embedding_.Attach(
        first, std::min(plan_.rows_per_tile, machine_.spec.vocab_size - first),
        slab->part(0));
    stream_.Release();
  }
  return {};
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
  const int64_t width = machine_.spec.hidden_size;
  const uint64_t bytes =
      ids.size() * static_cast<uint64_t>(width) * sizeof(float);
  if (residual_.size_bytes() < bytes) {
    residual_ = MappedBuffer();
    REVLM_ASSIGN_OR_RETURN(residual_,
                           MappedBuffer::Allocate(bytes, "residual rows"));
  }
  REVLM_TRY(embedding_.Gather(ids, residual_.as<float>()));
  if (positions_) {
    std::vector<float> rows(ids.size() * static_cast<size_t>(width));
    REVLM_TRY(positions_->Gather(positions, rows.data()));
    machine_.kernels.add(rows.data(), static_cast<int64_t>(rows.size()),
                         residual_.as<float>());
  }
  return layers_.BeginPass(pass.segments, static_cast<int64_t>(ids.size()));
}

void PassRunner::EnqueueLayers() {
  for (int32_t slab = 0; slab <= plan_.final_norm_slab; ++slab) {
    stream_.Enqueue(slab);
  }
  layers_enqueued_ = true;
}

// The next slab in order. When it is the pass's last, the first ones of the
// pass to come are read meanwhile.
Result<SlabView> PassRunner::NextSlab(const Pass& pass, std::stop_token stop,
                                      bool is_last) {
  if (stop.stop_requested()) {
    return base::MakeError(ErrorCode::kCancelled, "running {}: stopped",
                           machine_.checkpoint.path());
  }
  if (is_last) {
    layers_enqueued_ = false;
    if (pass.another_follows) EnqueueLayers();
  }
  return stream_.Acquire();
}

// Copies the rows that sequences asked for: depth 0 is the embedding, depth l
// the output of layer l, and the last depth is after the final norm.
void PassRunner::CaptureRows(const Pass& pass, int64_t depth) {
  const int64_t width = machine_.spec.hidden_size;
  const int64_t num_depths = machine_.spec.num_layers + 1;
  const bool is_last = depth == num_depths - 1;
  std::vector<float> normed(static_cast<size_t>(width));
  for (const Segment& segment : pass.segments) {
    const Capture capture = segment.sequence->request->capture;
    if (capture == Capture::kNone || segment.first_pos > 0) continue;
    auto row = [&](int64_t i) {
      const float* x = residual_.as<float>() + (segment.first_row + i) * width;
      if (!is_last) return x;
      head_.FinalNorm(x, normed.data());
      return static_cast<const float*>(normed.data());
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

Status PassRunner::Run(Pass& pass, std::stop_token stop,
                       const std::function<void(int32_t, int32_t)>& on_slab) {
  Status status = RunSlabs(pass, stop, on_slab);
  if (!status) {
    stream_.Clear();
    layers_enqueued_ = false;
  }
  return status;
}

Status PassRunner::RunSlabs(
    Pass& pass, std::stop_token stop,
    const std::function<void(int32_t, int32_t)>& on_slab) {
  if (!layers_enqueued_) EnqueueLayers();
  const int32_t num_tiles = pass.head_rows.empty() ? 0 : plan_.num_head_slabs;
  for (int32_t tile = 0; tile < num_tiles; ++tile) {
    stream_.Enqueue(plan_.first_head_slab + tile);
  }
  REVLM_TRY(Embed(pass));
  CaptureRows(pass, 0);
  const int32_t num_layers = plan_.final_norm_slab;
  const int32_t total = num_layers + 1 + num_tiles;
  for (int32_t layer = 0; layer < num_layers; ++layer) {
    REVLM_ASSIGN_OR_RETURN(const SlabView slab, NextSlab(pass, stop, false));
    REVLM_TRY(layers_.Run(layer, slab, residual_.as<float>()));
    stream_.Release();
    if (layer + 1 < num_layers) CaptureRows(pass, layer + 1);
    on_slab(layer + 1, total);
  }
  REVLM_ASSIGN_OR_RETURN(const SlabView norm,
                         NextSlab(pass, stop, num_tiles == 0));
  head_.LoadFinalNorm(norm);
  stream_.Release();
  CaptureRows(pass, num_layers);
  on_slab(num_layers + 1, total);
  if (num_tiles == 0) return {};
  REVLM_TRY(head_.Begin(pass.head_rows, residual_.as<float>()));
  for (int32_t tile = 0; tile < num_tiles; ++tile) {
    REVLM_ASSIGN_OR_RETURN(const SlabView slab,
                           NextSlab(pass, stop, tile + 1 == num_tiles));
    const int64_t first = tile * plan_.rows_per_tile;
    REVLM_TRY(head_.RunTile(
        first, std::min(plan_.rows_per_tile, machine_.spec.vocab_size - first),
        slab));
    stream_.Release();
    on_slab(num_layers + 2 + tile, total);
  }
  return {};
}

}  // namespace revlm::engine
