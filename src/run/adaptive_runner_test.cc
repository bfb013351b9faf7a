#include "run/adaptive_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

namespace revlm::run {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class StepClock : public base::Clock {
 public:
  std::chrono::nanoseconds Monotonic() const override { return now; }
  std::chrono::nanoseconds Wall() const override { return now; }
  std::chrono::nanoseconds now{0};
};

// A model whose passes take a second, and an operation a hundredth.
class PartsTest : public testing::Test {
 protected:
  PartsTest() {
    work_.run_part = [this](size_t begin, size_t end,
                            const sched::Setting& setting) -> Result<int64_t> {
      EXPECT_EQ(begin, num_done_);
      EXPECT_GT(end, begin);
      EXPECT_LE(end, work_.num_operations);
      num_done_ = end;
      parts_.push_back(end - begin);
      memory_.push_back(setting.memory_bytes);
      const auto count = static_cast<double>(end - begin);
      clock_.now += std::chrono::milliseconds(
          std::lround(1000 * (pass_seconds_ + 0.01 * count)));
      return static_cast<int64_t>(end - begin) * 10;
    };
    work_.read_pressure = [this] { return pressure_; };
    work_.on_change = [this](const sched::Decision& decision) -> Status {
      reasons_.push_back(decision.reason);
      return {};
    };
  }

  void Start(size_t num_operations, int32_t batch_size) {
    work_.num_operations = num_operations;
    work_.start = {.batch_size = batch_size, .memory_bytes = 1000};
    work_.bounds.least.memory_bytes = 100;
    work_.bounds.most = work_.start;
    work_.bounds.most.batch_size = static_cast<int32_t>(num_operations);
  }

