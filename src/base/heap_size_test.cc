#include "base/heap_size.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <cstdlib>

namespace revlm::base {
namespace {

TEST(HeapSizeTest, ABlockTakesNoMoreThanIsSaid) {
  EXPECT_EQ(HeapBlockBytes(0), 0u);
#if !defined(REVLM_SANITIZED)
  for (size_t size = 1; size < 300'000; size += 1 + size / 7) {
    void* const block = std::malloc(size);
    ASSERT_NE(block, nullptr);
    // Beside what can be used of it, a block has a word of a header.
    EXPECT_LE(malloc_usable_size(block) + sizeof(size_t), HeapBlockBytes(size))
        << size;
    std::free(block);
  }
#endif
}

TEST(HeapSizeTest, ContainersTakeWhatTheyHaveRoomFor) {
  EXPECT_EQ(HeapBytes(std::vector<int32_t>()), 0u);
  std::vector<int32_t> numbers;
  numbers.reserve(1000);
  EXPECT_EQ(HeapBytes(numbers), HeapBlockBytes(4000));
  EXPECT_EQ(HeapBytes(std::string("short")), 0u);
  const std::string text(100, 'x');
  EXPECT_GE(HeapBytes(text), 101u);
}

}  // namespace
}  // namespace revlm::base
