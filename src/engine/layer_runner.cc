#include "engine/layer_runner.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace revlm::engine {
namespace {

constexpr int64_t kRowsPerTask = 8;
constexpr int64_t kAttentionBlockRows = 32;

int64_t NumTasks(int64_t count, int64_t per_task) {
  return (count + per_task - 1) / per_task;
}

}  // namespace

void SmallTensor::Load(const Machine& machine, int32_t tensor_idx,
                       const std::byte* data) {
  const formats::TensorInfo& info =
      machine.checkpoint.tensors()[static_cast<size_t>(tensor_idx)];
  values_.resize(info.shape[0]);
  machine.kernels.widen(WeightType(info), data,
                        static_cast<int64_t>(values_.size()), values_.data());
}

void Norm::Run(const Machine& machine, const float* x, int64_t n,
               float* out) const {
  if (machine.spec.family->norm == NormKind::kRms) {
    machine.kernels.rms_norm(x, weight.data(), machine.spec.norm_eps, n, out);
  } else {
    machine.kernels.layer_norm(x, weight.data(), bias.data(),
                               machine.spec.norm_eps, n, out);
  }
}

// Body(row of the chunk, thread), in parallel.
template <typename Body>
void LayerRunner::ForRows(const Chunk& chunk, const Body& body) {
  machine_.pool.ParallelFor(
      NumTasks(chunk.num_rows, kRowsPerTask),
      [&](int64_t task, int thread_idx) {
        const int64_t end = std::min((task + 1) * kRowsPerTask, chunk.num_rows);
        for (int64_t row = task * kRowsPerTask; row < end; ++row) {
          body(row, thread_idx);
        }
      });
}

// Cuts a pass into chunks: whole segments together, a segment longer than a
// chunk alone and in pieces.
void LayerRunner::MakeChunks(std::span<const Segment> segments) {
  chunks_.clear();
  bool is_open = false;  // the last chunk takes further segments
  for (const Segment& segment : segments) {
    if (is_open && chunks_.back().num_rows + segment.num_rows <= kChunkRows) {
      chunks_.back().segments.push_back(segment);
      chunks_.back().num_rows += segment.num_rows;
      continue;
    }
    for (int64_t done = 0; done < segment.num_rows; done += kChunkRows) {
      Segment piece = segment;
      piece.first_row += done;
      piece.first_pos += done;
      piece.num_rows = std::min(kChunkRows, segment.num_rows - done);
      chunks_.push_back({.segments = {piece},
                         .first_row = piece.first_row,
                         .num_rows = piece.num_rows});
    }
    is_open = segment.num_rows <= kChunkRows;
  }
}

uint64_t LayerRunner::ScratchBytes(const ModelSpec& spec, int64_t length) {
  const int64_t inputs =
      2 * spec.hidden_size +
      std::max(spec.attention_width(), spec.intermediate_size);
  const int64_t outputs = spec.qkv_width() + spec.attention_width() +
                          2 * spec.intermediate_size + 2 * spec.hidden_size;
  return 4 * static_cast<uint64_t>(kChunkRows * (inputs + outputs) +
                                   2 * std::max(kChunkRows, length) *
                                       spec.kv_width());
}

