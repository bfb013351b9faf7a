#include "verify/logit_store.h"

#include <algorithm>
#include <cstring>

#include "base/bytes.h"
#include "base/check.h"

namespace revlm::verify {
namespace {

constexpr uint64_t kPieceBytes = uint64_t{1} << 20;
constexpr std::align_val_t kAlignment{base::kMaxDirectAlignment};

}  // namespace

void LogitStore::FreeBuffer::operator()(std::byte* buffer) const {
  ::operator delete(buffer, kAlignment);
}

uint64_t LogitStore::BufferBytes(uint64_t row_bytes) {
  return base::UnalignedReadBytes(std::max(row_bytes, kPieceBytes));
}

Result<LogitStore> LogitStore::Create(const std::string& directory,
                                      std::span<const int64_t> positions,
                                      int64_t row_floats,
                                      memory::Budget& budget) {
  // Not even a sum of such sizes overflows; a disk holds none of them.
  constexpr uint64_t kMostBytes = uint64_t{1} << 50;
  const uint64_t row_bytes = static_cast<uint64_t>(row_floats) * sizeof(float);
  std::vector<uint64_t> offsets = {0};
  for (const int64_t count : positions) {
    const auto bytes =
        base::CheckedMultiply(static_cast<uint64_t>(count), row_bytes);
    if (!bytes || *bytes > kMostBytes || offsets.back() > kMostBytes) {
      return base::MakeError(
          ErrorCode::kUnavailable,
          "keeping logits: {} positions of {} bytes each are "
          "more than any disk holds; ask shorter prompts",
          count, row_bytes);
    }
    offsets.push_back(
        base::AlignUp(offsets.back() + *bytes, base::kMaxDirectAlignment));
  }
  LogitStore store(std::move(offsets), row_bytes);
  const uint64_t size_bytes = store.offsets_.back();
  const bool has_disk =
      size_bytes > 0 && base::ScratchFile::IsOnDisk(directory);
  store.buffer_bytes_ =
      has_disk ? BufferBytes(row_bytes) : std::max<uint64_t>(size_bytes, 1);
  REVLM_ASSIGN_OR_RETURN(
      store.held_, budget.Reserve(store.buffer_bytes_, memory::Use::kResults));
  store.buffer_.reset(
      static_cast<std::byte*>(::operator new(store.buffer_bytes_, kAlignment)));
  if (has_disk) {
    REVLM_ASSIGN_OR_RETURN(base::ScratchFile file,
                           base::ScratchFile::Create(directory, size_bytes));
    store.file_.emplace(std::move(file));
  }
  return store;
}

Status LogitStore::Put(size_t prompt_idx, std::span<const float> logits) {
  const auto bytes = std::as_bytes(logits);
  const uint64_t offset = offsets_[prompt_idx];
  REVLM_CHECK(bytes.size() <= offsets_[prompt_idx + 1] - offset);
  if (!file_) {
    std::ranges::copy(bytes, buffer_.get() + offset);
    return {};
  }
  begin_ = end_ = 0;
  for (size_t done = 0; done < bytes.size(); done += kPieceBytes) {
    const size_t count = std::min<size_t>(bytes.size() - done, kPieceBytes);
    const size_t padded = base::AlignUp(count, base::kMaxDirectAlignment);
    std::memcpy(buffer_.get(), bytes.data() + done, count);
    std::memset(buffer_.get() + count, 0, padded - count);
    REVLM_TRY(file_->WriteAt(offset + done, {buffer_.get(), padded}));
  }
  return {};
}

Result<std::span<const float>> LogitStore::Row(size_t prompt_idx,
                                               int64_t position) {
  const uint64_t offset =
      offsets_[prompt_idx] + static_cast<uint64_t>(position) * row_bytes_;
  REVLM_CHECK(offset + row_bytes_ <= offsets_[prompt_idx + 1]);
  const std::byte* row = buffer_.get() + offset;
  if (file_) {
    if (offset < begin_ || offset + row_bytes_ > end_) {
      const uint64_t left = offsets_[prompt_idx + 1] - offset;
      const uint64_t count = std::min(left, std::max(row_bytes_, kPieceBytes));
      REVLM_ASSIGN_OR_RETURN(
          buffered_, file_->file().ReadUnaligned(
                         offset, count, {buffer_.get(), buffer_bytes_}));
      begin_ = offset;
      end_ = offset + count;
    }
    row = buffered_ + (offset - begin_);
  }
  return std::span(reinterpret_cast<const float*>(row),
                   row_bytes_ / sizeof(float));
}

}  // namespace revlm::verify
