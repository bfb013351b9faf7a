#include "engine/kv_blocks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <vector>

#include "base/random.h"

namespace revlm::engine {
namespace {

// Two models' cells: of a few bytes, and of a whole sector.
constexpr KvPages kSmall = {.width = 8, .type = ElementType::kBf16};
constexpr KvPages kLarge = {.width = 1024, .type = ElementType::kBf16};

RequestShape Shape(int64_t prompt_tokens, int64_t new_tokens) {
  return {.prompt_tokens = prompt_tokens, .new_tokens = new_tokens};
}

GroupShape OnePass(const std::vector<RequestShape>& requests) {
  return MakeGroups(requests,
                    {.max_rows = 1 << 20, .result_bytes = 1, .spills = true},
                    kLarge, 1)
      .front();
}

std::vector<RequestShape> RandomRequests(uint64_t seed) {
  std::vector<RequestShape> requests;
  for (uint64_t i = 0; i < 1 + seed % 30; ++i) {
    requests.push_back(
        Shape(1 + static_cast<int64_t>(base::RandomBits(seed, 2 * i) % 60),
              static_cast<int64_t>(base::RandomBits(seed, 2 * i + 1) % 20)));
  }
  return requests;
}

// Nothing is read or written: blocks are as long as this, or shorter.
std::byte* Memory() {
  static std::vector<std::byte> memory(7 * 400'000);
  return memory.data();
}

uint64_t OffsetOf(const KvPlace& place, int64_t position) {
  return static_cast<uint64_t>(place.KeyOf(position) - Memory());
}

TEST(KvBlocksTest, EveryPositionOfASequenceHasACellOfItsOwn) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(seed);
    const std::vector<RequestShape> requests = RandomRequests(seed);
    for (const KvPages& pages : {kSmall, kLarge}) {
      const uint64_t max_bytes = (seed % 7 + 1) * 400'000;
      const std::vector<KvBlock> blocks =
          MakeKvBlocks(OnePass(requests), requests, pages, max_bytes);
      std::set<size_t> seen;
      uint64_t next_offset = 0;
      for (const KvBlock& block : blocks) {
        EXPECT_EQ(block.file_offset, next_offset);
        next_offset += block.size_bytes;
        EXPECT_EQ(block.size_bytes % base::kMaxDirectAlignment, 0u);
        EXPECT_LE(block.size_bytes, max_bytes);
        std::set<uint64_t> cells;
        for (size_t column = 0; column < block.requests.size(); ++column) {
          const RequestShape& request = requests[block.requests[column]];
          EXPECT_TRUE(seen.insert(block.requests[column]).second);
          const KvPlace place =
              PlaceInBlock(block, pages, static_cast<int64_t>(column),
                           request.prompt_tokens, Memory());
          EXPECT_EQ(2 * place.values_bytes, pages.cell_bytes());
          for (int64_t p = 0; p < request.max_length(); ++p) {
            const uint64_t offset = OffsetOf(place, p);
            EXPECT_EQ(offset % static_cast<uint64_t>(pages.cell_bytes()), 0u);
            EXPECT_LE(offset + static_cast<uint64_t>(pages.cell_bytes()),
                      block.size_bytes);
            EXPECT_TRUE(cells.insert(offset).second);
          }
        }
      }
      EXPECT_EQ(LayerBytes(blocks), next_offset);
      for (size_t i = 0; i < requests.size(); ++i) {
        EXPECT_EQ(seen.contains(i), requests[i].new_tokens > 0);
      }
    }
  }
}

TEST(KvBlocksTest, WhatAPassAddsIsOneStretchHoweverLongThePromptsAre) {
  const std::vector<RequestShape> requests = {Shape(5, 9), Shape(40, 9),
                                              Shape(17, 9), Shape(39, 9)};
  const std::vector<KvBlock> blocks =
      MakeKvBlocks(OnePass(requests), requests, kLarge, 4 << 20);
  ASSERT_EQ(blocks.size(), 1u);
  const KvBlock& block = blocks.front();
  EXPECT_EQ(block.requests, (std::vector<size_t>{1, 3, 2, 0}));
  for (int64_t pass = 0; pass < 8; ++pass) {
    std::vector<KvCells> added;
    for (size_t i = 0; i < block.requests.size(); ++i) {
      const int64_t prompt = requests[block.requests[i]].prompt_tokens;
      const int64_t row = block.RowOf(prompt + pass, prompt);
      added.push_back({static_cast<int64_t>(i), row, row + 1});
    }
    const auto extents = ExtentsOf(block, kLarge, added);
    ASSERT_EQ(extents.size(), 1u);
    EXPECT_EQ(extents[0].size_bytes, 4u * 4096);
    EXPECT_EQ(extents[0].slot_offset,
              static_cast<uint64_t>(40 + pass) * 4 * 4096);
  }
}

TEST(KvBlocksTest, ExtentsHoldTheCellsAndSkipWhatIsFarBetween) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    const std::vector<RequestShape> requests = RandomRequests(seed);
    for (const KvPages& pages : {kSmall, kLarge}) {
      for (const KvBlock& block :
           MakeKvBlocks(OnePass(requests), requests, pages, 2'000'000)) {
        std::vector<KvCells> cells;
        for (int64_t i = 0; i < block.num_columns(); ++i) {
          const uint64_t bits =
              base::RandomBits(seed, static_cast<uint64_t>(i));
          const int64_t begin = static_cast<int64_t>(
              bits % static_cast<uint64_t>(block.num_rows));
          const int64_t end = std::min(
              block.num_rows, begin + static_cast<int64_t>(bits >> 32) % 6);
          if (bits % 3 != 0) cells.push_back({i, begin, end});
        }
        const auto extents = ExtentsOf(block, pages, cells);
        uint64_t end = 0;
        for (const ScratchExtent& extent : extents) {
          EXPECT_EQ(extent.slot_offset % base::kMaxDirectAlignment, 0u);
          EXPECT_EQ(extent.size_bytes % base::kMaxDirectAlignment, 0u);
          EXPECT_EQ(extent.file_offset, block.file_offset + extent.slot_offset);
          if (end > 0) {
            EXPECT_GT(extent.slot_offset, end + (64 << 10));
          }
          end = extent.slot_offset + extent.size_bytes;
          EXPECT_LE(end, block.size_bytes);
        }
        const int64_t row_bytes = block.num_columns() * pages.cell_bytes();
        for (const KvCells& column : cells) {
          for (int64_t row = column.begin; row < column.end; ++row) {
            const auto first = static_cast<uint64_t>(
                row * row_bytes + column.column * pages.cell_bytes());
            const auto last = first + static_cast<uint64_t>(pages.cell_bytes());
            EXPECT_TRUE(std::ranges::any_of(extents, [&](const auto& extent) {
              return extent.slot_offset <= first &&
                     last <= extent.slot_offset + extent.size_bytes;
            }));
          }
        }
      }
    }
  }
}

TEST(KvBlocksTest, SequencesOfDifferentPassesShareNoBlock) {
  const std::vector<RequestShape> requests(10, Shape(20, 4));
  const auto groups = MakeGroups(
      requests, {.max_rows = 60, .result_bytes = 1, .spills = true}, kLarge, 1);
  ASSERT_EQ(groups.size(), 1u);
  ASSERT_EQ(groups[0].prompt_passes.size(), 4u);
  const std::vector<KvBlock> blocks =
      MakeKvBlocks(groups[0], requests, kLarge, 32 << 20);
  ASSERT_EQ(blocks.size(), 4u);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(blocks[i].requests.front(), 3 * i);
    EXPECT_EQ(blocks[i].num_columns(), i < 3 ? 3 : 1);
  }
}

}  // namespace
}  // namespace revlm::engine
