#include "base/bytes.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>

namespace revlm::base {
namespace {

TEST(BytesTest, CheckedArithmeticReportsOverflow) {
  EXPECT_EQ(CheckedAdd(2, 3), 5u);
  EXPECT_EQ(CheckedAdd(UINT64_MAX, 0), UINT64_MAX);
  EXPECT_EQ(CheckedAdd(UINT64_MAX, 1), std::nullopt);
  EXPECT_EQ(CheckedMultiply(uint64_t{1} << 32, (uint64_t{1} << 32) - 1),
            ((uint64_t{1} << 32) - 1) << 32);
  EXPECT_EQ(CheckedMultiply(uint64_t{1} << 32, uint64_t{1} << 32),
            std::nullopt);
}

TEST(BytesTest, LoadsDoNotNeedAlignment) {
  const unsigned char bytes[] = {0xff, 1, 0, 0, 0, 2};
  EXPECT_EQ(LoadUnaligned<uint32_t>(bytes + 1), 1u);
}

TEST(BytesTest, AlignRoundsToMultiples) {
  EXPECT_EQ(AlignUp(0, 512), 0u);
  EXPECT_EQ(AlignUp(513, 512), 1024u);
  EXPECT_EQ(AlignDown(513, 512), 512u);
}

}  // namespace
}  // namespace revlm::base
