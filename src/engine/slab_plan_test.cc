#include "engine/slab_plan.h"

#include <gtest/gtest.h>

#include <map>

#include "engine/engine_testing.h"
#include "engine/matmul.h"

namespace revlm::engine {
namespace {

// Every byte of every matrix once, in order; tiles cut at whole column tiles.
void ExpectWhole(const ModelSpec& spec, const formats::Checkpoint& checkpoint,
                 const SlabPlan& plan, uint64_t max_slab_bytes) {
  std::map<int32_t, uint64_t> next;  // bytes of a tensor seen
  for (size_t i = 0; i < plan.slabs.size(); ++i) {
    const Slab& slab = plan.slabs[i];
    EXPECT_LE(SlabBytes(slab), max_slab_bytes);
    EXPECT_EQ(SlabBytes(slab), plan.bytes[i]);
    ASSERT_FALSE(slab.tiles.empty());
    for (const Tile& tile : slab.tiles) {
      EXPECT_EQ(tile.first_row % kColumnTile, 0);
      EXPECT_EQ(tile.stage == Stage::kHead,
                static_cast<int32_t>(i) >= plan.num_layer_slabs);
    }
    for (const SlabPart& part : slab.parts) {
      const formats::TensorInfo& info =
          checkpoint.tensors()[static_cast<size_t>(part.tensor_idx)];
      EXPECT_EQ(part.tensor_offset, next[part.tensor_idx]) << info.name;
      EXPECT_EQ(part.file_offset, info.offset_bytes + part.tensor_offset);
      next[part.tensor_idx] += part.size_bytes;
    }
  }
  for (size_t idx = 0; idx < checkpoint.tensors().size(); ++idx) {
    const formats::TensorInfo& info = checkpoint.tensors()[idx];
    const int32_t i = static_cast<int32_t>(idx);
    const bool by_row =
        i == spec.position_embedding || (i == spec.embedding && !spec.tied());
    EXPECT_EQ(next[i], info.shape.size() == 1 || by_row ? 0 : info.size_bytes)
        << info.name;
  }
}

// Each layer's stages in order, each begun and ended once.
void ExpectOrder(const ModelSpec& spec, const SlabPlan& plan) {
  int num_begun = 0;
  int num_ended = 0;
  std::pair<int32_t, Stage> last = {0, Stage::kQkv};
  for (const Slab& slab : plan.slabs) {
    for (const Tile& tile : slab.tiles) {
      const std::pair<int32_t, Stage> place = {tile.layer, tile.stage};
      EXPECT_GE(place, last);
      last = place;
      num_begun += tile.begins_stage;
      EXPECT_EQ(num_begun, num_ended + 1);
      num_ended += tile.ends_stage;
    }
  }
  EXPECT_EQ(num_ended, 4 * spec.num_layers + 1);
}

TEST(SlabPlanTest, EveryMatrixIsWholeInSlabsOfAnySize) {
  for (const char* architecture :
       {"llama", "qwen2", "qwen3", "gpt2", "gpt_neox", "llama-headdim-bias"}) {
    SCOPED_TRACE(architecture);
    const TempFolder folder;
    WriteModelFiles(LoadModelFiles(architecture), folder.Path("model"));
    const auto checkpoint =
        formats::Checkpoint::Open(folder.Path("model")).value();
    const ModelSpec spec = DescribeModel(checkpoint).value();
    const uint64_t least = MinSlabBytes(spec, checkpoint);
    size_t num_slabs = SIZE_MAX;
    for (const uint64_t bytes :
         {least, least + 1, 2 * least, 5 * least, uint64_t{1} << 30}) {
      const SlabPlan plan = PlanSlabs(spec, checkpoint, bytes);
      ExpectWhole(spec, checkpoint, plan, bytes);
      ExpectOrder(spec, plan);
      EXPECT_LE(plan.slabs.size(), num_slabs);
      num_slabs = plan.slabs.size();
    }
    EXPECT_EQ(num_slabs, 2u);  // all layers, and the head
  }
}

}  // namespace
}  // namespace revlm::engine
