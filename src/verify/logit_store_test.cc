#include "verify/logit_store.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/random.h"

namespace revlm::verify {
namespace {

std::vector<float> DrawRows(int64_t positions, int64_t row_floats,
                            uint64_t seed) {
  std::vector<float> rows;
  for (int64_t i = 0; i < positions * row_floats; ++i) {
    rows.push_back(static_cast<float>(
        base::UniformDouble(seed, static_cast<uint64_t>(i))));
  }
  return rows;
}

// A directory on a disk, where this machine has one for tests, and one that is
// in memory or does not exist.
std::vector<std::string> Directories() {
  return {std::filesystem::current_path().string(), "/dev/shm", "/nowhere"};
}

TEST(LogitStoreTest, GivesBackWhatWasPut) {
  for (const std::string& directory : Directories()) {
    // Rows of a few bytes, of a page and of more than a piece.
    for (const int64_t row_floats : {3, 1024, 400'000}) {
      const std::vector<int64_t> positions = {5, 0, 1, 7};
      memory::Budget budget(uint64_t{1} << 30);
      auto store = LogitStore::Create(directory, positions, row_floats, budget);
      ASSERT_TRUE(store) << store.error().message;
      for (size_t i = 0; i < positions.size(); ++i) {
        ASSERT_TRUE(store->Put(i, DrawRows(positions[i], row_floats, i)));
      }
      for (size_t i = positions.size(); i-- > 0;) {
        const auto expected = DrawRows(positions[i], row_floats, i);
        for (int64_t at = 0; at < positions[i]; ++at) {
          const auto row = store->Row(i, at);
          ASSERT_TRUE(row) << row.error().message;
          ASSERT_EQ(row->size(), static_cast<size_t>(row_floats));
          ASSERT_TRUE(std::equal(row->begin(), row->end(),
                                 expected.begin() + at * row_floats))
              << directory << " " << row_floats << " " << i << " " << at;
        }
      }
    }
  }
}

TEST(LogitStoreTest, HoldsWhatItSaysAndGivesItBack) {
  const std::vector<int64_t> positions = {100};
  for (const std::string& directory : Directories()) {
    memory::Budget budget(uint64_t{1} << 30);
    {
      auto store = LogitStore::Create(directory, positions, 50'000, budget);
      ASSERT_TRUE(store);
      const uint64_t all_bytes = 100 * 50'000 * sizeof(float);
      const bool has_disk = base::ScratchFile::IsOnDisk(directory);
      EXPECT_EQ(budget.reserved_bytes() >= all_bytes, !has_disk) << directory;
    }
    EXPECT_EQ(budget.reserved_bytes(), 0u);
  }
}

TEST(LogitStoreTest, RefusesWhatDoesNotFit) {
  memory::Budget budget(1 << 20);
  const std::vector<int64_t> positions = {100};
  const auto store = LogitStore::Create("/nowhere", positions, 50'000, budget);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::kBudgetExceeded);

  const std::vector<int64_t> absurd(3, int64_t{1} << 48);
  const auto beyond = LogitStore::Create("/nowhere", absurd, 1 << 20, budget);
  ASSERT_FALSE(beyond);
  EXPECT_EQ(beyond.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(budget.reserved_bytes(), 0u);
}

}  // namespace
}  // namespace revlm::verify
