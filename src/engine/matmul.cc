#include "engine/matmul.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <dnnl.hpp>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <tuple>
#include <utility>

#include "base/bytes.h"

// oneDNN as Debian builds it runs on OpenMP. These are the two calls that keep
// it single-threaded inside our own threads; both concern the calling thread
// only.
extern "C" {
int omp_get_max_threads(void);
void omp_set_num_threads(int num_threads);
}

namespace revlm::engine {
namespace {

constexpr int64_t kMaxRows = 512;  // of one oneDNN product

class SingleThreadedOpenMp {
 public:
  SingleThreadedOpenMp() : previous_(omp_get_max_threads()) {
    if (previous_ != 1) omp_set_num_threads(1);
  }
  ~SingleThreadedOpenMp() {
    if (previous_ != 1) omp_set_num_threads(previous_);
  }
  SingleThreadedOpenMp(const SingleThreadedOpenMp&) = delete;
  SingleThreadedOpenMp& operator=(const SingleThreadedOpenMp&) = delete;

 private:
  const int previous_;
};

// Row counts come in steps of an eighth, so that few products are compiled.
int64_t RowBucket(int64_t num_rows) {
  if (num_rows <= 2) return 2;
  if (num_rows <= 4) return 4;
  int64_t step = 4;
  while (num_rows > 8 * step) step *= 2;
  return (num_rows + step - 1) / step * step;
}

// One oneDNN product: [rows][k] times a tile of n columns.
struct Shape {
  int64_t rows = 0;
  int64_t columns = 0;
  int64_t k = 0;
  int64_t weight_stride = 0;  // of the outer dimension of the tile
  WeightLayout layout = WeightLayout::kOutIn;
  ElementType type = ElementType::kF32;

