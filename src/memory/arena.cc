#include "memory/arena.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

#include "base/bytes.h"
#include "memory/populate.h"

namespace revlm::memory {
namespace {

constexpr uint64_t kHugePageBytes = 2 << 20;
constexpr uint64_t kMaxBytes = std::numeric_limits<uint64_t>::max();

// What a region takes of the mapping. More than can be rounded cannot be mapped
// either.
uint64_t RoundUp(uint64_t size_bytes) {
  return base::AlignUp(std::min(size_bytes, kMaxBytes - kPageBytes),
                       kPageBytes);
}

std::unexpected<Error> Refusal(uint64_t size_bytes) {
  return base::MakeError(ErrorCode::kBudgetExceeded,
                         "mapping {} bytes: the system says \"{}\"; allow less "
                         "memory",
                         size_bytes, std::strerror(errno));
}

// `size_bytes` of address space from a multiple of a huge page on.
std::byte* MapAligned(uint64_t size_bytes) {
  if (size_bytes > kMaxBytes - kHugePageBytes) {
    errno = ENOMEM;
    return nullptr;
  }
  const uint64_t mapped_bytes = size_bytes + kHugePageBytes;
  void* mapping = mmap(nullptr, mapped_bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED) return nullptr;
  std::byte* begin = static_cast<std::byte*>(mapping);
  const uint64_t skipped =
      base::AlignUp(reinterpret_cast<uintptr_t>(begin), kHugePageBytes) -
      reinterpret_cast<uintptr_t>(begin);
  if (skipped > 0) munmap(begin, skipped);
  const uint64_t surplus = kHugePageBytes - skipped;
  if (surplus > 0) munmap(begin + skipped + size_bytes, surplus);
  return begin + skipped;
}

}  // namespace

uint64_t Arena::MappedBytes(std::span<const Region> regions) {
  uint64_t bytes = 0;
  for (const Region& region : regions) {
    const uint64_t region_bytes = RoundUp(region.size_bytes);
    bytes += std::min(region_bytes, kMaxBytes - bytes);
  }
  return bytes;
}

Result<Arena> Arena::Map(Budget& budget, std::span<const Region> regions) {
  Arena arena;
  for (const Region& region : regions) {
    REVLM_ASSIGN_OR_RETURN(
        arena.reservations_.emplace_back(),
        budget.Reserve(RoundUp(region.size_bytes), region.use));
  }
  const uint64_t size_bytes = MappedBytes(regions);
  if (size_bytes > 0) {
    arena.data_ = MapAligned(size_bytes);
    if (arena.data_ == nullptr) return Refusal(size_bytes);
    arena.size_bytes_ = size_bytes;
    if (size_bytes >= kHugePageBytes) {
      madvise(arena.data_, size_bytes, MADV_HUGEPAGE);
    }
    if (!PopulatePages(arena.data_, size_bytes, Access::kWrite)) {
      return Refusal(size_bytes);
    }
  }
  std::byte* next = arena.data_;
  for (const Region& region : regions) {
    arena.regions_.emplace_back(next, region.size_bytes);
    next += RoundUp(region.size_bytes);
  }
  return arena;
}

Arena::~Arena() {
  if (data_ != nullptr) munmap(data_, size_bytes_);
}

}  // namespace revlm::memory
