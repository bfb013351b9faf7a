// `model.safetensors.index.json`: which shard holds each tensor.
//
//   { "metadata": anything, "weight_map": { tensor name: shard name, ... } }
//
// A shard name is one path component of [A-Za-z0-9._-]{1,255}, not "." or "..".
// At most 1,000,000 tensors in 4,096 shards. Other keys are allowed and
// ignored.
//
// Threads: pure functions. Memory: about 5 times the text at most; it is read
// as events. Errors: kCorrupt.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "formats/safetensors.h"

namespace revlm::formats {

inline constexpr size_t kMaxShards = 4096;
inline constexpr uint64_t kMaxIndexBytes = uint64_t{128} << 20;

struct SafetensorsIndex {
  struct Entry {
    std::string tensor;
    uint32_t shard_idx = 0;
  };
  std::vector<std::string> shards;  // in byte order
  std::vector<Entry> entries;       // in byte order of tensor
};

Result<SafetensorsIndex> ParseSafetensorsIndex(std::string_view text,
                                               const std::string& source);

// Checks that `index` and the shards say the same: `tensors`, sorted by name
// with file_idx the position in index.shards, must be exactly the index's
// entries.
Status CheckIndexAgainstShards(const SafetensorsIndex& index,
                               std::span<const TensorInfo> tensors,
                               const std::string& source);

}  // namespace revlm::formats