  auto operator<=>(const Shape&) const = default;
};

dnnl::engine& CpuEngine() {
  static dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

dnnl::memory::data_type DnnlType(ElementType type) {
  return type == ElementType::kBf16 ? dnnl::memory::data_type::bf16
                                    : dnnl::memory::data_type::f32;
}

int64_t ElementBytes(ElementType type) {
  return type == ElementType::kF32 ? 4 : 2;
}

// A compiled product. Throws dnnl::error; callers catch.
class CompiledProduct {
 public:
  explicit CompiledProduct(const Shape& shape)
      : input_({shape.rows, shape.k}, DnnlType(shape.type),
               dnnl::memory::dims{shape.k, 1}),
        weight_({shape.k, shape.columns}, DnnlType(shape.type),
                shape.layout == WeightLayout::kOutIn
                    ? dnnl::memory::dims{1, shape.weight_stride}
                    : dnnl::memory::dims{shape.weight_stride, 1}),
        output_({shape.rows, shape.columns}, dnnl::memory::data_type::f32,
                dnnl::memory::dims{shape.columns, 1}) {
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
#if DNNL_VERSION_MAJOR >= 3
    const dnnl::matmul::primitive_desc descriptor(CpuEngine(), input_, weight_,
                                                  output_, attributes);
#else
    const dnnl::matmul::primitive_desc descriptor(
        dnnl::matmul::desc(input_, weight_, output_), attributes, CpuEngine());
#endif
    scratch_ = descriptor.scratchpad_desc();
    primitive_ = dnnl::matmul(descriptor);
  }

  size_t scratch_bytes() const { return scratch_.get_size(); }

  void Execute(dnnl::stream& stream, const void* input, const void* weight,
               float* output, std::byte* scratch) const {
    // oneDNN's interface has no const; inputs are not written.
    auto memory = [](const dnnl::memory::desc& descriptor, const void* data) {
      return dnnl::memory(descriptor, CpuEngine(), const_cast<void*>(data));
    };
    primitive_.execute(stream,
                       {{DNNL_ARG_SRC, memory(input_, input)},
                        {DNNL_ARG_WEIGHTS, memory(weight_, weight)},
                        {DNNL_ARG_DST, memory(output_, output)},
                        {DNNL_ARG_SCRATCHPAD, memory(scratch_, scratch)}});
    stream.wait();
  }

 private:
  dnnl::memory::desc input_;
  dnnl::memory::desc weight_;
  dnnl::memory::desc output_;
  dnnl::memory::desc scratch_;
  dnnl::matmul primitive_;
};

// What one thread needs to run products.
struct ThreadScratch {
  dnnl::stream stream{CpuEngine()};
  std::vector<std::byte> dnnl;
  std::vector<std::byte> weight;  // a converted column tile
  std::vector<float> output;      // one tile of results

  template <typename T>
  static T* Reserve(std::vector<T>& buffer, size_t size) {
    if (buffer.size() < size) buffer.resize(size);
    return buffer.data();
  }
};

std::byte* ReserveDnnl(ThreadScratch& scratch,
                       const CompiledProduct& compiled) {
  return ThreadScratch::Reserve(scratch.dnnl, compiled.scratch_bytes() + 1);
}

// A part of a product that one thread runs.
struct Task {
  const Product* product = nullptr;
  const CompiledProduct* compiled = nullptr;  // of `shape`
  Shape shape;
  int64_t first_row = 0;
  int64_t num_rows = 0;  // shape.rows less the padding
  int64_t first_column = 0;
};

std::string IsaName() {
  switch (dnnl::get_effective_cpu_isa()) {
    case dnnl::cpu_isa::sse41:
      return "sse41";
    case dnnl::cpu_isa::avx:
      return "avx";
    case dnnl::cpu_isa::avx2:
      return "avx2";
    case dnnl::cpu_isa::avx512_core:
      return "avx512_core";
    case dnnl::cpu_isa::avx512_core_vnni:
      return "avx512_core_vnni";
    case dnnl::cpu_isa::avx512_core_bf16:
      return "avx512_core_bf16";
    default:
      return fmt::format("isa-{:x}",
                         static_cast<int>(dnnl::get_effective_cpu_isa()));
  }
}

class DnnlMatmul : public Matmul {
 public:
  DnnlMatmul(ComputeType compute, ThreadPool& pool, const Kernels& kernels)
      : compute_(compute), pool_(pool), kernels_(kernels) {
    if (compute == ComputeType::kBf16 && HasBf16Products()) {
      operand_ = ElementType::kBf16;
    }
    scratch_.resize(static_cast<size_t>(pool.num_threads()));
    const bool any_row_count = ProvesAllRowCounts();
    numerics_ = {
        .isa = IsaName(),
        .compute = std::string(ComputeTypeName(compute)),
        .products = fmt::format(
            "oneDNN {}.{}.{}{}", dnnl::version()->major, dnnl::version()->minor,
            dnnl::version()->patch,
            compute == ComputeType::kBf16 && operand_ == ElementType::kF32
                ? ", bf16 factors widened"
                : ""),
        .row_tile = any_row_count ? 0 : int32_t{kAnchorRows},
        .kernels = ""};
  }

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
                  std::span<const Product> products) override;

  NumericsClass numerics() const override { return numerics_; }

 private:
  static bool HasBf16Products() {
    try {
      CompiledProduct({.rows = 2,
                       .columns = 16,
                       .k = 32,
                       .weight_stride = 32,
                       .layout = WeightLayout::kOutIn,
                       .type = ElementType::kBf16});
      return true;
    } catch (const dnnl::error&) {
      return false;
    }
  }

  // f32 values to operands of compute type kBf16.
  void Round(const float* x, int64_t n, void* operand) const {
    if (operand_ == ElementType::kBf16) {
      kernels_.narrow_to_bf16(x, n, static_cast<uint16_t*>(operand));
      return;
    }
    uint16_t rounded[512];
    float* out = static_cast<float*>(operand);
    for (int64_t i = 0; i < n; i += 512) {
      const int64_t count = std::min<int64_t>(512, n - i);
      kernels_.narrow_to_bf16(x + i, count, rounded);
      kernels_.widen(ElementType::kBf16, rounded, count, out + i);
    }
  }

  // Weights to operands, `n` of them one after another.
  void ConvertWeights(ElementType type, const std::byte* x, int64_t n,
                      std::byte* out) const {
    if (compute_ == ComputeType::kF32 || type == ElementType::kBf16) {
      kernels_.widen(type, x, n, reinterpret_cast<float*>(out));
      return;
    }
    float wide[512];
    for (int64_t i = 0; i < n; i += 512) {
      const int64_t count = std::min<int64_t>(512, n - i);
      kernels_.widen(type, x + i * ElementBytes(type), count, wide);
      Round(wide, count, out + i * ElementBytes(operand_));
    }
  }

  bool ProvesAllRowCounts();
  bool IsProved(const Shape& shape);
  bool Prove(const Shape& shape);
  const CompiledProduct& Compile(const Shape& shape);
  bool NeedsConversion(const WeightMatrix& weight) const {
    return weight.type != operand_;
  }
  Status AddTasks(const Product& product, int64_t num_rows, int64_t max_rows,
                  std::vector<Task>& tasks);
  Result<int64_t> NextRowCount(Shape shape, int64_t num_rows);
  const std::byte* TileWeights(const Task& task, ThreadScratch& scratch) const;
  void RunTask(const Task& task, const void* input, int thread_idx);

  const ComputeType compute_;
  ThreadPool& pool_;
  const Kernels& kernels_;
  ElementType operand_ = ElementType::kF32;  // what oneDNN multiplies
  std::vector<ThreadScratch> scratch_;       // one a thread
  std::map<Shape, CompiledProduct> compiled_;
  std::map<Shape, bool> proved_;  // shape with its row count -> same bits
  NumericsClass numerics_;
};

// REQUIRES: called by one thread at a time. Entries are never removed, so that
// running tasks may hold references.
const CompiledProduct& DnnlMatmul::Compile(const Shape& shape) {
  auto entry = compiled_.find(shape);
  if (entry == compiled_.end()) {
    entry = compiled_.emplace(shape, CompiledProduct(shape)).first;
  }
  return entry->second;
}

bool DnnlMatmul::ProvesAllRowCounts() {
  Shape shape = {.columns = kColumnTile, .k = 256, .weight_stride = 256};
  shape.type = operand_;
  for (int64_t rows = 1; rows <= 64; ++rows) {
    shape.rows = RowBucket(rows);
    if (!IsProved(shape)) return false;
  }
  return true;
}

bool DnnlMatmul::IsProved(const Shape& shape) {
  const auto known = proved_.find(shape);
  if (known != proved_.end()) return known->second;
  return proved_[shape] = Prove(shape);
}

// Whether each row of a product with shape.rows rows has the bits that the same
// row has at every position of a product with kAnchorRows rows.
bool DnnlMatmul::Prove(const Shape& shape) {
  Shape anchor = shape;
  anchor.rows = kAnchorRows;
  const int64_t outer =
      shape.layout == WeightLayout::kOutIn ? shape.columns : shape.k;
  const int64_t num_weights = outer * shape.weight_stride;
  const int64_t num_inputs = std::max(shape.rows, 2 * kAnchorRows) * shape.k;
  const size_t element_bytes = static_cast<size_t>(ElementBytes(shape.type));
  std::vector<std::byte> weights(static_cast<size_t>(num_weights) *
                                 element_bytes);
  std::vector<std::byte> inputs(static_cast<size_t>(num_inputs) *
                                element_bytes);
  // Uniform with a few bits more than bf16 holds, so that every sum rounds.
  std::minstd_rand random(20261123);
  auto fill = [&](std::vector<std::byte>& buffer, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      const float x =
          static_cast<float>(static_cast<int32_t>(random() >> 8) - (1 << 22)) /
          static_cast<float>(1 << 22);
      std::byte* out = buffer.data() + static_cast<size_t>(i) * element_bytes;
      if (shape.type == ElementType::kBf16) {
        kernels_.narrow_to_bf16(&x, 1, reinterpret_cast<uint16_t*>(out));
      } else {
        std::memcpy(out, &x, sizeof(x));
      }
    }
  };
  fill(weights, num_weights);
  fill(inputs, num_inputs);
  const int64_t row_bytes = shape.k * ElementBytes(shape.type);

