#include "formats/dtype.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace revlm::formats {
namespace {

// Codes are in tensor roots that others have stored: this table never changes.
TEST(DTypeTest, CodesNamesAndBitsAreFrozen) {
  const std::vector<std::pair<std::string, uint32_t>> frozen = {
      {"F64", 64},    {"F32", 32},    {"F16", 16},    {"BF16", 16},
      {"F8_E4M3", 8}, {"F8_E5M2", 8}, {"F8_E8M0", 8}, {"F6_E2M3", 6},
      {"F6_E3M2", 6}, {"F4", 4},      {"I64", 64},    {"I32", 32},
      {"I16", 16},    {"I8", 8},      {"U64", 64},    {"U32", 32},
      {"U16", 16},    {"U8", 8},      {"BOOL", 8}};
  for (size_t i = 0; i < frozen.size(); ++i) {
    const auto dtype = DTypeFromName(frozen[i].first);
    ASSERT_TRUE(dtype) << frozen[i].first;
    EXPECT_EQ(DTypeCode(*dtype), i + 1) << frozen[i].first;
    EXPECT_EQ(DTypeName(*dtype), frozen[i].first);
    EXPECT_EQ(DTypeBits(*dtype), frozen[i].second) << frozen[i].first;
  }
}

TEST(DTypeTest, OtherNamesAreNotDTypes) {
  for (const char* name : {"", "f32", "F32 ", "C64", "F8_E4M3FNUZ", "F128"}) {
    EXPECT_FALSE(DTypeFromName(name)) << name;
  }
}

TEST(DTypeTest, SizeIsTheProductInBytes) {
  EXPECT_EQ(TensorSizeBytes(DType::kBf16, std::vector<uint64_t>{3, 5}), 30u);
  EXPECT_EQ(TensorSizeBytes(DType::kF64, {}), 8u);
  EXPECT_EQ(TensorSizeBytes(DType::kF32, std::vector<uint64_t>{7, 0}), 0u);
}

TEST(DTypeTest, SubByteSizesMustBeWholeBytes) {
  EXPECT_EQ(TensorSizeBytes(DType::kF4, std::vector<uint64_t>{2}), 1u);
  EXPECT_FALSE(TensorSizeBytes(DType::kF4, std::vector<uint64_t>{3}));
  EXPECT_EQ(TensorSizeBytes(DType::kF6E2M3, std::vector<uint64_t>{4}), 3u);
  EXPECT_FALSE(TensorSizeBytes(DType::kF6E3M2, std::vector<uint64_t>{2}));
}

TEST(DTypeTest, OverflowAtAnyStepGivesNothing) {
  const uint64_t half = uint64_t{1} << 32;
  EXPECT_FALSE(TensorSizeBytes(DType::kU8, std::vector{half, half}));
  EXPECT_FALSE(
      TensorSizeBytes(DType::kU8, std::vector{half, half, uint64_t{0}}));
  EXPECT_FALSE(TensorSizeBytes(DType::kF64, std::vector{half, half >> 6}));
  EXPECT_EQ(TensorSizeBytes(DType::kU8, std::vector{half, half >> 4}),
            uint64_t{1} << 60);
}

}  // namespace
}  // namespace revlm::formats