  AdaptiveWork work_;
  StepClock clock_;
  memory::Pressure pressure_;
  double pass_seconds_ = 1;
  size_t num_done_ = 0;
  std::vector<size_t> parts_;
  std::vector<uint64_t> memory_;
  std::vector<std::string> reasons_;
};

TEST_F(PartsTest, EachOperationIsRunOnceInEvenParts) {
  for (const size_t count : {1, 2, 39, 40, 41, 100, 101}) {
    for (const int32_t batch_size : {1, 7, 40, 1000}) {
      num_done_ = 0;
      parts_.clear();
      Start(count, std::min(batch_size, static_cast<int32_t>(count)));
      work_.bounds.most.batch_size = work_.start.batch_size;
      ASSERT_TRUE(RunInParts(work_, clock_));
      EXPECT_EQ(num_done_, count);
      EXPECT_LE(
          *std::ranges::max_element(parts_) - *std::ranges::min_element(parts_),
          1u);
    }
  }
}

TEST_F(PartsTest, NothingToDoIsDone) {
  Start(0, 1);
  EXPECT_TRUE(RunInParts(work_, clock_));
  EXPECT_THAT(parts_, IsEmpty());
}

TEST_F(PartsTest, ALongRunFindsTheFasterParts) {
  Start(100'000, 20);
  ASSERT_TRUE(RunInParts(work_, clock_));
  ASSERT_FALSE(reasons_.empty());
  EXPECT_THAT(reasons_[0], HasSubstr("batch 20 -> 40: a trial"));
  // The best is all at once: 1001 s. From parts of 20, 6000 s.
  EXPECT_LT(clock_.now, std::chrono::seconds(1101));
}

TEST_F(PartsTest, AnIntervalIsSoManyOperationsWhateverTheParts) {
  Start(1000, 1);
  int num_asked = 0;
  work_.read_pressure = [&] {
    ++num_asked;
    EXPECT_EQ(num_done_ % 50, 0u);
    return pressure_;
  };
  work_.bounds.most.batch_size = 1;
  work_.interval = 50;
  ASSERT_TRUE(RunInParts(work_, clock_));
  EXPECT_EQ(num_asked, 19);  // not after the last
}

TEST_F(PartsTest, MemoryThatOthersTakeIsGivenBackWithTheNextPart) {
  Start(400, 40);
  work_.read_pressure = [this]() -> memory::Pressure {
    if (num_done_ >= 80) pressure_.available_bytes = 500;
    return pressure_;
  };
  ASSERT_TRUE(RunInParts(work_, clock_));
  ASSERT_GE(parts_.size(), 4u);
  EXPECT_EQ(memory_[1], 1000u);
  EXPECT_EQ(memory_[2], 450u);
  EXPECT_LT(parts_[2], 20u);
  EXPECT_EQ(num_done_, 400u);
  ASSERT_EQ(reasons_.size(), 1u);
  EXPECT_THAT(reasons_[0], HasSubstr("others want memory"));
}

TEST_F(PartsTest, AnErrorOfAPartOrOfTheLogEndsTheRun) {
  Start(1000, 20);
  work_.on_change = [](const sched::Decision&) -> Status {
    return base::MakeError(ErrorCode::kUnavailable, "disk full");
  };
  pressure_.memory_stall_percent = 50;
  EXPECT_EQ(RunInParts(work_, clock_).error().message, "disk full");
  EXPECT_EQ(num_done_, 20u);
  work_.run_part = [](size_t, size_t,
                      const sched::Setting&) -> Result<int64_t> {
    return base::MakeError(ErrorCode::kCancelled, "stopped");
  };
  EXPECT_EQ(RunInParts(work_, clock_).error().code, ErrorCode::kCancelled);
}

engine::RunPlan PlanOf(int32_t num_groups, double seconds,
                       uint64_t pinned_bytes) {
  engine::RunPlan plan;
  plan.num_groups = num_groups;
  plan.seconds = seconds;
  plan.use.pinned_bytes = pinned_bytes;
  plan.use.kv_bytes = 1000;
  plan.read_bytes_per_second = 1e9;
  return plan;
}

TEST(StartFromPlanTest, BeginsWithTheGroupsOfThePlan) {
  AdaptiveWork work;
  work.num_operations = 100;
  const engine::RunPlan plan = PlanOf(3, 30, 0);
  StartFromPlan(plan, 600, 2, work);
  const uint64_t whole_bytes = plan.use.peak_bytes();
  EXPECT_EQ(work.start, (sched::Setting{34, 2, 1, whole_bytes}));
  EXPECT_EQ(work.bounds.most, (sched::Setting{100, 2, 1, whole_bytes}));
  EXPECT_EQ(work.bounds.least, (sched::Setting{1, 1, 1, 600}));
}

TEST(StartFromPlanTest, PartsAreLargeEnoughForWeightsToBeReadAgain) {
  AdaptiveWork work;
  work.num_operations = 1000;
  // Groups of 10 take a second, the weights that stay half a second to read:
  // 25 groups, of whose time that is a fiftieth.
  StartFromPlan(PlanOf(100, 100, 500'000'000), 600, 2, work);
  EXPECT_EQ(work.start.batch_size, 250);
  // All of it, when everything is small.
  StartFromPlan(PlanOf(10, 0.1, 500'000'000), 600, 2, work);
  EXPECT_EQ(work.start.batch_size, 1000);
}

TEST(StartFromPlanTest, AnOddPlanGivesASettingAllTheSame) {
  AdaptiveWork work;
  work.num_operations = 1;
  StartFromPlan({}, 600, 1, work);
  EXPECT_EQ(work.start.batch_size, 1);
  EXPECT_GE(work.start.memory_bytes, 1u);
  EXPECT_LE(work.bounds.least.memory_bytes, work.start.memory_bytes);
}

TEST(HoldBackTest, TheBudgetIsLeftWhatTheSettingSays) {
  memory::Budget budget(5000);
  sched::Setting setting = {.memory_bytes = 2000};
  {
    const auto held = HoldBack(budget, setting, 3000);
    ASSERT_TRUE(held);
    EXPECT_EQ(budget.left_bytes(), 2000u);
  }
  setting.memory_bytes = 3000;  // all that was needed: nothing is held back
  const auto held = HoldBack(budget, setting, 3000);
  ASSERT_TRUE(held);
  EXPECT_EQ(budget.left_bytes(), 5000u);
}

}  // namespace
}  // namespace revlm::run
