#include "engine/kv_blocks.h"

#include <algorithm>

namespace revlm::engine {
namespace {

// Reading or writing so much takes no longer than asking for it.
constexpr uint64_t kLeastGap = 64 << 10;

uint64_t BlockBytes(const KvPages& pages, int64_t num_columns,
                    int64_t num_rows) {
  return base::AlignUp(
      static_cast<uint64_t>(num_columns * num_rows * pages.cell_bytes()),
      base::kMaxDirectAlignment);
}

// Appends bytes begin .. end - 1 of a block, or lets the last extent reach so
// far.
void AddBytes(const KvBlock& block, uint64_t begin, uint64_t end,
              std::vector<ScratchExtent>& extents) {
  begin = base::AlignDown(begin, base::kMaxDirectAlignment);
  end = base::AlignUp(end, base::kMaxDirectAlignment);
  if (!extents.empty()) {
    ScratchExtent& last = extents.back();
    if (begin <= last.slot_offset + last.size_bytes + kLeastGap) {
      last.size_bytes = std::max(last.size_bytes, end - last.slot_offset);
      return;
    }
  }
  extents.push_back({.file_offset = block.file_offset + begin,
                     .slot_offset = begin,
                     .size_bytes = end - begin});
}

}  // namespace

std::vector<KvBlock> MakeKvBlocks(const GroupShape& group,
                                  std::span<const RequestShape> requests,
                                  const KvPages& pages, uint64_t max_bytes) {
  std::vector<KvBlock> blocks;
  std::vector<size_t> sorted;
  for (const PassShape& pass : group.prompt_passes) {
    sorted.clear();
    for (size_t i = pass.begin - group.begin; i < pass.end - group.begin; ++i) {
      if (requests[i].new_tokens > 0) sorted.push_back(i);
    }
    std::ranges::stable_sort(sorted, std::ranges::greater(), [&](size_t i) {
      return requests[i].prompt_tokens;
    });
    bool is_open = false;  // the last block, for further sequences
    int64_t new_tokens = 0;
    for (const size_t i : sorted) {
      const RequestShape& request = requests[i];
      new_tokens = std::max(new_tokens, request.new_tokens);
      if (!is_open ||
          BlockBytes(pages, blocks.back().num_columns() + 1,
                     blocks.back().prompt_rows + new_tokens) > max_bytes) {
        blocks.push_back({.prompt_rows = request.prompt_tokens});
        new_tokens = request.new_tokens;
        is_open = true;
      }
      blocks.back().requests.push_back(i);
      blocks.back().num_rows = blocks.back().prompt_rows + new_tokens;
    }
  }
  uint64_t offset = 0;
  for (KvBlock& block : blocks) {
    block.file_offset = offset;
    block.size_bytes = BlockBytes(pages, block.num_columns(), block.num_rows);
    offset += block.size_bytes;
  }
  return blocks;
}

uint64_t LayerBytes(std::span<const KvBlock> blocks) {
  return blocks.empty() ? 0
                        : blocks.back().file_offset + blocks.back().size_bytes;
}

KvPlace PlaceInBlock(const KvBlock& block, const KvPages& pages, int64_t column,
                     int64_t prompt_tokens, std::byte* memory) {
  const int64_t row_bytes = block.num_columns() * pages.cell_bytes();
  return {.memory = memory + block.RowOf(0, prompt_tokens) * row_bytes +
                    column * pages.cell_bytes(),
          .position_bytes = row_bytes,
          .page_bytes = kKvPagePositions * row_bytes,
          .values_bytes = pages.cell_bytes() / 2};
}

std::vector<ScratchExtent> ExtentsOf(const KvBlock& block, const KvPages& pages,
                                     std::span<const KvCells> cells) {
  std::vector<ScratchExtent> extents;
  const int64_t row_bytes = block.num_columns() * pages.cell_bytes();
  for (int64_t row = 0; row < block.num_rows; ++row) {
    for (const KvCells& column : cells) {
      if (row < column.begin || row >= column.end) continue;
      const uint64_t begin = static_cast<uint64_t>(
          row * row_bytes + column.column * pages.cell_bytes());
      AddBytes(block, begin, begin + static_cast<uint64_t>(pages.cell_bytes()),
               extents);
    }
  }
  return extents;
}

}  // namespace revlm::engine
