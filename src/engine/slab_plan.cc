#include "engine/slab_plan.h"

#include <algorithm>

#include "base/check.h"
#include "engine/matmul.h"

namespace revlm::engine {
namespace {

// One stage's matrix, or two whose rows go together.
struct StageMatrix {
  Stage stage = Stage::kQkv;
  int32_t layer = 0;
  int32_t matrix = 0;
  int32_t num_matrices = 1;  // of the stage, one after another
  std::vector<int32_t> tensors;
  bool is_cuttable = true;
};

std::vector<StageMatrix> LayerMatrices(const ModelSpec& spec, int32_t idx) {
  const LayerTensors& layer = spec.layers[static_cast<size_t>(idx)];
  const bool is_cuttable = spec.family->layout == WeightLayout::kOutIn;
  std::vector<StageMatrix> matrices;
  const int32_t num_qkv = static_cast<int32_t>(layer.qkv.size());
  for (int32_t i = 0; i < num_qkv; ++i) {
    matrices.push_back({Stage::kQkv,
                        idx,
                        i,
                        num_qkv,
                        {layer.qkv[static_cast<size_t>(i)].weight},
                        is_cuttable});
  }
  matrices.push_back({Stage::kAttentionOutput,
                      idx,
                      0,
                      1,
                      {layer.attention_output.weight},
                      is_cuttable});
  StageMatrix inputs = {Stage::kMlpInput, idx, 0, 1, {}, is_cuttable};
  for (const LinearTensors& linear : layer.mlp_inputs) {
    inputs.tensors.push_back(linear.weight);
  }
  matrices.push_back(std::move(inputs));
  matrices.push_back(
      {Stage::kDown, idx, 0, 1, {layer.down.weight}, is_cuttable});
  return matrices;
}

StageMatrix HeadMatrix(const ModelSpec& spec) {
  return {
      Stage::kHead, static_cast<int32_t>(spec.num_layers), 0, 1, {spec.head},
      true};
}

class SlabPacker {
 public:
  SlabPacker(const formats::Checkpoint& checkpoint, uint64_t max_slab_bytes)
      : checkpoint_(checkpoint), max_bytes_(max_slab_bytes) {}

  // Output rows of a matrix as it is tiled.
  int64_t NumRows(const StageMatrix& matrix) const {
    return static_cast<int64_t>(checkpoint_.tensor(matrix.tensors.front())
                                    .shape[matrix.is_cuttable ? 0 : 1]);
  }

  // What `num_rows` rows take as a tile.
  uint64_t TileBytes(const StageMatrix& matrix, int64_t num_rows) const {
    uint64_t bytes = 0;
    for (const int32_t tensor : matrix.tensors) {
      bytes += base::UnalignedReadBytes(checkpoint_.tensor(tensor).size_bytes /
                                        static_cast<uint64_t>(NumRows(matrix)) *
                                        static_cast<uint64_t>(num_rows));
    }
    return bytes;
  }

  int64_t MinRows(const StageMatrix& matrix) const {
    const int64_t all = NumRows(matrix);
    return matrix.is_cuttable ? std::min(kColumnTile, all) : all;
  }

  void Add(const StageMatrix& matrix) {
    const int64_t all = NumRows(matrix);
    for (int64_t row = 0; row < all;) {
      int64_t count = RowsThatFit(matrix, all - row);
      if (count == 0) {
        StartSlab();
        count = RowsThatFit(matrix, all - row);
        REVLM_CHECK(count > 0);
      }
      AddTile(matrix, row, count);
      row += count;
    }
  }

  void StartSlab() {
    if (slabs_.empty() || !slabs_.back().tiles.empty()) slabs_.emplace_back();
    used_bytes_ = 0;
  }

  std::vector<Slab>& slabs() { return slabs_; }

 private:
  int64_t RowsThatFit(const StageMatrix& matrix, int64_t num_left) const {
    const uint64_t free_bytes = max_bytes_ - used_bytes_;
    if (TileBytes(matrix, num_left) <= free_bytes) return num_left;
    if (!matrix.is_cuttable) return 0;
    int64_t count = num_left / kColumnTile * kColumnTile;
    while (count > 0 && TileBytes(matrix, count) > free_bytes) {
      count -= kColumnTile;
    }
    return count;
  }

  void AddTile(const StageMatrix& matrix, int64_t row, int64_t count) {
    Slab& slab = slabs_.back();
    const int64_t all = NumRows(matrix);
    slab.tiles.push_back(
        {.stage = matrix.stage,
         .layer = matrix.layer,
         .matrix = matrix.matrix,
         .first_row = row,
         .num_rows = count,
         .begins_stage = row == 0 && matrix.matrix == 0,
         .ends_stage =
             row + count == all && matrix.matrix + 1 == matrix.num_matrices,
         .first_part = slab.parts.size()});
    for (const int32_t tensor : matrix.tensors) {
      const formats::TensorInfo& info = checkpoint_.tensor(tensor);
      const uint64_t row_bytes = info.size_bytes / static_cast<uint64_t>(all);
      const uint64_t offset = row_bytes * static_cast<uint64_t>(row);
      slab.parts.push_back(
          {.tensor_idx = tensor,
           .file_idx = static_cast<int32_t>(info.file_idx),
           .file_offset = info.offset_bytes + offset,
           .size_bytes = row_bytes * static_cast<uint64_t>(count),
           .tensor_offset = offset});
    }
    used_bytes_ += TileBytes(matrix, count);
  }

  const formats::Checkpoint& checkpoint_;
  const uint64_t max_bytes_;
  std::vector<Slab> slabs_;
  uint64_t used_bytes_ = 0;
};

}  // namespace

uint64_t SlabBytes(const Slab& slab) {
  uint64_t bytes = 0;
  for (const SlabPart& part : slab.parts) {
    bytes += base::UnalignedReadBytes(part.size_bytes);
  }
  return bytes;
}

uint64_t MinSlabBytes(const ModelSpec& spec,
                      const formats::Checkpoint& checkpoint) {
  const SlabPacker packer(checkpoint, 0);
  uint64_t bytes = 0;
  auto raise = [&](const StageMatrix& matrix) {
    bytes = std::max(bytes, packer.TileBytes(matrix, packer.MinRows(matrix)));
  };
  for (int32_t layer = 0; layer < spec.num_layers; ++layer) {
    for (const StageMatrix& matrix : LayerMatrices(spec, layer)) raise(matrix);
  }
  raise(HeadMatrix(spec));
  return bytes;
}

SlabPlan PlanSlabs(const ModelSpec& spec, const formats::Checkpoint& checkpoint,
                   uint64_t max_slab_bytes) {
  SlabPlan plan;
  SlabPacker packer(checkpoint, max_slab_bytes);
  packer.StartSlab();
  for (int32_t layer = 0; layer < spec.num_layers; ++layer) {
    for (const StageMatrix& matrix : LayerMatrices(spec, layer)) {
      packer.Add(matrix);
    }
  }
  plan.num_layer_slabs = static_cast<int32_t>(packer.slabs().size());
  packer.StartSlab();
  packer.Add(HeadMatrix(spec));
  plan.slabs = std::move(packer.slabs());
  for (size_t i = 0; i < plan.slabs.size(); ++i) {
    const uint64_t bytes = SlabBytes(plan.slabs[i]);
    plan.bytes.push_back(bytes);
    plan.slab_bytes = std::max(plan.slab_bytes, bytes);
    (static_cast<int32_t>(i) < plan.num_layer_slabs ? plan.layer_bytes
                                                    : plan.head_bytes) += bytes;
  }
  return plan;
}

}  // namespace revlm::engine
