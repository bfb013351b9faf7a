// How keys and values of one layer and one sequence lie in memory: in pages of
// kKvPagePositions positions, each holding its keys and then its values; a
// sequence's pages lie together. (On disk: kv_blocks.h.)
//
// Threads: constants and pure functions.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/file.h"
#include "engine/kernels.h"

namespace revlm::engine {

// Where the keys and values of one layer and sequence are.
struct KvPlace {
  std::byte* memory = nullptr;  // the first position's key
  int64_t position_bytes = 0;   // from a position of a page to the next
  int64_t page_bytes = 0;       // from a page to the next
  int64_t values_bytes = 0;     // from a key to its value

  std::byte* KeyOf(int64_t position) const {
    return memory + position / kKvPagePositions * page_bytes +
           position % kKvPagePositions * position_bytes;
  }
};

struct KvPages {
  int64_t width = 0;  // elements of all key heads of a position
  ElementType type = ElementType::kF32;

  int64_t element_bytes() const { return type == ElementType::kF32 ? 4 : 2; }
  // A position's key and value.
  int64_t cell_bytes() const { return 2 * width * element_bytes(); }
  int64_t page_bytes() const { return kKvPagePositions * cell_bytes(); }

  // One layer of a sequence of up to `positions`; a multiple of what direct
  // reads and writes are aligned to.
  uint64_t SequenceBytes(int64_t positions) const {
    const int64_t pages = (positions + kKvPagePositions - 1) / kKvPagePositions;
    return base::AlignUp(static_cast<uint64_t>(pages * page_bytes()),
                         base::kMaxDirectAlignment);
  }

  // Of a sequence whose pages begin at `memory`.
  KvPlace PlaceAt(std::byte* memory) const {
    return {.memory = memory,
            .position_bytes = cell_bytes() / 2,
            .page_bytes = page_bytes(),
            .values_bytes = page_bytes() / 2};
  }
};

}  // namespace revlm::engine
