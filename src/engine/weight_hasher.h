// SHA-256 of each tensor, taken from slabs as they pass by.
//
// A tensor that comes in several parts is hashed as they come; a part that does
// not follow the last one is passed over, and what was not seen whole is read
// by `Finish`.
//
// Threads: Observe is called by one thread at a time; Finish after the last
// Observe. Memory: one hasher per tensor under way. Errors: those of
// base::File.
#pragma once

#include <cstdint>
#include <mutex>
#include <stop_token>
#include <vector>

#include "base/error.h"
#include "crypto/sha256.h"
#include "engine/slab_stream.h"
#include "formats/checkpoint.h"

namespace revlm::engine {

class WeightHasher {
 public:
  explicit WeightHasher(const formats::Checkpoint& checkpoint)
      : checkpoint_(checkpoint), progress_(checkpoint.tensors().size()) {}

  void Observe(std::span<const SlabPart> parts, const SlabView& view);

  // Reads what was not seen. In the order of checkpoint.tensors().
  Result<std::vector<crypto::Sha256Digest>> Finish(std::stop_token stop);

 private:
  struct Progress {
    std::unique_ptr<crypto::Sha256Hasher> hasher;  // while under way
    uint64_t hashed_bytes = 0;
    bool is_done = false;
    crypto::Sha256Digest digest = {};
  };

  Status HashFromFile(size_t tensor_idx, std::stop_token stop);

  const formats::Checkpoint& checkpoint_;
  std::mutex mutex_;
  std::vector<Progress> progress_;  // guarded by mutex_; by tensor
};

}  // namespace revlm::engine
