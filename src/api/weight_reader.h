// Reads the weight files of a checkpoint once, from their first byte to their
// last, and takes the SHA-256 of each file and of each tensor on the way.
//
// Threads: pure function of the files. Memory: one buffer of 8 MiB. Errors:
// kUnavailable, kCorrupt (a file shrank), kCancelled.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <vector>

#include "base/error.h"
#include "crypto/sha256.h"
#include "formats/checkpoint.h"

namespace revlm {

struct WeightHashes {
  std::vector<crypto::Sha256Digest> files;    // by file index
  std::vector<crypto::Sha256Digest> tensors;  // as checkpoint.tensors()
};

struct WeightProgress {
  uint64_t read_bytes = 0;
  uint64_t total_bytes = 0;
  uint32_t num_files = 0;  // read to their end
};

Result<WeightHashes> ReadWeightHashes(
    const formats::Checkpoint& checkpoint, const std::stop_token& stop,
    const std::function<void(const WeightProgress&)>& on_progress);

}  // namespace revlm
