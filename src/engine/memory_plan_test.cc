#include "engine/memory_plan.h"

#include <gtest/gtest.h>

#include <optional>

#include "engine/engine_testing.h"
#include "engine/matmul.h"
#include "engine/model.h"

namespace revlm::engine {
namespace {

// A model of one of the golden architectures, to plan for.
class MemoryPlanTest : public ::testing::Test {
 protected:
  void SetUp() override {
    WriteModelFiles(LoadModelFiles("llama"), folder_.Path("m"));
    checkpoint_ = formats::Checkpoint::Open(folder_.Path("m")).value();
    spec_ = DescribeModel(*checkpoint_).value();
    matmul_ = Matmul::Create(ComputeType::kF32, pool_, BestKernels()).value();
    slabs_ = PlanSlabs(spec_, *checkpoint_, uint64_t{32} << 20);
    Ask(12, 10, 20);
  }

  // `count` prompts that answer with `new_tokens`.
  void Ask(int count, int64_t prompt_tokens, int64_t new_tokens) {
    requests_.assign(static_cast<size_t>(count),
                     {.prompt_tokens = prompt_tokens,
                      .new_tokens = new_tokens,
                      .head_rows = 1,
                      .result_bytes = 1000});
  }

  PlanInput Input() const {
    return {.spec = spec_,
            .checkpoint = *checkpoint_,
            .matmul = *matmul_,
            .kv_pages = {.width = spec_.kv_width(), .type = ElementType::kF32},
            .num_threads = 2,
            .batch_size = batch_size_,
            .keep_weights = keep_weights_,
            .can_spill = true,
            .rates = rates_,
            .cpu_share = cpu_share_,
            .requests = requests_};
  }
  Plan Make(uint64_t budget_bytes) const {
    return MakePlan(Input(), budget_bytes).value();
  }
  uint64_t weight_bytes() const {
    return slabs_.layer_bytes + slabs_.head_bytes;
  }
  // Of every request at once, all layers.
  uint64_t kv_bytes() const {
    uint64_t bytes = 0;
    for (const RequestShape& request : requests_) {
      bytes += Input().kv_pages.SequenceBytes(request.max_length()) *
               static_cast<uint64_t>(spec_.num_layers);
    }
    return bytes;
  }

