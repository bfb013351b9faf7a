#include "memory/budget.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <optional>
#include <thread>
#include <vector>

namespace revlm::memory {
namespace {

TEST(BudgetTest, CountsByUseAndTakesBack) {
  Budget budget(1000);
  auto slabs = budget.Reserve(400, Use::kSlabs).value();
  {
    const auto results = budget.Reserve(500, Use::kResults).value();
    EXPECT_EQ(budget.reserved_bytes(), 900u);
    EXPECT_EQ(budget.reserved_bytes(Use::kSlabs), 400u);
    EXPECT_EQ(budget.reserved_bytes(Use::kResults), 500u);
    EXPECT_EQ(budget.left_bytes(), 100u);
  }
  EXPECT_EQ(budget.reserved_bytes(), 400u);
  Reservation moved = std::move(slabs);
  EXPECT_EQ(budget.reserved_bytes(), 400u);
  EXPECT_EQ(moved.size_bytes(), 400u);
  moved.Release();
  moved.Release();
  EXPECT_EQ(budget.reserved_bytes(), 0u);
  EXPECT_EQ(budget.peak_bytes(), 900u);
}

TEST(BudgetTest, AllOrNothingToTheByte) {
  Budget budget(1000);
  const auto held = budget.Reserve(999, Use::kWeights).value();
  const auto refused = budget.Reserve(2, Use::kActivations);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kBudgetExceeded);
  EXPECT_THAT(refused.error().message,
              ::testing::AllOf(::testing::HasSubstr("activations"),
                               ::testing::HasSubstr("999 of 1000")));
  EXPECT_FALSE(
      budget.Reserve(std::numeric_limits<uint64_t>::max(), Use::kActivations));
  EXPECT_EQ(budget.reserved_bytes(), 999u);
  EXPECT_TRUE(budget.Reserve(1, Use::kActivations));
  EXPECT_TRUE(budget.Reserve(0, Use::kActivations));
}

TEST(BudgetTest, ManyThreadsNeverHoldMoreThanTheLimit) {
  Budget budget(100);
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&budget, t] {
      for (uint64_t i = 0; i < 2000; ++i) {
        const auto a = budget.Reserve(i % 60, Use::kSlabs);
        const auto b =
            budget.Reserve(static_cast<uint64_t>(t) * 9, Use::kScratch);
        if (budget.reserved_bytes() > 100) std::abort();
      }
    });
  }
  threads.clear();
  EXPECT_EQ(budget.reserved_bytes(), 0u);
  EXPECT_LE(budget.peak_bytes(), 100u);
  EXPECT_GT(budget.peak_bytes(), 59u);
}

}  // namespace
}  // namespace revlm::memory
