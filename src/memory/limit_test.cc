#include "memory/limit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace revlm::memory {
namespace {

constexpr uint64_t kGiB = uint64_t{1} << 30;

TEST(LimitTest, WhatIsAskedIsTakenAsItIs) {
  const MachineMemory machine = {.available_bytes = 20 * kGiB,
                                 .machine_bytes = 20 * kGiB};
  for (const uint64_t asked : {uint64_t{1}, 4 * kGiB, 20 * kGiB}) {
    const Limit limit = EffectiveLimit(asked, true, 0, machine).value();
    EXPECT_EQ(limit.limit_bytes, asked);
    EXPECT_FALSE(limit.is_reduced);
    EXPECT_EQ(limit.notice, "");
  }
  // What the process holds already is not missing.
  EXPECT_EQ(EffectiveLimit(21 * kGiB, true, kGiB, machine)->limit_bytes,
            21 * kGiB);
}

TEST(LimitTest, AGroupOfExactlyTheLimitDoesNotReduceIt) {
  const MachineMemory machine = {.group_limit_bytes = kGiB,
                                 .available_bytes = kGiB - (40 << 20),
                                 .machine_bytes = 20 * kGiB};
  EXPECT_EQ(EffectiveLimit(kGiB, true, 30 << 20, machine)->limit_bytes, kGiB);
  const Limit limit =
      EffectiveLimit(kGiB + 1, false, 30 << 20, machine).value();
  EXPECT_TRUE(limit.is_reduced);
  EXPECT_EQ(limit.limit_bytes, (kGiB - (10 << 20)) / 5 * 4);
}

TEST(LimitTest, MoreThanThereIsGivesFourFifthsAndSaysSo) {
  const MachineMemory machine = {.available_bytes = 18 * kGiB,
                                 .machine_bytes = 18 * kGiB};
  const Limit limit = EffectiveLimit(36 * kGiB, false, 0, machine).value();
  EXPECT_EQ(limit.limit_bytes, 18 * kGiB / 5 * 4);
  EXPECT_EQ(limit.notice,
            "memory 36.0 GiB asked, 18.0 GiB available here, using 14.4 GiB "
            "(80 %)");
  const auto refused = EffectiveLimit(36 * kGiB, true, 0, machine);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kBudgetExceeded);
  EXPECT_THAT(refused.error().message, ::testing::HasSubstr("18.0 GiB"));
}

TEST(LimitTest, WhatIsHeldCountsOnceAndNeverBeyondTheGroup) {
  const MachineMemory machine = {.group_limit_bytes = 4 * kGiB,
                                 .available_bytes = 3 * kGiB,
                                 .machine_bytes = 20 * kGiB};
  EXPECT_EQ(EffectiveLimit(8 * kGiB, false, kGiB / 2, machine)->limit_bytes,
            (3 * kGiB + kGiB / 2) / 5 * 4);
  for (const uint64_t held : {2 * kGiB, ~uint64_t{0}}) {
    EXPECT_EQ(EffectiveLimit(8 * kGiB, false, held, machine)->limit_bytes,
              4 * kGiB / 5 * 4);
  }
}

TEST(LimitTest, WhereNothingIsKnownTheUserIs) {
  EXPECT_EQ(EffectiveLimit(99 * kGiB, true, 0, {})->limit_bytes, 99 * kGiB);
}

TEST(LimitTest, TheReserveIsASixteenthUpToTwoGibibytes) {
  EXPECT_EQ(ReserveBytes(160), 10u);
  EXPECT_EQ(ReserveBytes(32 * kGiB), 2 * kGiB);
  EXPECT_EQ(ReserveBytes(500 * kGiB), 2 * kGiB);
  for (uint64_t needed = 1; needed < 40 * kGiB; needed = needed * 3 + 7) {
    const uint64_t limit = LimitFor(needed);
    EXPECT_GE(limit - ReserveBytes(limit), needed);
    EXPECT_LT(limit - 1 - ReserveBytes(limit - 1), needed) << needed;
  }
}

}  // namespace
}  // namespace revlm::memory
