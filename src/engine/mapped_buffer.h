// Page-aligned memory taken from the system and given back to it, for what is
// large: slabs, keys and values, rows of activations.
//
// Move-only; freed by the destructor. Fresh memory is zero.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/bytes.h"
#include "base/error.h"

namespace revlm::engine {

class MappedBuffer {
 public:
  MappedBuffer() = default;
  MappedBuffer(MappedBuffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_bytes_(std::exchange(other.size_bytes_, 0)) {}
  MappedBuffer& operator=(MappedBuffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_bytes_, other.size_bytes_);
    return *this;
  }
  ~MappedBuffer() {
    if (data_ != nullptr) munmap(data_, size_bytes_);
  }

  // kBudgetExceeded when the system has no room. `purpose` is for the message.
  static Result<MappedBuffer> Allocate(uint64_t size_bytes,
                                       const char* purpose) {
    MappedBuffer buffer;
    if (size_bytes == 0) return buffer;
    const uint64_t mapped_bytes = base::AlignUp(size_bytes, 4096);
    void* data = mmap(nullptr, mapped_bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED) {
      return base::MakeError(ErrorCode::kBudgetExceeded,
                             "allocating {} bytes for {}: the system has no "
                             "memory left; try fewer prompts at once",
                             size_bytes, purpose);
    }
    madvise(data, mapped_bytes, MADV_HUGEPAGE);
    buffer.data_ = data;
    buffer.size_bytes_ = mapped_bytes;
    return buffer;
  }

  uint64_t size_bytes() const { return size_bytes_; }
  std::byte* bytes() const { return static_cast<std::byte*>(data_); }
  template <typename T>
  T* as() const {
    return static_cast<T*>(data_);
  }

 private:
  void* data_ = nullptr;
  uint64_t size_bytes_ = 0;
};

}  // namespace revlm::engine
