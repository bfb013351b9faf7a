// What containers take of the heap, from what they hold: an upper bound that is
// the same whenever the same calls made them, unlike what malloc reports.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace revlm::base {

// A block that `size_bytes` were asked for: glibc adds a header, rounds up and
// leaves no rest too small to use; a block that it maps singly takes pages.
constexpr uint64_t HeapBlockBytes(uint64_t size_bytes) {
  constexpr uint64_t kMappedSingly = 64 << 10;  // at the earliest
  if (size_bytes == 0) return 0;
  return size_bytes + (size_bytes < kMappedSingly ? 40 : 4096 + 16);
}

// Of the elements themselves; what they own is the caller's to add.
template <typename T>
uint64_t HeapBytes(const std::vector<T>& vector) {
  return HeapBlockBytes(vector.capacity() * sizeof(T));
}

inline uint64_t HeapBytes(const std::string& text) {
  constexpr uint64_t kInside = 15;  // characters that need no block
  return text.capacity() <= kInside ? 0 : HeapBlockBytes(text.capacity() + 1);
}

}  // namespace revlm::base
