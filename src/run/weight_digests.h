// SHA-256 of every tensor of a checkpoint and their root, and a cache of them
// by the files' path, inode, size and time of modification, so that files that
// did not change are not read again for it.
//
// The cache holds one file for each checkpoint directory,
// `directory`/digests/HEX32.json (docs/formats/run-directory.md). It is a
// convenience: a file that is absent, damaged or of other weights is no entry,
// and one that cannot be written is not.
//
// Threads: thread-compatible; processes may share a cache. Memory: 200 bytes a
// tensor.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "crypto/sha256.h"
#include "formats/checkpoint.h"

namespace revlm::run {

struct WeightDigests {
  std::vector<std::string> tensor_sha256;  // hex, as checkpoint.tensors()
  std::string root;                        // hex (attest/tensor_root.h)
};

// `tensors` in the order of checkpoint.tensors().
Result<WeightDigests> MakeWeightDigests(
    const formats::Checkpoint& checkpoint,
    const std::vector<crypto::Sha256Digest>& tensors);

// tensors-ALIAS.json (docs/formats/run-directory.md).
base::Json TensorsToJson(const formats::Checkpoint& checkpoint,
                         const WeightDigests& digests);

class DigestCache {
 public:
  // `directory` may be empty: nothing is found or kept.
  explicit DigestCache(std::string directory)
      : directory_(std::move(directory)) {}

  std::optional<WeightDigests> Find(
      const formats::Checkpoint& checkpoint) const;
  void Store(const formats::Checkpoint& checkpoint,
             const WeightDigests& digests) const;
  // What a process that is no more left half-written.
  void RemoveTemporaryFilesOf(int64_t pid) const;

 private:
  std::string EntryPath(const formats::Checkpoint& checkpoint) const;

  std::string directory_;
};

}  // namespace revlm::run
