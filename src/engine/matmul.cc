#include "engine/matmul.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <set>
#include <utility>

#include "base/bytes.h"
#include "base/random.h"

namespace revlm::engine {
namespace {

constexpr int64_t kMaxRows = 512;  // of one oneDNN product
constexpr int64_t kConvertBlock = 512;

// Compiled products take about kCompiledBytes of heap each; a pass uses a dozen
// or two.
constexpr size_t kMaxCompiled = 16;
constexpr int64_t kCompiledBytes = 38 << 10;

// Row counts come in steps of an eighth, so that few products are compiled.
int64_t RowBucket(int64_t num_rows) {
  if (num_rows <= 2) return 2;
  if (num_rows <= 4) return 4;
  int64_t step = 4;
  while (num_rows > 8 * step) step *= 2;
  return (num_rows + step - 1) / step * step;
}

int64_t NumTiles(int64_t num_columns) {
  return (num_columns + kColumnTile - 1) / kColumnTile;
}

int64_t ElementBytes(ElementType type) {
  return type == ElementType::kF32 ? 4 : 2;
}

// What one thread needs to run products.
struct ThreadScratch {
  std::vector<std::byte> product;  // oneDNN's
  std::vector<std::byte> weight;   // a converted column tile
  std::vector<float> output;       // a tile of results, or two paired ones

  template <typename T>
  static T* Reserve(std::vector<T>& buffer, size_t size) {
    if (buffer.size() < size) {
      buffer = {};  // what was in it is not needed while it grows
      buffer.resize(size);
    }
    return buffer.data();
  }

  Status Run(const OnednnProduct& compiled, const void* input,
             const void* weights, float* results) {
    return compiled.Execute(input, weights, results,
                            Reserve(product, compiled.scratch_bytes() + 1));
  }
};

// A part of a product that one thread runs.
struct Task {
  size_t product_idx = 0;
  const Product* product = nullptr;
  const OnednnProduct* compiled = nullptr;  // of `shape`
  ProductShape shape;
  int64_t first_row = 0;
  int64_t num_rows = 0;  // shape.rows less the padding
  int64_t first_column = 0;
};

class OnednnMatmul : public Matmul {
 public:
  OnednnMatmul(ComputeType compute, ThreadPool& pool, const Kernels& kernels)
      : compute_(compute), pool_(pool), kernels_(kernels) {
    scratch_.resize(static_cast<size_t>(pool.num_threads()));
  }

  // Finds out what oneDNN can do here.
  Status Start();

  ElementType operand() const override { return operand_; }

  int64_t InputRowBytes(int64_t n) const override {
    return n * ElementBytes(operand_);
  }

  void PrepareRow(const float* x, int64_t n, void* input) const override {
    if (compute_ == ComputeType::kF32) {
      std::memcpy(input, x, static_cast<size_t>(n) * sizeof(float));
    } else {
      Round(x, n, input);
    }
  }

  Status Multiply(const void* input, int64_t num_rows,
                  std::span<const Product> products,
                  const TileSink& sink) override;

  uint64_t HeapBytes(std::span<const ProductLimits> limits) const override;
  void Reserve(std::span<const ProductLimits> limits) override;
  uint64_t FirstUseBytes(const WeightMatrix& weight) const override;

  NumericsClass numerics() const override { return numerics_; }

 private:
  void Round(const float* x, int64_t n, void* operand) const;
  void ConvertWeights(ElementType type, const std::byte* x, int64_t n,
                      std::byte* out) const;
  bool NeedsConversion(const WeightMatrix& weight) const {
    return weight.type != operand_;
  }

  ProductShape ShapeOf(const WeightMatrix& weight, int64_t first_column) const;
  Result<const OnednnProduct*> Compile(const ProductShape& shape);
  Result<bool> IsProved(const ProductShape& shape);
  Result<bool> Prove(const ProductShape& shape);
  std::vector<std::byte> ProofData(uint64_t seed, int64_t count) const;

