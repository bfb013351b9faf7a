#include "engine/layer_runner.h"

#include <algorithm>
#include <cstring>

namespace revlm::engine {
namespace {

constexpr int64_t kRowsPerTask = 8;

const LinearTensors& LinearOf(const LayerTensors& layer, Stage stage,
                              int32_t matrix) {
  switch (stage) {
    case Stage::kQkv:
      return layer.qkv[static_cast<size_t>(matrix)];
    case Stage::kAttentionOutput:
      return layer.attention_output;
    case Stage::kMlpInput:
      return layer.mlp_inputs[static_cast<size_t>(matrix)];
    default:
      return layer.down;
  }
}

}  // namespace

// Calls body(row, thread) for every row of the pass.
template <typename Body>
void LayerRunner::ForRows(const Body& body) {
  const int64_t num_tasks = (num_rows_ + kRowsPerTask - 1) / kRowsPerTask;
  machine_.pool.ParallelFor(num_tasks, [&](int64_t task, int thread_idx) {
    const int64_t end = std::min((task + 1) * kRowsPerTask, num_rows_);
    for (int64_t row = task * kRowsPerTask; row < end; ++row) {
      body(row, thread_idx);
    }
  });
}

void LayerRunner::Begin(std::span<const int32_t> positions,
                        const Activations& activations) {
  activations_ = activations;
  num_rows_ = static_cast<int64_t>(positions.size());
  const int64_t rotary_dim = machine_.spec.rope.rotary_dim();
  if (rotary_dim == 0) return;
  ForRows([&](int64_t row, int) {
    float* angles = activations_.angles + row * rotary_dim;
    machine_.spec.rope.Angles(positions[static_cast<size_t>(row)], angles,
                              angles + rotary_dim / 2);
  });
}

void LayerRunner::NormRows(const NormTensors& norm, std::byte* input) {
  const int64_t width = machine_.spec.hidden_size;
  const int64_t row_bytes = machine_.matmul.InputRowBytes(width);
  ForRows([&](int64_t row, int thread_idx) {
    float* normed = reinterpret_cast<float*>(machine_.scratch(thread_idx));
    RunNorm(machine_, norm, activations_.residual + row * width, width, normed);
    machine_.matmul.PrepareRow(normed, width, input + row * row_bytes);
  });
}

Product LayerRunner::MakeProduct(const Tile& tile, const SlabView& slab) const {
  const LayerTensors& layer =
      machine_.spec.layers[static_cast<size_t>(tile.layer)];
  const LinearTensors& linear = LinearOf(layer, tile.stage, tile.matrix);
  auto bias = [&](const LinearTensors& of) {
    const float* values = machine_.small->Find(of.bias);
    return values == nullptr ? nullptr : values + tile.first_row;
  };
  Product product = {
      .weight = {.data = slab.part(tile.first_part),
                 .type = WeightType(
                     machine_.checkpoint
                         .tensors()[static_cast<size_t>(linear.weight)]),
                 .layout = machine_.spec.family->layout,
                 .out_features = tile.num_rows,
                 .in_features = linear.in_features},
      .bias = bias(linear)};
  if (tile.stage == Stage::kMlpInput && layer.mlp_inputs.size() > 1) {
    product.paired_weight = slab.part(tile.first_part + 1);
    product.paired_bias = bias(layer.mlp_inputs[1]);
  }
  return product;
}

Status LayerRunner::MultiplyChunks(const std::byte* input, int64_t input_bytes,
                                   std::span<const Product> products,
                                   const TileSink& sink) {
  for (int64_t first = 0; first < num_rows_; first += kChunkRows) {
    REVLM_TRY(machine_.matmul.Multiply(input + first * input_bytes,
                                       std::min(kChunkRows, num_rows_ - first),
                                       products, [&](const ResultTile& tile) {
                                         ResultTile moved = tile;
                                         moved.first_row += first;
                                         sink(moved);
                                       }));
  }
  return {};
}

TileSink LayerRunner::StoreQkv(std::span<const Tile> tiles) const {
  const LayerTensors& layer =
      machine_.spec.layers[static_cast<size_t>(tiles.front().layer)];
  std::vector<int64_t> columns;  // of qkv, where each tile begins
  for (const Tile& tile : tiles) {
    int64_t column = tile.first_row;
    for (int32_t i = 0; i < tile.matrix; ++i) {
      column += layer.qkv[static_cast<size_t>(i)].out_features;
    }
    columns.push_back(column);
  }
  return [this, columns](const ResultTile& tile) {
    const int64_t width = machine_.spec.qkv_width();
    const int64_t column = columns[tile.product_idx] + tile.first_column;
    for (int64_t r = 0; r < tile.num_rows; ++r) {
      std::memcpy(activations_.qkv + (tile.first_row + r) * width + column,
                  tile.values + r * tile.num_columns,
                  static_cast<size_t>(tile.num_columns) * sizeof(float));
    }
  };
}

TileSink LayerRunner::AddToResidual(const Tile& of) const {
  return [this, first = of.first_row](const ResultTile& tile) {
    const int64_t width = machine_.spec.hidden_size;
    for (int64_t r = 0; r < tile.num_rows; ++r) {
      machine_.kernels.add(tile.values + r * tile.num_columns, tile.num_columns,
                           activations_.residual +
                               (tile.first_row + r) * width + first +
                               tile.first_column);
    }
  };
}

TileSink LayerRunner::StoreGated(const Tile& of) const {
  return [this, first = of.first_row](const ResultTile& tile) {
    const ModelSpec& spec = machine_.spec;
    const int64_t row_bytes =
        machine_.matmul.InputRowBytes(spec.intermediate_size);
    const int64_t offset =
        machine_.matmul.InputRowBytes(first + tile.first_column);
    for (int64_t r = 0; r < tile.num_rows; ++r) {
      float* values = tile.values + r * tile.num_columns;
      if (tile.paired != nullptr) {
        machine_.kernels.gate(spec.activation,
                              tile.paired + r * tile.num_columns,
                              tile.num_columns, values);
      } else {
        machine_.kernels.activate(spec.activation, tile.num_columns, values);
      }
      machine_.matmul.PrepareRow(
          values, tile.num_columns,
          activations_.gated + (tile.first_row + r) * row_bytes + offset);
    }
  };
}

// x += attention(norm(x)); x += mlp(norm(x)); with a parallel residual both
// norms see the same x.
Status LayerRunner::RunTiles(std::span<const Tile> tiles,
                             const SlabView& slab) {
  const ModelSpec& spec = machine_.spec;
  const Tile& first = tiles.front();
  const LayerTensors& layer = spec.layers[static_cast<size_t>(first.layer)];
  const int64_t input_bytes = machine_.matmul.InputRowBytes(spec.hidden_size);
  if (first.stage == Stage::kQkv && first.begins_stage) {
    NormRows(layer.attention_norm, activations_.attention_input);
    if (spec.parallel_residual) {
      NormRows(layer.mlp_norm, activations_.mlp_input);
    }
  }
  if (first.stage == Stage::kMlpInput && first.begins_stage &&
      !spec.parallel_residual) {
    NormRows(layer.mlp_norm, activations_.mlp_input);
  }
  if (first.stage == Stage::kQkv) {
    std::vector<Product> products;
    for (const Tile& tile : tiles) products.push_back(MakeProduct(tile, slab));
    return MultiplyChunks(activations_.attention_input, input_bytes, products,
                          StoreQkv(tiles));
  }
  for (const Tile& tile : tiles) {
    const Product product = MakeProduct(tile, slab);
    const bool is_mlp_input = tile.stage == Stage::kMlpInput;
    const std::byte* input = activations_.mlp_input;
    int64_t bytes = input_bytes;
    if (tile.stage == Stage::kAttentionOutput) {
      input = activations_.attended;
      bytes = machine_.matmul.InputRowBytes(spec.attention_width());
    } else if (tile.stage == Stage::kDown) {
      input = activations_.gated;
      bytes = machine_.matmul.InputRowBytes(spec.intermediate_size);
    }
    REVLM_TRY(
        MultiplyChunks(input, bytes, {&product, 1},
                       is_mlp_input ? StoreGated(tile) : AddToResidual(tile)));
  }
  return {};
}

std::vector<LayerRunner::Block> LayerRunner::MakeBlocks(
    std::span<const PlacedSegment> segments, int64_t rows_per_block) {
  std::vector<Block> blocks;
  for (size_t i = 0; i < segments.size(); ++i) {
    const int64_t num_rows = segments[i].segment->num_rows;
    for (int64_t first = 0; first < num_rows; first += rows_per_block) {
      blocks.push_back({i, first, std::min(rows_per_block, num_rows - first)});
    }
  }
  return blocks;
}

// Norms and rotates the queries and keys of one row, and stores its key and
// value.
void LayerRunner::PlaceRow(int64_t layer, const PlacedSegment& of,
                           int64_t row) {
  const ModelSpec& spec = machine_.spec;
  const Kernels& kernels = machine_.kernels;
  const KvPages& pages = machine_.kv_pages;
  const LayerTensors& tensors = spec.layers[static_cast<size_t>(layer)];
  const int64_t pass_row = of.segment->first_row + row;
  float* qkv = activations_.qkv + pass_row * spec.qkv_width();
  const int64_t rotary_dim = spec.rope.rotary_dim();
  const float* angles = activations_.angles + pass_row * rotary_dim;
  auto norm_and_rotate = [&](const NormTensors& norm, float* head) {
    if (norm.weight != kNoTensor) {
      RunNorm(machine_, norm, head, spec.head_dim, head);
    }
    if (rotary_dim > 0) {
      kernels.rope(angles, angles + rotary_dim / 2, rotary_dim, head);
    }
  };
  for (int64_t h = 0; h < spec.num_heads; ++h) {
    norm_and_rotate(tensors.query_norm,
                    qkv + spec.query.first + h * spec.query.step);
  }
  std::byte* out = of.kv.KeyOf(of.segment->first_pos + row);
  auto store = [&](const float* head, std::byte* to) {
    if (pages.type == ElementType::kBf16) {
      kernels.narrow_to_bf16(head, spec.head_dim,
                             reinterpret_cast<uint16_t*>(to));
    } else {
      std::memcpy(to, head, static_cast<size_t>(spec.head_dim) * sizeof(float));
    }
  };
  for (int64_t h = 0; h < spec.num_kv_heads; ++h) {
    float* key = qkv + spec.key.first + h * spec.key.step;
    norm_and_rotate(tensors.key_norm, key);
    std::byte* to = out + h * spec.head_dim * pages.element_bytes();
    store(key, to);
    store(qkv + spec.value.first + h * spec.value.step,
          to + of.kv.values_bytes);
  }
}

void LayerRunner::AttendBlock(int64_t layer, const PlacedSegment& of,
                              const Block& block, int64_t head,
                              std::byte* scratch) {
  const ModelSpec& spec = machine_.spec;
  const KvPages& pages = machine_.kv_pages;
  const size_t layer_idx = static_cast<size_t>(layer);
  const int64_t kv_head = head / (spec.num_heads / spec.num_kv_heads);
  const int64_t row = of.segment->first_row + block.first;
  const std::byte* keys =
      of.kv.memory + kv_head * spec.head_dim * pages.element_bytes();
  float* output = reinterpret_cast<float*>(scratch);
  machine_.kernels.attend(
      {.query = activations_.qkv + row * spec.qkv_width() + spec.query.first +
                head * spec.query.step,
       .query_stride = spec.qkv_width(),
       .keys = keys,
       .values = keys + of.kv.values_bytes,
       .kv_stride = of.kv.position_bytes / pages.element_bytes(),
       .kv_page_stride = of.kv.page_bytes / pages.element_bytes(),
       .kv_type = pages.type,
       .num_rows = block.num_rows,
       .first_pos = of.segment->first_pos + block.first,
       .window = spec.windows[layer_idx],
       .head_dim = spec.head_dim,
       .scale = spec.attention_scales[layer_idx],
       .output = output,
       .output_stride = spec.head_dim,
       .scratch = output + kAttentionBlock * spec.head_dim});
  const int64_t row_bytes =
      machine_.matmul.InputRowBytes(spec.attention_width());
  for (int64_t r = 0; r < block.num_rows; ++r) {
    machine_.matmul.PrepareRow(
        output + r * spec.head_dim, spec.head_dim,
        activations_.attended + (row + r) * row_bytes +
            machine_.matmul.InputRowBytes(head * spec.head_dim));
  }
}

void LayerRunner::Attend(int64_t layer,
                         std::span<const PlacedSegment> segments) {
  const std::vector<Block> rows = MakeBlocks(segments, kRowsPerTask);
  machine_.pool.ParallelFor(
      static_cast<int64_t>(rows.size()), [&](int64_t task, int) {
        const Block& block = rows[static_cast<size_t>(task)];
        for (int64_t r = 0; r < block.num_rows; ++r) {
          PlaceRow(layer, segments[block.segment_idx], block.first + r);
        }
      });
  const std::vector<Block> blocks = MakeBlocks(segments, kAttentionBlock);
  const int64_t num_heads = machine_.spec.num_heads;
  machine_.pool.ParallelFor(
      static_cast<int64_t>(blocks.size()) * num_heads,
      [&](int64_t task, int thread_idx) {
        const Block& block = blocks[static_cast<size_t>(task / num_heads)];
        AttendBlock(layer, segments[block.segment_idx], block, task % num_heads,
                    machine_.scratch(thread_idx));
      });
}

}  // namespace revlm::engine
