#include "api/weight_reader.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <span>

#include "base/file.h"

namespace revlm {
namespace {

constexpr size_t kBufferBytes = size_t{8} << 20;
constexpr std::align_val_t kBufferAlignment{1 << 16};  // enough for O_DIRECT

struct FreeBuffer {
  void operator()(std::byte* buffer) const {
    ::operator delete[](buffer, kBufferAlignment);
  }
};

// The tensors of one file by offset, as indices into checkpoint.tensors().
std::vector<size_t> TensorsByOffset(const formats::Checkpoint& checkpoint,
                                    uint32_t file_idx) {
  std::vector<size_t> order;
  const auto& tensors = checkpoint.tensors();
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (tensors[i].file_idx == file_idx) order.push_back(i);
  }
  // Empty tensors take no bytes: before the one that starts at their place.
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return std::pair(tensors[a].offset_bytes, tensors[a].size_bytes) <
           std::pair(tensors[b].offset_bytes, tensors[b].size_bytes);
  });
  return order;
}

// Takes the bytes of one file in order and finishes each tensor as it ends.
class TensorHasher {
 public:
  TensorHasher(const formats::Checkpoint& checkpoint, uint32_t file_idx,
               std::vector<crypto::Sha256Digest>& digests)
      : tensors_(checkpoint.tensors()),
        order_(TensorsByOffset(checkpoint, file_idx)),
        digests_(digests) {}

  void Update(uint64_t offset, std::span<const std::byte> bytes) {
    const uint64_t end = offset + bytes.size();
    while (next_ < order_.size()) {
      const formats::TensorInfo& tensor = tensors_[order_[next_]];
      const uint64_t tensor_end = tensor.offset_bytes + tensor.size_bytes;
      const uint64_t from = std::max(offset, tensor.offset_bytes);
      const uint64_t to = std::min(end, tensor_end);
      if (from < to) hasher_.Update(bytes.subspan(from - offset, to - from));
      if (tensor_end > end) return;  // goes on in the next bytes
      digests_[order_[next_]] = hasher_.Finish();
      ++next_;
    }
  }

 private:
  const std::vector<formats::TensorInfo>& tensors_;
  const std::vector<size_t> order_;
  std::vector<crypto::Sha256Digest>& digests_;
  crypto::Sha256Hasher hasher_;
  size_t next_ = 0;  // in order_
};

}  // namespace

Result<WeightHashes> ReadWeightHashes(
    const formats::Checkpoint& checkpoint, const std::stop_token& stop,
    const std::function<void(const WeightProgress&)>& on_progress) {
  WeightProgress progress;
  for (uint32_t i = 0; i < checkpoint.num_files(); ++i) {
    progress.total_bytes += checkpoint.file(i).size_bytes();
  }
  const std::unique_ptr<std::byte[], FreeBuffer> buffer(static_cast<std::byte*>(
      ::operator new[](kBufferBytes, kBufferAlignment)));
  WeightHashes hashes;
  hashes.tensors.resize(checkpoint.tensors().size());
  for (uint32_t i = 0; i < checkpoint.num_files(); ++i) {
    const base::File& file = checkpoint.file(i);
    crypto::Sha256Hasher file_hasher;
    TensorHasher tensor_hasher(checkpoint, i, hashes.tensors);
    for (uint64_t offset = 0; offset < file.size_bytes();
         offset += kBufferBytes) {
      if (stop.stop_requested()) {
        return base::MakeError(ErrorCode::kCancelled,
                               "reading {}: stopped on request", file.path());
      }
      REVLM_ASSIGN_OR_RETURN(
          const size_t count,
          file.ReadAt(offset, std::span(buffer.get(), kBufferBytes)));
      const std::span<const std::byte> bytes(buffer.get(), count);
      file_hasher.Update(bytes);
      tensor_hasher.Update(offset, bytes);
      progress.read_bytes += count;
      if (progress.read_bytes < progress.total_bytes) on_progress(progress);
    }
    hashes.files.push_back(file_hasher.Finish());
    progress.num_files = i + 1;
    on_progress(progress);
  }
  return hashes;
}

}  // namespace revlm