Status LayerRunner::BeginPass(std::span<const Segment> segments,
                              int64_t num_rows) {
  const ModelSpec& spec = machine_.spec;
  MakeChunks(segments);
  int64_t chunk_rows = 0;
  for (const Chunk& chunk : chunks_) {
    chunk_rows = std::max(chunk_rows, chunk.num_rows);
  }
  int64_t kv_rows = chunk_rows;
  longest_ = 0;
  const int64_t half = spec.rope.rotary_dim() / 2;
  angles_.resize(static_cast<size_t>(num_rows * 2 * half));
  for (const Segment& segment : segments) {
    longest_ = std::max(longest_, segment.first_pos + segment.num_rows);
    if (!segment.sequence->generates()) {
      kv_rows = std::max(kv_rows, segment.first_pos + segment.num_rows);
    }
    machine_.pool.ParallelFor(segment.num_rows, [&](int64_t i, int) {
      float* angles = angles_.data() + (segment.first_row + i) * 2 * half;
      spec.rope.Angles(segment.first_pos + i, angles, angles + half);
    });
  }
  const int64_t rows = Matmul::PaddedRows(chunk_rows);
  auto reserve = [&](MappedBuffer& buffer, int64_t width) -> Status {
    const uint64_t bytes = static_cast<uint64_t>(rows * width) * sizeof(float);
    if (buffer.size_bytes() >= bytes) return {};
    buffer = MappedBuffer();
    REVLM_ASSIGN_OR_RETURN(buffer,
                           MappedBuffer::Allocate(bytes, "activations"));
    return {};
  };
  const int64_t mlp_width =
      spec.intermediate_size * (spec.family->gating == Gating::kGated ? 2 : 1);
  REVLM_TRY(reserve(attention_input_, spec.hidden_size));
  REVLM_TRY(reserve(mlp_input_, spec.hidden_size));
  REVLM_TRY(reserve(product_input_,
                    std::max(spec.attention_width(), spec.intermediate_size)));
  REVLM_TRY(reserve(qkv_, spec.qkv_width()));
  REVLM_TRY(reserve(attention_, spec.attention_width()));
  REVLM_TRY(reserve(mlp_, mlp_width));
  REVLM_TRY(reserve(attention_out_, spec.hidden_size));
  REVLM_TRY(reserve(mlp_out_, spec.hidden_size));
  if (kv_rows > scratch_kv_rows_) {
    REVLM_ASSIGN_OR_RETURN(
        scratch_kv_,
        KvCache::Create(1, kv_rows, spec.kv_width(), machine_.kv_type));
    scratch_kv_rows_ = kv_rows;
  }
  thread_scratch_.resize(static_cast<size_t>(machine_.pool.num_threads()));
  for (std::vector<float>& scratch : thread_scratch_) {
    scratch.resize(static_cast<size_t>(std::max(
        {kAttentionRows * longest_, spec.hidden_size, spec.head_dim})));
  }
  return {};
}

void LayerRunner::LoadLayer(const LayerTensors& layer, const SlabView& slab) {
  layer_ = &layer;
  part_tensors_ = LayerTensorList(layer);
  parts_.clear();
  for (size_t i = 0; i < part_tensors_.size(); ++i) {
    parts_.push_back(slab.part(i));
  }
  auto load = [&](SmallTensor& small, int32_t tensor_idx) {
    if (tensor_idx == kNoTensor) return;
    const auto found =
        std::find(part_tensors_.begin(), part_tensors_.end(), tensor_idx);
    small.Load(machine_, tensor_idx,
               parts_[static_cast<size_t>(found - part_tensors_.begin())]);
  };
  auto load_norm = [&](Norm& norm, const NormTensors& tensors) {
    load(norm.weight, tensors.weight);
    load(norm.bias, tensors.bias);
  };
  load_norm(attention_norm_, layer.attention_norm);
  load_norm(mlp_norm_, layer.mlp_norm);
  load_norm(query_norm_, layer.query_norm);
  load_norm(key_norm_, layer.key_norm);
  qkv_biases_.resize(layer.qkv.size());
  for (size_t i = 0; i < layer.qkv.size(); ++i) {
    load(qkv_biases_[i], layer.qkv[i].bias);
  }
  mlp_biases_.resize(layer.mlp_inputs.size());
  for (size_t i = 0; i < layer.mlp_inputs.size(); ++i) {
    load(mlp_biases_[i], layer.mlp_inputs[i].bias);
  }
  load(output_bias_, layer.attention_output.bias);
  load(down_bias_, layer.down.bias);
}

WeightMatrix LayerRunner::Matrix(const LinearTensors& linear) const {
  const auto found =
      std::find(part_tensors_.begin(), part_tensors_.end(), linear.weight);
  return {
      .data = parts_[static_cast<size_t>(found - part_tensors_.begin())],
      .type = WeightType(
          machine_.checkpoint.tensors()[static_cast<size_t>(linear.weight)]),
      .layout = machine_.spec.family->layout,
      .out_features = linear.out_features,
      .in_features = linear.in_features};
}

Status LayerRunner::Run(int64_t layer_idx, const SlabView& slab,
                        float* residual) {
  layer_idx_ = layer_idx;
  LoadLayer(machine_.spec.layers[static_cast<size_t>(layer_idx)], slab);
  for (const Chunk& chunk : chunks_) REVLM_TRY(RunChunk(chunk, residual));
  return {};
}

void LayerRunner::NormRows(const Norm& norm, const Chunk& chunk,
                           const float* residual, std::byte* input) {
  const int64_t width = machine_.spec.hidden_size;
  const int64_t row_bytes = machine_.matmul.InputRowBytes(width);
  ForRows(chunk, [&](int64_t row, int thread_idx) {
    float* normed = thread_scratch_[static_cast<size_t>(thread_idx)].data();
    norm.Run(machine_, residual + row * width, width, normed);
    machine_.matmul.PrepareRow(normed, width, input + row * row_bytes);
  });
}

