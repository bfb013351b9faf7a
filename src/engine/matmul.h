// Matrix products of rows of activations with weights as they lie in a slab.
//
// Output features are cut into tiles of `kColumnTile`; each tile is one
// single-threaded oneDNN product run by one thread of the pool. With many
// threads and few columns, rows are cut finer too. Rows are kept independent of
// their batch by a self-test: the first time a shape is used with a row count,
// it is proved on random data that this count gives a row the same bits as
// `kAnchorRows` rows do, at any position; products are cut and padded to proved
// row counts only.
//
// Compute type kBf16 rounds activations to bf16 and sums in f32. Where oneDNN
// has no bf16 product (below AVX-512), the rounded factors are widened to f32,
// which is exact. Weights of another type than the product's are converted tile
// by tile into scratch.
//
// Threads: thread-confined; uses the pool. Memory: `HeapBytes`: per thread two
// tiles of results, one column tile of weights when they need converting, and
// oneDNN's scratch. Errors: kInternal
// when oneDNN refuses a product; kBudgetExceeded when it has no memory.
// Determinism: see `NumericsClass` in engine.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "engine/engine.h"
#include "engine/kernels.h"
#include "engine/onednn_product.h"
#include "engine/thread_pool.h"

namespace revlm::engine {

inline constexpr int64_t kColumnTile = 256;
inline constexpr int64_t kAnchorRows = 16;

struct WeightMatrix {
  const void* data = nullptr;
  ElementType type = ElementType::kF32;
  WeightLayout layout = WeightLayout::kOutIn;
  int64_t out_features = 0;
  int64_t in_features = 0;
};

// result[r][o] = sum over i of input[r][i] * weight[o][i], plus bias[o]. With a
// pair, the same of another matrix of the same shape and type beside it.
struct Product {
  WeightMatrix weight;
  const float* bias = nullptr;  // may be null
  const void* paired_weight = nullptr;
  const float* paired_bias = nullptr;
};

// Results of one product in rows first_row .. and output features
// first_column ..; row r at values + r * num_columns. The sink may change them.
struct ResultTile {
  size_t product_idx = 0;
  int64_t first_row = 0;
  int64_t num_rows = 0;
  int64_t first_column = 0;
  int64_t num_columns = 0;
  float* values = nullptr;
  float* paired = nullptr;
};
// Takes tiles that do not overlap, from several threads at once.
using TileSink = std::function<void(const ResultTile&)>;

// The largest of one kind of products that a model needs.
struct ProductLimits {
  int64_t num_rows = 0;
  int64_t num_outputs = 0;  // of all products of one input
  int64_t num_inputs = 0;
  WeightLayout layout = WeightLayout::kOutIn;
  bool converts = false;  // some weights are not of the type of operands
  bool pairs = false;     // some products are paired
};

class Matmul {
 public:
  // `compute` is kF32 or kBf16.
  static Result<std::unique_ptr<Matmul>> Create(ComputeType compute,
                                                ThreadPool& pool,
                                                const Kernels& kernels);
  virtual ~Matmul() = default;

  // Rows an input buffer must hold for `num_rows` rows; what lies in the others
  // does not matter.
  static int64_t PaddedRows(int64_t num_rows);

  // What weights are converted to where they are something else.
  virtual ElementType operand() const = 0;
  // Bytes one row of `n` features takes as input of a product.
  virtual int64_t InputRowBytes(int64_t n) const = 0;
  // Converts one row of activations to the input of a product.
  virtual void PrepareRow(const float* x, int64_t n, void* input) const = 0;

  // All products of one input: rows prepared by PrepareRow, one after another.
  virtual Status Multiply(const void* input, int64_t num_rows,
                          std::span<const Product> products,
                          const TileSink& sink) = 0;

  // Heap that products within `limits` take, proofs included.
  virtual uint64_t HeapBytes(std::span<const ProductLimits> limits) const = 0;
  // Takes every thread's share of it now. Otherwise threads take theirs when
  // they first come to run a product, which some may never do.
  virtual void Reserve(std::span<const ProductLimits> limits) = 0;
  // What the process keeps for good once weights of this shape were
  // multiplied: code that oneDNN writes when it is first needed.
  virtual uint64_t FirstUseBytes(const WeightMatrix& weight) const = 0;

  // The class of what was multiplied so far; `kernels` is left empty.
  virtual NumericsClass numerics() const = 0;
};

}  // namespace revlm::engine
