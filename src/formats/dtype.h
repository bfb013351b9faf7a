// Number formats of tensors.
//
// The code of each is part of the tensor root (attest/tensor_root.h) and of
// files we write: codes are FROZEN, never changed and never used again.
//
//   code  name      bits     code  name  bits
//      1  F64         64       11  I64     64
//      2  F32         32       12  I32     32
//      3  F16         16       13  I16     16
//      4  BF16        16       14  I8       8
//      5  F8_E4M3      8       15  U64     64
//      6  F8_E5M2      8       16  U32     32
//      7  F8_E8M0      8       17  U16     16
//      8  F6_E2M3      6       18  U8       8
//      9  F6_E3M2      6       19  BOOL     8
//     10  F4           4
//
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace revlm::formats {

enum class DType : uint8_t {
  kF64 = 1,
  kF32 = 2,
  kF16 = 3,
  kBf16 = 4,
  kF8E4M3 = 5,
  kF8E5M2 = 6,
  kF8E8M0 = 7,
  kF6E2M3 = 8,
  kF6E3M2 = 9,
  kF4 = 10,
  kI64 = 11,
  kI32 = 12,
  kI16 = 13,
  kI8 = 14,
  kU64 = 15,
  kU32 = 16,
  kU16 = 17,
  kU8 = 18,
  kBool = 19,
};

// The spelling of safetensors, "BF16".
std::string_view DTypeName(DType dtype);
std::optional<DType> DTypeFromName(std::string_view name);

uint32_t DTypeBits(DType dtype);
constexpr uint8_t DTypeCode(DType dtype) { return static_cast<uint8_t>(dtype); }

// The bytes a tensor takes; nothing when the product of the dimensions times
// the bits leaves 64 bits at any step, or is not whole bytes.
std::optional<uint64_t> TensorSizeBytes(DType dtype,
                                        std::span<const uint64_t> shape);

}  // namespace revlm::formats