// x += attention(norm(x)); x += mlp(norm(x)); with a parallel residual both
// norms see the same x.
Status LayerRunner::RunChunk(const Chunk& chunk, float* residual) {
  const ModelSpec& spec = machine_.spec;
  const int64_t width = spec.hidden_size;
  float* x = residual + chunk.first_row * width;
  NormRows(attention_norm_, chunk, x, attention_input_.bytes());
  if (spec.parallel_residual) {
    NormRows(mlp_norm_, chunk, x, mlp_input_.bytes());
  }
  REVLM_TRY(RunAttention(chunk));
  ForRows(chunk, [&](int64_t row, int) {
    machine_.kernels.add(attention_out_.as<float>() + row * width, width,
                         x + row * width);
  });
  if (!spec.parallel_residual) {
    NormRows(mlp_norm_, chunk, x, mlp_input_.bytes());
  }
  REVLM_TRY(RunMlp(chunk, mlp_input_.bytes()));
  ForRows(chunk, [&](int64_t row, int) {
    machine_.kernels.add(mlp_out_.as<float>() + row * width, width,
                         x + row * width);
  });
  return {};
}

// Where a segment's keys and values of this layer lie, from position 0.
LayerRunner::KvView LayerRunner::KvOf(const Chunk& chunk,
                                      const Segment& segment) const {
  if (segment.sequence->generates()) {
    return {segment.sequence->kv.keys(layer_idx_),
            segment.sequence->kv.values(layer_idx_)};
  }
  // A long sequence has the scratch for itself; others have it by row.
  const uint64_t first =
      segment.first_pos > 0
          ? 0
          : static_cast<uint64_t>(segment.first_row - chunk.first_row);
  const uint64_t offset = first *
                          static_cast<uint64_t>(machine_.spec.kv_width()) *
                          KvCache::ElementBytes(machine_.kv_type);
  return {scratch_kv_.keys(0) + offset, scratch_kv_.values(0) + offset};
}

// Norms and rotates the queries and keys of one row, and stores its key and
// value.
void LayerRunner::PlaceRow(const Chunk& chunk, int64_t row) {
  const ModelSpec& spec = machine_.spec;
  const Kernels& kernels = machine_.kernels;
  const auto after = std::upper_bound(
      chunk.segments.begin(), chunk.segments.end(), chunk.first_row + row,
      [](int64_t r, const Segment& segment) { return r < segment.first_row; });
  const Segment& segment = *(after - 1);
  const int64_t position =
      segment.first_pos + (chunk.first_row + row - segment.first_row);
  float* qkv = qkv_.as<float>() + row * spec.qkv_width();
  const int64_t rotary_dim = spec.rope.rotary_dim();
  const float* angles = angles_.data() + (chunk.first_row + row) * rotary_dim;
  auto norm_and_rotate = [&](const Norm& norm, float* head) {
    if (norm.weight.data() != nullptr) {
      norm.Run(machine_, head, spec.head_dim, head);
    }
    if (rotary_dim > 0) {
      kernels.rope(angles, angles + rotary_dim / 2, rotary_dim, head);
    }
  };
  for (int64_t h = 0; h < spec.num_heads; ++h) {
    norm_and_rotate(query_norm_, qkv + spec.query.first + h * spec.query.step);
  }
  const KvView kv = KvOf(chunk, segment);
  const int64_t element =
      static_cast<int64_t>(KvCache::ElementBytes(machine_.kv_type));
  auto store = [&](const float* head, int64_t h, std::byte* plane) {
    std::byte* out =
        plane + (position * spec.kv_width() + h * spec.head_dim) * element;
    if (machine_.kv_type == ElementType::kBf16) {
      kernels.narrow_to_bf16(head, spec.head_dim,
                             reinterpret_cast<uint16_t*>(out));
    } else {
      std::memcpy(out, head, static_cast<size_t>(spec.head_dim * element));
    }
  };
  for (int64_t h = 0; h < spec.num_kv_heads; ++h) {
    float* key = qkv + spec.key.first + h * spec.key.step;
    norm_and_rotate(key_norm_, key);
    store(key, h, kv.keys);
    store(qkv + spec.value.first + h * spec.value.step, h, kv.values);
  }
}

