#include "formats/dtype.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/check.h"

namespace revlm::formats {
namespace {

struct Row {
  DType dtype;
  std::string_view name;
  uint32_t bits;
};

// By code, so that code c is row c - 1.
constexpr std::array kRows = {
    Row{DType::kF64, "F64", 64},       Row{DType::kF32, "F32", 32},
    Row{DType::kF16, "F16", 16},       Row{DType::kBf16, "BF16", 16},
    Row{DType::kF8E4M3, "F8_E4M3", 8}, Row{DType::kF8E5M2, "F8_E5M2", 8},
    Row{DType::kF8E8M0, "F8_E8M0", 8}, Row{DType::kF6E2M3, "F6_E2M3", 6},
    Row{DType::kF6E3M2, "F6_E3M2", 6}, Row{DType::kF4, "F4", 4},
    Row{DType::kI64, "I64", 64},       Row{DType::kI32, "I32", 32},
    Row{DType::kI16, "I16", 16},       Row{DType::kI8, "I8", 8},
    Row{DType::kU64, "U64", 64},       Row{DType::kU32, "U32", 32},
    Row{DType::kU16, "U16", 16},       Row{DType::kU8, "U8", 8},
    Row{DType::kBool, "BOOL", 8},
};

const Row& RowOf(DType dtype) {
  const size_t idx = size_t{DTypeCode(dtype)} - 1;
  REVLM_CHECK(idx < kRows.size() && kRows[idx].dtype == dtype);
  return kRows[idx];
}

}  // namespace

std::string_view DTypeName(DType dtype) { return RowOf(dtype).name; }

std::optional<DType> DTypeFromName(std::string_view name) {
  const auto row = std::ranges::find(kRows, name, &Row::name);
  if (row == kRows.end()) return std::nullopt;
  return row->dtype;
}

uint32_t DTypeBits(DType dtype) { return RowOf(dtype).bits; }

std::optional<uint64_t> TensorSizeBytes(DType dtype,
                                        std::span<const uint64_t> shape) {
  uint64_t elements = 1;
  for (const uint64_t dim : shape) {
    const auto product = base::CheckedMultiply(elements, dim);
    if (!product) return std::nullopt;
    elements = *product;
  }
  const auto bits = base::CheckedMultiply(elements, DTypeBits(dtype));
  if (!bits || *bits % 8 != 0) return std::nullopt;
  return *bits / 8;
}

}  // namespace revlm::formats