  TempFolder folder_;
  ThreadPool pool_{2};
  std::optional<formats::Checkpoint> checkpoint_;
  ModelSpec spec_;
  std::unique_ptr<Matmul> matmul_;
  SlabPlan slabs_;
  Rates rates_;
  double cpu_share_ = 1;
  int64_t batch_size_ = INT64_MAX;
  bool keep_weights_ = true;
  std::vector<RequestShape> requests_;
};

TEST_F(MemoryPlanTest, FewerThreadsTakeLongerAndReadAsMuch) {
  rates_ = {.read_bytes_per_second = 1e12, .flops_per_second = 1e6};
  const Plan all = Make(uint64_t{1} << 32);
  cpu_share_ = 0.5;
  const Plan half = Make(uint64_t{1} << 32);
  EXPECT_GT(half.seconds, 1.2 * all.seconds);
  EXPECT_LT(half.seconds, 2 * all.seconds);  // they wait less for each other
  EXPECT_DOUBLE_EQ(half.read_seconds, all.read_seconds);
  EXPECT_GT(all.read_seconds, 0);
  EXPECT_LT(all.read_seconds, all.seconds);
  // Where the disk is what takes the time, threads do not matter.
  rates_ = {.read_bytes_per_second = 1e6, .flops_per_second = 1e15};
  keep_weights_ = false;
  const Plan slow_disk = Make(uint64_t{1} << 32);
  cpu_share_ = 1;
  EXPECT_DOUBLE_EQ(slow_disk.seconds, Make(uint64_t{1} << 32).seconds);
}

TEST_F(MemoryPlanTest, EverythingStaysWhereItFits) {
  // However fast or slow the disk is said to be.
  for (const double rate : {1e6, 1.5e9, 1e12}) {
    rates_.read_bytes_per_second = rate;
    const Plan plan = Make(uint64_t{1} << 32);
    EXPECT_EQ(plan.use.ring_bytes, 0u);
    EXPECT_EQ(plan.use.spilled_bytes, 0u);
    EXPECT_FALSE(plan.spills);
    EXPECT_EQ(plan.use.pinned_bytes, weight_bytes());
    EXPECT_EQ(plan.use.kv_bytes, kv_bytes());
    EXPECT_EQ(plan.groups->size(), 1u);
    // No more than this is needed for it.
    const Plan same = Make(plan.use.peak_bytes());
    EXPECT_EQ(same.use.ring_bytes, 0u);
    EXPECT_EQ(same.use.kv_bytes, kv_bytes());
    EXPECT_EQ(same.use.peak_bytes(), plan.use.peak_bytes());
  }
}

TEST_F(MemoryPlanTest, NothingStaysWhereThatIsNotWanted) {
  keep_weights_ = false;
  const uint64_t floor_bytes = FloorBytes(Input());
  for (const uint64_t budget : {floor_bytes, uint64_t{1} << 32}) {
    const Plan plan = Make(budget);
    EXPECT_GT(plan.use.ring_bytes, 0u);
    EXPECT_EQ(plan.use.pinned_bytes, 0u);
    EXPECT_LE(plan.use.peak_bytes(), budget);
  }
  EXPECT_FALSE(MakePlan(Input(), floor_bytes - 1).has_value());
}

TEST_F(MemoryPlanTest, AGroupHasNoMoreRequestsThanWereAllowed) {
  for (const int64_t new_tokens : {0, 20}) {
    Ask(12, 10, new_tokens);
    for (const int64_t batch_size : {1, 5, 12, 100}) {
      batch_size_ = batch_size;
      const Plan plan = Make(uint64_t{1} << 32);
      const int64_t expected = (12 + batch_size - 1) / batch_size;
      EXPECT_EQ(static_cast<int64_t>(plan.groups->size()), expected);
      for (const GroupShape& group : *plan.groups) {
        EXPECT_LE(static_cast<int64_t>(group.end - group.begin), batch_size);
      }
    }
  }
}

TEST_F(MemoryPlanTest, TheFloorIsTheLeastThatIsNotRefused) {
  const uint64_t floor_bytes = FloorBytes(Input());
  const auto refused = MakePlan(Input(), floor_bytes - 1);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::kBudgetExceeded);
  EXPECT_NE(refused.error().message.find(std::to_string(floor_bytes)),
            std::string::npos);
  const Plan plan = Make(floor_bytes);
  EXPECT_LE(plan.use.peak_bytes(), floor_bytes);
  EXPECT_EQ(plan.floor_bytes, floor_bytes);
}

TEST_F(MemoryPlanTest, TheFloorDoesNotDependOnTheRates) {
  const uint64_t floor_bytes = FloorBytes(Input());
  rates_ = {.read_bytes_per_second = 1e6, .flops_per_second = 1e15};
  EXPECT_EQ(FloorBytes(Input()), floor_bytes);
}

TEST_F(MemoryPlanTest, NothingIsSpilledWhereKeysAndValuesFit) {
  Ask(12, 40, 80);
  const uint64_t floor_bytes = FloorBytes(Input());
  const Plan ample = Make(uint64_t{1} << 32);
  // Room for all of them beside the tightest plan, but not for all weights.
  for (const uint64_t budget :
       {floor_bytes + kv_bytes() + (uint64_t{64} << 10),
        ample.use.peak_bytes() - 1, ample.use.peak_bytes()}) {
    const Plan plan = Make(budget);
    EXPECT_FALSE(plan.spills) << budget;
    EXPECT_LE(plan.use.peak_bytes(), budget);
  }
}

// So that all of them can decode together, however little there is.
TEST_F(MemoryPlanTest, SpilledKeysAndValuesTakeNoMemory) {
  Ask(200, 20, 40);
  const uint64_t floor_bytes = FloorBytes(Input());
  int num_spilled = 0;
  for (const int parts : {8, 10, 14, 20}) {
    const Plan plan = Make(floor_bytes * static_cast<uint64_t>(parts) / 8);
    if (!plan.spills) continue;
    ++num_spilled;
    EXPECT_EQ(plan.use.kv_bytes, 0u);
    EXPECT_GT(plan.use.spilled_bytes, 0u);
    EXPECT_EQ(plan.pass_limits.kv_scratch_bytes, 0u);
  }
  EXPECT_GT(num_spilled, 0);
}

TEST_F(MemoryPlanTest, MoreMemoryIsNeverPredictedToTakeLonger) {
  // Plans within this are counted as equally fast.
  constexpr double kSameTime = 1.005;
  for (const int64_t new_tokens : {0, 1, 60}) {
    for (const double rate : {1e7, 1.5e9}) {
      Ask(9, 30, new_tokens);
      rates_.read_bytes_per_second = rate;
      const uint64_t floor_bytes = FloorBytes(Input());
      double fewest_seconds = Make(floor_bytes).seconds;
      for (uint64_t budget = floor_bytes; budget < 64 * floor_bytes;
           budget += budget / 16) {
        const Plan plan = Make(budget);
        EXPECT_LE(plan.use.peak_bytes(), budget);
        EXPECT_LE(plan.seconds, fewest_seconds * kSameTime)
            << budget << " of " << floor_bytes << ", " << new_tokens;
        fewest_seconds = std::min(fewest_seconds, plan.seconds);
      }
    }
  }
}

TEST_F(MemoryPlanTest, MemoryOfPromptRowsHoldsSlabsOnceTheyAreThrough) {
  Ask(40, 64, 30);
  const uint64_t floor_bytes = FloorBytes(Input());
  int num_with_late_pins = 0;
  for (uint64_t budget = floor_bytes; budget < 16 * floor_bytes;
       budget += budget / 8) {
    const Plan plan = Make(budget);
    const DecodePlan& decode = plan.decode;
    uint64_t bytes = 0;
    for (size_t i = 0; i < decode.late_pinned.size(); ++i) {
      if (!decode.late_pinned[i]) continue;
      EXPECT_FALSE(plan.pinned[i]);
      bytes += plan.slabs->bytes[i];
    }
    EXPECT_EQ(bytes, decode.late_pinned_bytes);
    if (bytes == 0) continue;
    ++num_with_late_pins;
    EXPECT_GE(
        decode.rows_bytes,
        Activations::Lay(spec_, *matmul_, decode.limits, nullptr, nullptr));
    EXPECT_LE(decode.rows_bytes + bytes, plan.use.activation_bytes);
    EXPECT_EQ(decode.limits.num_rows, plan.groups->back().num_generating);
  }
  EXPECT_GT(num_with_late_pins, 0);
}

TEST_F(MemoryPlanTest, NothingToRunIsPlanned) {
  requests_.clear();
  const uint64_t floor_bytes = FloorBytes(Input());
  for (const uint64_t budget : {floor_bytes, 2 * floor_bytes}) {
    const Plan plan = Make(budget);
    EXPECT_TRUE(plan.groups->empty());
    EXPECT_LE(plan.use.peak_bytes(), budget);
  }
}

}  // namespace
}  // namespace revlm::engine
