#include "memory/arena.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>
#include <limits>
#include <vector>

#include "memory/process_memory.h"

namespace revlm::memory {
namespace {

constexpr uint64_t kMiB = 1 << 20;

TEST(ArenaTest, EveryPageIsPresentFromTheStart) {
  Budget budget(64 * kMiB);
  const std::vector<Region> regions = {{Use::kSlabs, 5 * kMiB + 1},
                                       {Use::kWeights, 0},
                                       {Use::kKeysValues, 3 * kMiB}};
  const auto arena = Arena::Map(budget, regions).value();
  EXPECT_EQ(arena.size_bytes(), 8 * kMiB + 4096);
  EXPECT_EQ(arena.size_bytes(), Arena::MappedBytes(regions));
  EXPECT_EQ(budget.reserved_bytes(), arena.size_bytes());
  EXPECT_EQ(budget.reserved_bytes(Use::kSlabs), 5 * kMiB + 4096);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(arena.region(0).data()) % (2 * kMiB),
            0u);
  std::vector<unsigned char> present(arena.size_bytes() / 4096);
  ASSERT_EQ(mincore(arena.region(0).data(), arena.size_bytes(), present.data()),
            0);
  for (const unsigned char page : present) EXPECT_EQ(page & 1, 1);
#if !defined(__SANITIZE_THREAD__)  // shadows what is written
  // Using it takes nothing more.
  const uint64_t before = ReadProcessMemory().anonymous_bytes;
  for (size_t i = 0; i < regions.size(); ++i) {
    const auto region = arena.region(i);
    EXPECT_EQ(region.size(), regions[i].size_bytes);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(region.data()) % 4096, 0u);
    if (!region.empty()) std::memset(region.data(), 0xa5, region.size());
  }
  EXPECT_LE(ReadProcessMemory().anonymous_bytes, before + kMiB / 4);
#endif
}

TEST(ArenaTest, AllOrNothingAndBackAtTheEnd) {
  Budget budget(4 * kMiB);
  const std::vector<Region> regions = {{Use::kSlabs, 3 * kMiB},
                                       {Use::kScratch, kMiB + 1}};
  EXPECT_FALSE(Arena::Map(budget, regions));
  EXPECT_EQ(budget.reserved_bytes(), 0u);
  {
    auto arena = Arena::Map(budget, {regions.data(), 1}).value();
    Arena moved = std::move(arena);
    EXPECT_EQ(budget.reserved_bytes(), 3 * kMiB);
  }
  EXPECT_EQ(budget.reserved_bytes(), 0u);
}

TEST(ArenaTest, NothingBesideItIsMapped) {
#if defined(REVLM_SANITIZED)
  GTEST_SKIP() << "a sanitizer maps memory of its own";
#endif
  Budget budget(64 * kMiB);
  // A huge page for its odd end would take 2 MiB more.
  const Region region = {Use::kSlabs, 8 * kMiB + 4096};
  const ProcessMemory before = ReadProcessMemory();
  const auto arena = Arena::Map(budget, {&region, 1}).value();
  const ProcessMemory after = ReadProcessMemory();
  EXPECT_LE(after.data_bytes, before.data_bytes + arena.size_bytes() + kMiB);
  EXPECT_LE(after.anonymous_bytes,
            before.anonymous_bytes + arena.size_bytes() + kMiB);
}

TEST(ArenaTest, SizesThatCannotBeRoundedAreErrors) {
  constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();
  Budget budget(kMost);
  for (const uint64_t size_bytes : {kMost, kMost - 4096, kMost - 2 * kMiB}) {
    const std::vector<Region> regions = {{Use::kSlabs, size_bytes}};
    const auto refused = Arena::Map(budget, regions);
    ASSERT_FALSE(refused) << size_bytes;
    EXPECT_EQ(refused.error().code, ErrorCode::kBudgetExceeded);
    EXPECT_EQ(budget.reserved_bytes(), 0u);
  }
  const std::vector<Region> regions = {{Use::kSlabs, kMost},
                                       {Use::kScratch, kMost}};
  EXPECT_EQ(Arena::MappedBytes(regions), kMost);
  EXPECT_FALSE(Arena::Map(budget, regions));
}

TEST(ArenaTest, MoreThanTheSystemHasIsAnError) {
  Budget budget(uint64_t{1} << 62);
  const Region region = {Use::kSlabs, uint64_t{1} << 50};
  const auto refused = Arena::Map(budget, {&region, 1});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kBudgetExceeded);
  EXPECT_EQ(budget.reserved_bytes(), 0u);
}

}  // namespace
}  // namespace revlm::memory