Status LayerRunner::RunAttention(const Chunk& chunk) {
  const ModelSpec& spec = machine_.spec;
  std::vector<Product> products;
  int64_t column = 0;
  for (size_t i = 0; i < layer_->qkv.size(); ++i) {
    products.push_back({.weight = Matrix(layer_->qkv[i]),
                        .bias = qkv_biases_[i].data(),
                        .output = qkv_.as<float>() + column,
                        .output_stride = spec.qkv_width()});
    column += layer_->qkv[i].out_features;
  }
  REVLM_TRY(machine_.matmul.Multiply(attention_input_.bytes(), chunk.num_rows,
                                     products));
  ForRows(chunk, [&](int64_t row, int) { PlaceRow(chunk, row); });

  std::vector<AttentionBlock> blocks;
  for (size_t i = 0; i < chunk.segments.size(); ++i) {
    const int64_t num_rows = chunk.segments[i].num_rows;
    for (int64_t first = 0; first < num_rows; first += kAttentionBlockRows) {
      blocks.push_back(
          {i, first, std::min(kAttentionBlockRows, num_rows - first)});
    }
  }
  const int64_t element =
      static_cast<int64_t>(KvCache::ElementBytes(machine_.kv_type));
  machine_.pool.ParallelFor(
      static_cast<int64_t>(blocks.size()) * spec.num_heads,
      [&](int64_t task, int thread_idx) {
        const AttentionBlock& block =
            blocks[static_cast<size_t>(task / spec.num_heads)];
        const int64_t head = task % spec.num_heads;
        const int64_t kv_head = head / (spec.num_heads / spec.num_kv_heads);
        const Segment& segment = chunk.segments[block.segment_idx];
        const int64_t row = segment.first_row - chunk.first_row + block.first;
        const KvView kv = KvOf(chunk, segment);
        machine_.kernels.attend(
            {.query = qkv_.as<float>() + row * spec.qkv_width() +
                      spec.query.first + head * spec.query.step,
             .query_stride = spec.qkv_width(),
             .keys = kv.keys + kv_head * spec.head_dim * element,
             .values = kv.values + kv_head * spec.head_dim * element,
             .kv_stride = spec.kv_width(),
             .kv_type = machine_.kv_type,
             .num_rows = block.num_rows,
             .first_pos = segment.first_pos + block.first,
             .window = spec.windows[static_cast<size_t>(layer_idx_)],
             .head_dim = spec.head_dim,
             .scale = spec.attention_scales[static_cast<size_t>(layer_idx_)],
             .output = attention_.as<float>() + row * spec.attention_width() +
                       head * spec.head_dim,
             .output_stride = spec.attention_width(),
             .scratch =
                 thread_scratch_[static_cast<size_t>(thread_idx)].data()});
      });

  const int64_t width = spec.attention_width();
  const int64_t row_bytes = machine_.matmul.InputRowBytes(width);
  ForRows(chunk, [&](int64_t row, int) {
    machine_.matmul.PrepareRow(attention_.as<float>() + row * width, width,
                               product_input_.bytes() + row * row_bytes);
  });
  const Product output = {.weight = Matrix(layer_->attention_output),
                          .bias = output_bias_.data(),
                          .output = attention_out_.as<float>(),
                          .output_stride = spec.hidden_size};
  return machine_.matmul.Multiply(product_input_.bytes(), chunk.num_rows,
                                  {&output, 1});
}

Status LayerRunner::RunMlp(const Chunk& chunk, const std::byte* input) {
  const ModelSpec& spec = machine_.spec;
  const int64_t width = spec.intermediate_size;
  const int64_t num_inputs = static_cast<int64_t>(layer_->mlp_inputs.size());
  std::vector<Product> products;
  for (int64_t i = 0; i < num_inputs; ++i) {
    const size_t idx = static_cast<size_t>(i);
    products.push_back({.weight = Matrix(layer_->mlp_inputs[idx]),
                        .bias = mlp_biases_[idx].data(),
                        .output = mlp_.as<float>() + i * width,
                        .output_stride = num_inputs * width});
  }
  REVLM_TRY(machine_.matmul.Multiply(input, chunk.num_rows, products));
  const int64_t row_bytes = machine_.matmul.InputRowBytes(width);
  ForRows(chunk, [&](int64_t row, int) {
    float* first = mlp_.as<float>() + row * num_inputs * width;
    if (spec.family->gating == Gating::kGated) {
      machine_.kernels.gate(spec.activation, first + width, width, first);
    } else {
      machine_.kernels.activate(spec.activation, width, first);
    }
    machine_.matmul.PrepareRow(first, width,
                               product_input_.bytes() + row * row_bytes);
  });
  const Product down = {.weight = Matrix(layer_->down),
                        .bias = down_bias_.data(),
                        .output = mlp_out_.as<float>(),
                        .output_stride = spec.hidden_size};
  return machine_.matmul.Multiply(product_input_.bytes(), chunk.num_rows,
                                  {&down, 1});
}

}  // namespace revlm::engine