  ThreadScratch& scratch = scratch_[0];
  auto run = [&](const Shape& s, int64_t first_row, float* output) {
    const CompiledProduct& product = Compile(s);
    product.Execute(scratch.stream, inputs.data() + first_row * row_bytes,
                    weights.data(), output, ReserveDnnl(scratch, product));
  };
  const size_t row_size = static_cast<size_t>(shape.columns);
  std::vector<float> tested(static_cast<size_t>(shape.rows) * row_size);
  run(shape, 0, tested.data());
  // Row r alone decides: compare with a window of anchor rows that has r at a
  // position which changes from row to row.
  const int64_t last_start = num_inputs / shape.k - kAnchorRows;
  std::vector<float> expected(static_cast<size_t>(kAnchorRows) * row_size);
  for (int64_t start = 0; start < shape.rows; start += kAnchorRows - 5) {
    const int64_t first = std::min(start, last_start);
    run(anchor, first, expected.data());
    const int64_t end = std::min(first + kAnchorRows, shape.rows);
    if (std::memcmp(
            tested.data() + static_cast<size_t>(first) * row_size,
            expected.data(),
            static_cast<size_t>(end - first) * row_size * sizeof(float)) != 0) {
      return false;
    }
  }
  return true;
}

// How many rows the next product takes when `num_rows` are left: a proved
// count, which may pad the last of them.
Result<int64_t> DnnlMatmul::NextRowCount(Shape shape, int64_t num_rows) {
  shape.rows = RowBucket(num_rows);
  if (IsProved(shape)) return shape.rows;
  // The largest proved power of two that fits, or the anchor itself.
  for (shape.rows = kMaxRows; shape.rows > kAnchorRows; shape.rows /= 2) {
    if (shape.rows <= num_rows && IsProved(shape)) return shape.rows;
  }
  if (IsProved(shape)) return shape.rows;
  return base::MakeError(
      ErrorCode::kInternal,
      "multiplying by {} x {} weights: this oneDNN gives a row other bits at "
      "another position, for every number of rows tried",
      shape.columns, shape.k);
}

// Cuts a product into tasks.
Status DnnlMatmul::AddTasks(const Product& product, int64_t num_rows,
                            int64_t max_rows, std::vector<Task>& tasks) {
  const WeightMatrix& weight = product.weight;
  for (int64_t column = 0; column < weight.out_features;
       column += kColumnTile) {
    Task task = {.product = &product, .first_column = column};
    task.shape = {
        .columns = std::min(kColumnTile, weight.out_features - column),
        .k = weight.in_features,
        .weight_stride = weight.in_features,
        .layout = weight.layout,
        .type = operand_};
    if (weight.layout == WeightLayout::kInOut) {
      task.shape.weight_stride =
          NeedsConversion(weight) ? task.shape.columns : weight.out_features;
    }
    for (int64_t row = 0; row < num_rows; row += task.num_rows) {
      const int64_t wanted = std::min(num_rows - row, max_rows);
      REVLM_ASSIGN_OR_RETURN(task.shape.rows, NextRowCount(task.shape, wanted));
      task.compiled = &Compile(task.shape);
      task.first_row = row;
      task.num_rows = std::min(task.shape.rows, wanted);
      tasks.push_back(task);
    }
  }
  return {};
}

// The tile's weights as operands: where they lie, or converted into scratch.
const std::byte* DnnlMatmul::TileWeights(const Task& task,
                                         ThreadScratch& scratch) const {
  const WeightMatrix& weight = task.product->weight;
  const auto* data = static_cast<const std::byte*>(weight.data);
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

void DnnlMatmul::RunTask(const Task& task, const void* input, int thread_idx) {
  const SingleThreadedOpenMp guard;
  ThreadScratch& scratch = scratch_[static_cast<size_t>(thread_idx)];
  const Shape& shape = task.shape;
  float* tile = ThreadScratch::Reserve(
      scratch.output, static_cast<size_t>(shape.rows * shape.columns));
  task.compiled->Execute(scratch.stream,
                         static_cast<const std::byte*>(input) +
                             task.first_row * InputRowBytes(shape.k),
                         TileWeights(task, scratch), tile,
                         ReserveDnnl(scratch, *task.compiled));
  const Product& product = *task.product;
  for (int64_t r = 0; r < task.num_rows; ++r) {
    float* row = tile + r * shape.columns;
    if (product.bias != nullptr) {
      kernels_.add(product.bias + task.first_column, shape.columns, row);
    }
    std::memcpy(product.output + (task.first_row + r) * product.output_stride +
                    task.first_column,
                row, static_cast<size_t>(shape.columns) * sizeof(float));
  }
}

Status DnnlMatmul::Multiply(const void* input, int64_t num_rows,
                            std::span<const Product> products) {
  try {
    const SingleThreadedOpenMp guard;
    // Few columns and many threads: cut the rows finer too.
    int64_t num_tiles = 0;
    for (const Product& product : products) {
      num_tiles +=
          (product.weight.out_features + kColumnTile - 1) / kColumnTile;
    }
    int64_t max_rows = kMaxRows;
    while (max_rows > 64 && num_tiles * ((num_rows + max_rows - 1) / max_rows) <
                                2 * pool_.num_threads()) {
      max_rows /= 2;
    }
    std::vector<Task> tasks;
    for (const Product& product : products) {
      REVLM_TRY(AddTasks(product, num_rows, max_rows, tasks));
    }
    std::atomic<bool> failed = false;
    pool_.ParallelFor(
        static_cast<int64_t>(tasks.size()), [&](int64_t task, int thread_idx) {
          try {
            RunTask(tasks[static_cast<size_t>(task)], input, thread_idx);
          } catch (const std::exception&) {
            failed = true;
          }
        });
    if (!failed) return {};
    return base::MakeError(ErrorCode::kBudgetExceeded,
                           "multiplying {} rows: out of memory", num_rows);
  } catch (const dnnl::error& e) {
    return base::MakeError(ErrorCode::kInternal,
                           "multiplying {} rows: oneDNN says {}", num_rows,
                           e.what());
  }
}

}  // namespace

Result<std::unique_ptr<Matmul>> Matmul::Create(ComputeType compute,
                                               ThreadPool& pool,
                                               const Kernels& kernels) {
  try {
    const SingleThreadedOpenMp guard;
    return std::make_unique<DnnlMatmul>(compute, pool, kernels);
  } catch (const dnnl::error& e) {
    return base::MakeError(ErrorCode::kUnsupported,
                           "starting oneDNN: {}; its products do not work on "
                           "this machine",
                           e.what());
  }
}

int64_t Matmul::PaddedRows(int64_t num_rows) {
  return static_cast<int64_t>(
      base::AlignUp(static_cast<uint64_t>(num_rows), 64));
}

}  // namespace revlm::engine