  // Elements of the buffers of a ThreadScratch.
  struct ScratchSizes {
    int64_t product = 0;
    int64_t weight = 0;
    int64_t output = 0;
  };
  ScratchSizes SizesFor(std::span<const ProductLimits> limits) const;
  int64_t TaskRows(const ProductLimits& limits) const;
  int64_t ProofBytes(const ProductLimits& limits) const;
  int64_t MaxRows(int64_t num_rows, int64_t num_tiles) const;
  Status AddTasks(size_t product_idx, const Product& product, int64_t num_rows,
                  int64_t max_rows, std::vector<Task>& tasks);
  Result<int64_t> NextRowCount(ProductShape shape, int64_t num_rows);
  const std::byte* TileWeights(const Task& task, const void* weights,
                               ThreadScratch& scratch) const;
  Status RunTask(const Task& task, const void* input, const TileSink& sink,
                 int thread_idx);

  const ComputeType compute_;
  ThreadPool& pool_;
  const Kernels& kernels_;
  ElementType operand_ = ElementType::kF32;  // what oneDNN multiplies
  std::vector<ThreadScratch> scratch_;       // one a thread
  // Only shrinks between products: running tasks hold pointers into it.
  std::map<ProductShape, OnednnProduct> compiled_;
  std::map<ProductShape, bool> proved_;
  NumericsClass numerics_;
};

Status OnednnMatmul::Start() {
  ProductShape shape = {.rows = 2,
                        .columns = kColumnTile,
                        .k = 256,
                        .weight_stride = 256,
                        .layout = WeightLayout::kOutIn,
                        .type = ElementType::kBf16};
  if (compute_ == ComputeType::kBf16 && Compile(shape)) {
    operand_ = ElementType::kBf16;
  }
  shape.type = operand_;
  // One word on row counts for the numerics class; each shape in use is proved
  // on its own all the same.
  bool any_row_count = true;
  for (int64_t rows = 1; rows <= 64 && any_row_count; ++rows) {
    shape.rows = RowBucket(rows);
    REVLM_ASSIGN_OR_RETURN(any_row_count, IsProved(shape));
  }
  const bool widens =
      compute_ == ComputeType::kBf16 && operand_ == ElementType::kF32;
  numerics_ = {.isa = OnednnIsa(),
               .compute = std::string(ComputeTypeName(compute_)),
               .products = "oneDNN " + OnednnVersion() +
                           (widens ? ", bf16 factors widened" : ""),
               .row_tile = any_row_count ? 0 : int32_t{kAnchorRows},
               .kernels = ""};
  return {};
}

// f32 values to operands of compute type kBf16.
void OnednnMatmul::Round(const float* x, int64_t n, void* operand) const {
  if (operand_ == ElementType::kBf16) {
    kernels_.narrow_to_bf16(x, n, static_cast<uint16_t*>(operand));
    return;
  }
  uint16_t rounded[kConvertBlock];
  float* out = static_cast<float*>(operand);
  for (int64_t i = 0; i < n; i += kConvertBlock) {
    const int64_t count = std::min(kConvertBlock, n - i);
    kernels_.narrow_to_bf16(x + i, count, rounded);
    kernels_.widen(ElementType::kBf16, rounded, count, out + i);
  }
}

// Weights to operands, `n` of them one after another.
void OnednnMatmul::ConvertWeights(ElementType type, const std::byte* x,
                                  int64_t n, std::byte* out) const {
  if (compute_ == ComputeType::kF32 || type == ElementType::kBf16) {
    kernels_.widen(type, x, n, reinterpret_cast<float*>(out));
    return;
  }
  float wide[kConvertBlock];
  for (int64_t i = 0; i < n; i += kConvertBlock) {
    const int64_t count = std::min(kConvertBlock, n - i);
    kernels_.widen(type, x + i * ElementBytes(type), count, wide);
    Round(wide, count, out + i * ElementBytes(operand_));
  }
}

// REQUIRES: called by one thread at a time.
Result<const OnednnProduct*> OnednnMatmul::Compile(const ProductShape& shape) {
  auto entry = compiled_.find(shape);
  if (entry == compiled_.end()) {
    REVLM_ASSIGN_OR_RETURN(OnednnProduct compiled,
                           OnednnProduct::Compile(shape));
    entry = compiled_.emplace(shape, std::move(compiled)).first;
  }
  return &entry->second;
}

Result<bool> OnednnMatmul::IsProved(const ProductShape& shape) {
  const auto known = proved_.find(shape);
  if (known != proved_.end()) return known->second;
  REVLM_ASSIGN_OR_RETURN(const bool is_proved, Prove(shape));
  proved_[shape] = is_proved;
  return is_proved;
}

// Operands uniform in [-1, 1) with more bits than a sum of them can hold.
std::vector<std::byte> OnednnMatmul::ProofData(uint64_t seed,
                                               int64_t count) const {
  std::vector<std::byte> data(
      static_cast<size_t>(count * ElementBytes(operand_)));
  float values[kConvertBlock];
  for (int64_t i = 0; i < count; i += kConvertBlock) {
    const int64_t block = std::min(kConvertBlock, count - i);
    for (int64_t j = 0; j < block; ++j) {
      values[j] = static_cast<float>(
          2 * base::UniformDouble(seed, static_cast<uint64_t>(i + j)) - 1);
    }
    std::byte* out = data.data() + i * ElementBytes(operand_);
    if (operand_ == ElementType::kBf16) {
      kernels_.narrow_to_bf16(values, block, reinterpret_cast<uint16_t*>(out));
    } else {
      std::memcpy(out, values, static_cast<size_t>(block) * sizeof(float));
    }
  }
  return data;
}

// Whether each row of a product of this shape has the bits that it has in a
// product of kAnchorRows rows; and, of that one, at every position.
Result<bool> OnednnMatmul::Prove(const ProductShape& shape) {
  ProductShape anchor = shape;
  anchor.rows = kAnchorRows;
  const bool is_anchor = shape == anchor;
  if (!is_anchor) {
    REVLM_ASSIGN_OR_RETURN(const bool anchor_is_proved, IsProved(anchor));
    if (!anchor_is_proved) return false;
  }
  const int64_t outer =
      shape.layout == WeightLayout::kOutIn ? shape.columns : shape.k;
  const int64_t num_rows = static_cast<int64_t>(base::AlignUp(
      static_cast<uint64_t>(is_anchor ? 2 * kAnchorRows : shape.rows),
      static_cast<uint64_t>(kAnchorRows)));
  const std::vector<std::byte> weights =
      ProofData(1, outer * shape.weight_stride);
  const std::vector<std::byte> inputs = ProofData(2, num_rows * shape.k);
  auto run = [&](const OnednnProduct& compiled, int64_t first_row,
                 float* results) {
    return scratch_[0].Run(compiled,
                           inputs.data() + first_row * InputRowBytes(shape.k),
                           weights.data(), results);
  };
  // Not among those kept: it is hardly ever run again.
  REVLM_ASSIGN_OR_RETURN(const OnednnProduct compiled_anchor,
                         OnednnProduct::Compile(anchor));
  REVLM_ASSIGN_OR_RETURN(const OnednnProduct* compiled, Compile(shape));
  const size_t width = static_cast<size_t>(shape.columns);
  std::vector<float> expected(static_cast<size_t>(num_rows) * width);
  for (int64_t row = 0; row < num_rows; row += kAnchorRows) {
    REVLM_TRY(run(compiled_anchor, row,
                  expected.data() + static_cast<size_t>(row) * width));
  }
  std::vector<float> results(static_cast<size_t>(shape.rows) * width);
  for (int64_t first = 0; first < (is_anchor ? kAnchorRows : 1); ++first) {
    REVLM_TRY(run(*compiled, first, results.data()));
    if (std::memcmp(results.data(),
                    expected.data() + static_cast<size_t>(first) * width,
                    results.size() * sizeof(float)) != 0) {
      return false;
    }
  }
  return true;
}

// How many rows the next product takes when `num_rows` are left: a proved
// count, which may pad the last of them.
Result<int64_t> OnednnMatmul::NextRowCount(ProductShape shape,
                                           int64_t num_rows) {
  shape.rows = RowBucket(num_rows);
  REVLM_ASSIGN_OR_RETURN(bool is_proved, IsProved(shape));
  if (is_proved) return shape.rows;
  // The largest proved power of two that fits, or the anchor itself.
  for (shape.rows = kMaxRows; shape.rows > kAnchorRows; shape.rows /= 2) {
    if (shape.rows > num_rows) continue;
    REVLM_ASSIGN_OR_RETURN(is_proved, IsProved(shape));
    if (is_proved) return shape.rows;
  }
  REVLM_ASSIGN_OR_RETURN(is_proved, IsProved(shape));
  if (is_proved) return shape.rows;
  return base::MakeError(
      ErrorCode::kInternal,
      "multiplying by {} x {} weights: this oneDNN gives a row other bits at "
      "another position, for every number of rows tried",
      shape.columns, shape.k);
}

// The most rows of one task: fewer when there are few columns for many threads.
int64_t OnednnMatmul::MaxRows(int64_t num_rows, int64_t num_tiles) const {
  int64_t max_rows = kMaxRows;
  while (max_rows > 64 && num_tiles * ((num_rows + max_rows - 1) / max_rows) <
                              2 * pool_.num_threads()) {
    max_rows /= 2;
  }
  return max_rows;
}

// Of a tile's products, but for the number of rows.
ProductShape OnednnMatmul::ShapeOf(const WeightMatrix& weight,
                                   int64_t first_column) const {
  ProductShape shape = {
      .columns = std::min(kColumnTile, weight.out_features - first_column),
      .k = weight.in_features,
      .weight_stride = weight.in_features,
      .layout = weight.layout,
      .type = operand_};
  if (weight.layout == WeightLayout::kInOut) {
    shape.weight_stride =
        NeedsConversion(weight) ? shape.columns : weight.out_features;
  }
  return shape;
}

// Cuts a product into tasks.
Status OnednnMatmul::AddTasks(size_t product_idx, const Product& product,
                              int64_t num_rows, int64_t max_rows,
                              std::vector<Task>& tasks) {
  const WeightMatrix& weight = product.weight;
  for (int64_t column = 0; column < weight.out_features;
       column += kColumnTile) {
    Task task = {.product_idx = product_idx,
                 .product = &product,
                 .first_column = column};
    task.shape = ShapeOf(weight, column);
    for (int64_t row = 0; row < num_rows; row += task.num_rows) {
      const int64_t wanted = std::min(num_rows - row, max_rows);
      REVLM_ASSIGN_OR_RETURN(task.shape.rows, NextRowCount(task.shape, wanted));
      REVLM_ASSIGN_OR_RETURN(task.compiled, Compile(task.shape));
      task.first_row = row;
      task.num_rows = std::min(task.shape.rows, wanted);
      tasks.push_back(task);
    }
  }
  return {};
}

// The tile's weights as operands: where they lie, or converted into scratch.
const std::byte* OnednnMatmul::TileWeights(const Task& task,
                                           const void* weights,
                                           ThreadScratch& scratch) const {
  const WeightMatrix& weight = task.product->weight;
  const auto* data = static_cast<const std::byte*>(weights);
  const int64_t element_bytes = ElementBytes(weight.type);
  const int64_t columns = task.shape.columns;
  const bool out_in = weight.layout == WeightLayout::kOutIn;
  data += task.first_column * element_bytes *
          (out_in ? weight.in_features : int64_t{1});
  if (!NeedsConversion(weight)) return data;
  const int64_t operand_bytes = ElementBytes(operand_);
  std::byte* out = ThreadScratch::Reserve(
      scratch.weight,
      static_cast<size_t>(columns * weight.in_features * operand_bytes));
  if (out_in) {
    ConvertWeights(weight.type, data, columns * weight.in_features, out);
    return out;
  }
  for (int64_t i = 0; i < weight.in_features; ++i) {
    ConvertWeights(weight.type, data + i * weight.out_features * element_bytes,
                   columns, out + i * columns * operand_bytes);
  }
  return out;
}

Status OnednnMatmul::RunTask(const Task& task, const void* input,
                             const TileSink& sink, int thread_idx) {
  ThreadScratch& scratch = scratch_[static_cast<size_t>(thread_idx)];
  const ProductShape& shape = task.shape;
  const Product& product = *task.product;
  const int64_t tile_size = shape.rows * shape.columns;
  float* tiles = ThreadScratch::Reserve(
      scratch.output,
      static_cast<size_t>(product.paired_weight != nullptr ? 2 * tile_size
                                                           : tile_size));
  auto run = [&](const void* weights, const float* bias,
                 float* tile) -> Status {
    REVLM_TRY(scratch.Run(*task.compiled,
                          static_cast<const std::byte*>(input) +
                              task.first_row * InputRowBytes(shape.k),
                          TileWeights(task, weights, scratch), tile));
    if (bias == nullptr) return {};
    for (int64_t r = 0; r < task.num_rows; ++r) {
      kernels_.add(bias + task.first_column, shape.columns,
                   tile + r * shape.columns);
    }
    return {};
  };
  REVLM_TRY(run(product.weight.data, product.bias, tiles));
  ResultTile result = {.product_idx = task.product_idx,
                       .first_row = task.first_row,
                       .num_rows = task.num_rows,
                       .first_column = task.first_column,
                       .num_columns = shape.columns,
                       .values = tiles};
  if (product.paired_weight != nullptr) {
    result.paired = tiles + tile_size;
    REVLM_TRY(run(product.paired_weight, product.paired_bias, result.paired));
  }
  sink(result);
  return {};
}

Status OnednnMatmul::Multiply(const void* input, int64_t num_rows,
                              std::span<const Product> products,
                              const TileSink& sink) {
  if (compiled_.size() > kMaxCompiled) compiled_.clear();
  int64_t num_tiles = 0;
  for (const Product& product : products) {
    num_tiles += NumTiles(product.weight.out_features);
  }
  const int64_t max_rows = MaxRows(num_rows, num_tiles);
  std::vector<Task> tasks;
  for (size_t i = 0; i < products.size(); ++i) {
    REVLM_TRY(AddTasks(i, products[i], num_rows, max_rows, tasks));
  }
  return pool_.TryParallelFor(static_cast<int64_t>(tasks.size()),
                              [&](int64_t task, int thread_idx) {
                                return RunTask(tasks[static_cast<size_t>(task)],
                                               input, sink, thread_idx);
                              });
}

// The sizes of one thread's buffers for all products within `limits`.
OnednnMatmul::ScratchSizes OnednnMatmul::SizesFor(
    std::span<const ProductLimits> limits) const {
  ScratchSizes sizes = {};
  for (const ProductLimits& of : limits) {
    const int64_t columns = std::min(kColumnTile, of.num_outputs);
    const int64_t row_bytes = of.num_inputs * ElementBytes(operand_);
    // oneDNN's scratch, as its versions were found to ask for: a few blocks
    // of rows or 64 columns of weights, however long the products' sums are.
    sizes.product = std::max(
        {sizes.product,
         (34 << 10) + 25 * std::min(row_bytes, int64_t{12} << 10),
         (1 << 10) +
             64 * std::min((of.num_inputs + 31) / 32 * 32, int64_t{1} << 10) *
                 ElementBytes(operand_)});
    if (of.converts) {
      sizes.weight = std::max(sizes.weight, columns * row_bytes);
    }
    sizes.output =
        std::max(sizes.output, (of.pairs ? 2 : 1) * TaskRows(of) * columns);
  }
  return sizes;
}

// The most rows of one task within `limits`.
int64_t OnednnMatmul::TaskRows(const ProductLimits& limits) const {
  return std::min(RowBucket(limits.num_rows),
                  MaxRows(limits.num_rows, NumTiles(limits.num_outputs)));
}

// What the proof of a product takes.
int64_t OnednnMatmul::ProofBytes(const ProductLimits& limits) const {
  const int64_t columns = std::min(kColumnTile, limits.num_outputs);
  const int64_t row_bytes = limits.num_inputs * ElementBytes(operand_);
  const int64_t num_rows = std::max(TaskRows(limits), 2 * kAnchorRows);
  // Without conversion, a tile of such a matrix is as wide as all of it.
  const bool is_whole =
      limits.layout == WeightLayout::kInOut && !limits.converts;
  return (is_whole ? limits.num_outputs : columns) * row_bytes +
         num_rows * (row_bytes + 2 * columns * 4);
}

void OnednnMatmul::Reserve(std::span<const ProductLimits> limits) {
  const ScratchSizes sizes = SizesFor(limits);
  for (ThreadScratch& scratch : scratch_) {
    ThreadScratch::Reserve(scratch.product, static_cast<size_t>(sizes.product));
    ThreadScratch::Reserve(scratch.weight, static_cast<size_t>(sizes.weight));
    ThreadScratch::Reserve(scratch.output, static_cast<size_t>(sizes.output));
  }
}

uint64_t OnednnMatmul::HeapBytes(std::span<const ProductLimits> limits) const {
  const ScratchSizes sizes = SizesFor(limits);
  const int64_t per_thread = sizes.product + sizes.weight + 4 * sizes.output;
  int64_t proof = 0;
  for (const ProductLimits& of : limits) {
    proof = std::max(proof, ProofBytes(of));
  }
  return static_cast<uint64_t>(per_thread * pool_.num_threads() + proof +
                               static_cast<int64_t>(kMaxCompiled) *
                                   kCompiledBytes);
}

// What oneDNN's gemm keeps: measured 4.2 MB in f32, 0.4 MB in bf16. With
// AVX-512 it runs most matrices that are stored by input and multiplied where
// they lie; with AVX2, all.
uint64_t OnednnMatmul::FirstUseBytes(const WeightMatrix& weight) const {
  const int64_t last_column = (NumTiles(weight.out_features) - 1) * kColumnTile;
  for (const int64_t first_column : std::set<int64_t>{0, last_column}) {
    ProductShape shape = ShapeOf(weight, first_column);
    for (int64_t rows = 1; rows <= kMaxRows; rows = shape.rows + 1) {
      shape.rows = RowBucket(rows);
      if (!OnednnProduct::IsByGemm(shape)) continue;
      return operand_ == ElementType::kF32 ? 5 << 20 : 1 << 20;
    }
  }
  return 0;
}

}  // namespace

Result<std::unique_ptr<Matmul>> Matmul::Create(ComputeType compute,
                                               ThreadPool& pool,
                                               const Kernels& kernels) {
  auto matmul = std::make_unique<OnednnMatmul>(compute, pool, kernels);
  REVLM_TRY(matmul->Start());
  return matmul;
}

int64_t Matmul::PaddedRows(int64_t num_rows) {
  return static_cast<int64_t>(
      base::AlignUp(static_cast<uint64_t>(num_rows), 64));
}

}  // namespace revlm::engine
