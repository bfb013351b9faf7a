// How keys and values of one layer and one sequence lie in memory and on disk:
// in pages of kKvPagePositions positions, each holding its keys and then its
// values; a sequence's pages lie together.
//
// Threads: constants and pure functions.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/file.h"
#include "engine/kernels.h"

namespace revlm::engine {

struct KvPages {
  int64_t width = 0;  // elements of all key heads of a position
  ElementType type = ElementType::kF32;

  int64_t element_bytes() const { return type == ElementType::kF32 ? 4 : 2; }
  // From a page's keys to its values.
  int64_t values_bytes() const {
    return kKvPagePositions * width * element_bytes();
  }
  int64_t page_bytes() const { return 2 * values_bytes(); }

  // One layer of a sequence of up to `positions`; a multiple of what direct
  // reads and writes are aligned to.
  uint64_t SequenceBytes(int64_t positions) const {
    const int64_t pages = (positions + kKvPagePositions - 1) / kKvPagePositions;
    return base::AlignUp(static_cast<uint64_t>(pages * page_bytes()),
                         base::kMaxDirectAlignment);
  }

  // Where the key of a position begins; its value, values_bytes() further.
  uint64_t PositionBytes(int64_t position) const {
    return static_cast<uint64_t>(position / kKvPagePositions * page_bytes() +
                                 position % kKvPagePositions * width *
                                     element_bytes());
  }
};

}  // namespace revlm::engine
