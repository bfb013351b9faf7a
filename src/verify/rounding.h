// How common tools round the weights of a linear map to a few bits, and which
// weights come back when they are read.
//
// The weights that one output takes from its inputs are cut into groups of
// consecutive inputs (the last one may be shorter), and each group is rounded
// on its own:
//
//   kSymmetric   s = max|w| / (2^(bits-1) - 1)       s round(w / s)
//   kHalfScale   the same, s kept in F16: Q8_0 of GGUF
//   kSigned      s = (the w of largest |w|) / -2^(bits-1), kept in F16;
//                s round(w / s): Q4_0 and Q5_0 of GGUF
//   kOffset      s = (max - min) / (2^bits - 1), s and min kept in F16;
//                min + s round((w - min) / s): Q4_1 and Q5_1 of GGUF
//   kZeroPoint   s as kOffset, but with 0 among what is rounded, z = round(-min
//                / s); s (clamp(round(w / s) + z) - z): round to nearest as
//                quantisers for GPUs store it
//
// A group of zeros stays one. Formulas of GGUF: the reference quantisers of
// ggml. What those tools search for beyond rounding (importance matrices,
// GPTQ's correction of errors) is not done here: such models are near to these,
// not equal.
//
// Threads: pure functions. Errors: none; NaN stays NaN. Determinism: of the
// arguments.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace revlm::verify {

enum class RoundingScheme {
  kSymmetric,
  kHalfScale,
  kSigned,
  kOffset,
  kZeroPoint,
};

struct Rounding {
  std::string_view name;  // "int4, groups of 32"; also of a folder
  RoundingScheme scheme = RoundingScheme::kSymmetric;
  int32_t bits = 8;
  int64_t group_size = 0;  // 0: all inputs of an output
};

// The usual ones, from fine to coarse.
std::span<const Rounding> Roundings();

// In plain words: "int4 quantisation (groups of 32)".
std::string Describe(const Rounding& rounding);

// Rounds one group in place: values[0], values[stride], ... REQUIRES: num >= 1,
// 2 <= rounding.bits <= 8.
void RoundGroup(const Rounding& rounding, int64_t num, int64_t stride,
                float* values);

}  // namespace revlm::verify
