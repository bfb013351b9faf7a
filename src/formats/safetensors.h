// The header of a safetensors file: which tensors it holds and where.
//
//   file     = u64le(length) header data
//   header   = JSON object of `length` bytes, first byte '{', spaces at its end
//   object   = { "__metadata__": { string: string, ... },   (optional)
//                name: { "dtype": D, "shape": [n, ...],
//                        "data_offsets": [begin, end] }, ... }
//   n        = integer from 0 to 2^63 - 1, as are begin and end
//   D        = a name of formats/dtype.h
//   data     = the tensors' bytes; `begin` and `end` count from its start
//
// A file is refused (kCorrupt) unless: length <= 100,000,000 and <= file - 8;
// the JSON is strict, without repeated or unknown keys, nested at most 4 deep;
// metadata takes at most 16 MiB, each entry counted as its bytes + 64; there
// are at most 1,000,000 tensors of rank at most 16; end - begin is the size
// that shape and dtype say, computed without overflow and in whole bytes; and
// the tensors, by offset, fill the data from its first to its last byte without
// hole or overlap. Empty tensors are allowed. A dtype not in the table is
// kUnsupported.
//
// Threads: pure functions. Memory: at most 12 times the header, and never more
// than that for any content: the JSON is read as events into these records, not
// into a document. Errors: kCorrupt, kUnsupported, and what reading gives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "formats/dtype.h"

namespace revlm::formats {

inline constexpr uint64_t kMaxSafetensorsHeaderBytes = 100'000'000;
inline constexpr uint64_t kMaxMetadataBytes = uint64_t{16} << 20;
inline constexpr uint64_t kMetadataEntryBytes = 64;
inline constexpr size_t kMaxTensors = 1'000'000;
inline constexpr size_t kMaxRank = 16;

struct TensorInfo {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<uint64_t> shape;
  uint32_t file_idx = 0;      // which file of the checkpoint
  uint64_t offset_bytes = 0;  // from the start of that file
  uint64_t size_bytes = 0;

  bool operator==(const TensorInfo&) const = default;
};

// Key and value, in byte order of key.
using SafetensorsMetadata = std::vector<std::pair<std::string, std::string>>;

struct SafetensorsHeader {
  std::vector<TensorInfo> tensors;  // in byte order of name; file_idx 0
  SafetensorsMetadata metadata;
  uint64_t data_begin = 0;  // where the data starts in the file
};

// `prefix` is the start of a file of `file_size_bytes`, at least its length
// field and header; `source` names the file in errors.
Result<SafetensorsHeader> ParseSafetensorsHeader(
    std::span<const std::byte> prefix, uint64_t file_size_bytes,
    const std::string& source);

// Reads the header of `file`, which was opened with Caching::kPageCache.
Result<SafetensorsHeader> ReadSafetensorsHeader(const base::File& file);

}  // namespace revlm::formats
