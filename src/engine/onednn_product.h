// A matrix product compiled by oneDNN: the only code that includes it, for 2.6
// and 3.x alike.
//
// Products run single-threaded in the calling thread: oneDNN as Debian builds
// it runs on OpenMP, which `Execute` and `Compile` hold at one thread for the
// calling thread and give back as it was. Scratch is the caller's.
//
// Threads: `Execute` may be called from many threads at once, each with its own
// output and scratch. Memory: compiled code; oneDNN's own cache of it is turned
// off, for the whole process. Errors: kUnsupported (oneDNN has no such product
// on this machine), kInternal. Determinism: the same bits for the same shape,
// inputs, instruction set and version of oneDNN.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/error.h"
#include "engine/kernels.h"

namespace revlm::engine {

// How a weight matrix lies in memory.
enum class WeightLayout {
  kOutIn,  // [out_features][in_features], as torch's Linear
  kInOut,  // [in_features][out_features], as GPT-2's Conv1D
};

// [rows][k] times the `columns` columns of a weight matrix, both of `type`
// (kF32 or kBf16), summed and given in f32 as [rows][columns] without gaps.
struct ProductShape {
  int64_t rows = 0;
  int64_t columns = 0;
  int64_t k = 0;
  int64_t weight_stride = 0;  // elements from one outer row to the next
  WeightLayout layout = WeightLayout::kOutIn;
  ElementType type = ElementType::kF32;

  auto operator<=>(const ProductShape&) const = default;
};

class OnednnProduct {
 public:
  static Result<OnednnProduct> Compile(const ProductShape& shape);
  // Whether oneDNN has its gemm run such products, for which it writes code for
  // all shapes at once. Fast: nothing is compiled.
  static bool IsByGemm(const ProductShape& shape);
  OnednnProduct(OnednnProduct&&) noexcept;
  OnednnProduct& operator=(OnednnProduct&&) noexcept;
  ~OnednnProduct();

  size_t scratch_bytes() const;

  // Pointers need the alignment of the element type only.
  Status Execute(const void* input, const void* weight, float* output,
                 std::byte* scratch) const;

 private:
  struct Compiled;
  explicit OnednnProduct(std::unique_ptr<Compiled> compiled);

  std::unique_ptr<Compiled> compiled_;
};

// "2.6.3", and the instructions its products may use: "avx512_core_bf16".
std::string OnednnVersion();
std::string OnednnIsa();

}  // namespace revlm::engine
