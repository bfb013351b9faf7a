#include "engine/weight_hasher.h"

#include <algorithm>

namespace revlm::engine {
namespace {

constexpr uint64_t kReadBytes = 1 << 20;

struct alignas(base::kMaxDirectAlignment) Piece {
  std::byte bytes[base::UnalignedReadBytes(kReadBytes)];
};

}  // namespace

void WeightHasher::Observe(std::span<const SlabPart> parts,
                           const SlabView& view) {
  std::lock_guard lock(mutex_);
  for (size_t i = 0; i < parts.size(); ++i) {
    const SlabPart& part = parts[i];
    Progress& progress = progress_[static_cast<size_t>(part.tensor_idx)];
    if (progress.is_done || part.tensor_offset != progress.hashed_bytes) {
      continue;
    }
    if (!progress.hasher) {
      progress.hasher = std::make_unique<crypto::Sha256Hasher>();
    }
    progress.hasher->Update({view.part(i), part.size_bytes});
    progress.hashed_bytes += part.size_bytes;
    const uint64_t size_bytes = checkpoint_.tensor(part.tensor_idx).size_bytes;
    if (progress.hashed_bytes == size_bytes) {
      progress.digest = progress.hasher->Finish();
      progress.hasher.reset();
      progress.is_done = true;
    }
  }
}

Status WeightHasher::HashFromFile(size_t tensor_idx, std::stop_token stop) {
  const formats::TensorInfo& info = checkpoint_.tensors()[tensor_idx];
  const base::File& file = checkpoint_.file(info.file_idx);
  const std::unique_ptr<Piece> buffer = std::make_unique<Piece>();
  crypto::Sha256Hasher hasher;
  for (uint64_t done = 0; done < info.size_bytes; done += kReadBytes) {
    if (stop.stop_requested()) {
      return base::MakeError(ErrorCode::kCancelled, "hashing {}: stopped",
                             file.path());
    }
    const uint64_t count = std::min(kReadBytes, info.size_bytes - done);
    REVLM_ASSIGN_OR_RETURN(
        const std::byte* bytes,
        file.ReadUnaligned(info.offset_bytes + done, count, buffer->bytes));
    hasher.Update({bytes, count});
  }
  progress_[tensor_idx].digest = hasher.Finish();
  progress_[tensor_idx].is_done = true;
  return {};
}

Result<std::vector<crypto::Sha256Digest>> WeightHasher::Finish(
    std::stop_token stop) {
  std::lock_guard lock(mutex_);
  std::vector<crypto::Sha256Digest> digests;
  for (size_t i = 0; i < progress_.size(); ++i) {
    if (!progress_[i].is_done) REVLM_TRY(HashFromFile(i, stop));
    digests.push_back(progress_[i].digest);
  }
  return digests;
}

}  // namespace revlm::engine
