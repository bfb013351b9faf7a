// revlm_rates CHECKPOINT [plain]: what this machine can do at best, as one JSON
// document.
//
//   flops_per_second        C: the engine's own products of the model's shapes,
//                           one layer's, many rows, all threads
//   plain_flops_per_second  when asked: the same products by plain oneDNN with
//                           oneDNN's own threads (plain_product.h)
//   read_bytes_per_second   B: direct reads of the model's largest file, from
//                           one end to the other, several at a time
//
// Medians of repeats.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/random.h"
#include "engine/activations.h"
#include "engine/matmul.h"
#include "engine/model.h"
#include "engine/thread_pool.h"
#include "formats/checkpoint.h"
#include "memory/arena.h"
#include "plain_product.h"

namespace revlm::bench {
namespace {

constexpr int64_t kRows = 4 * engine::kChunkRows;
constexpr uint64_t kReadBytes = 4 << 20;
// Of one reading. All of a model's file: a machine under this one may keep
// parts of it in a cache.
constexpr uint64_t kMostBytes = uint64_t{4} << 30;
constexpr int kReaders = 4;
constexpr double kSeconds = 1;  // of repeats, at least

double Now() {
  return std::chrono::duration<double>(base::SystemClock().Monotonic()).count();
}

double Median(std::vector<double> values) {
  const auto middle =
      values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// Every product of a layer.
std::vector<engine::LinearTensors> LinearsOf(const engine::ModelSpec& spec) {
  const engine::LayerTensors& layer = spec.layers.front();
  std::vector<engine::LinearTensors> linears = layer.qkv;
  linears.push_back(layer.attention_output);
  linears.insert(linears.end(), layer.mlp_inputs.begin(),
                 layer.mlp_inputs.end());
  linears.push_back(layer.down);
  return linears;
}

double FlopsOf(const std::vector<engine::LinearTensors>& linears) {
  double parameters = 0;
  for (const engine::LinearTensors& linear : linears) {
    parameters += static_cast<double>(linear.out_features * linear.in_features);
  }
  return 2 * parameters * kRows;
}

// Operands in [-1/32, 1/32), prepared as rows of activations are.
std::vector<std::byte> Operands(const engine::Matmul& matmul, int64_t rows,
                                int64_t columns, uint64_t seed) {
  const size_t row_bytes = static_cast<size_t>(matmul.InputRowBytes(columns));
  std::vector<std::byte> out(static_cast<size_t>(rows) * row_bytes);
  std::vector<float> row(static_cast<size_t>(columns));
  for (int64_t r = 0; r < rows; ++r) {
    for (size_t i = 0; i < row.size(); ++i) {
      const uint64_t idx = static_cast<uint64_t>(r * columns) + i;
      row[i] = static_cast<float>(base::UniformDouble(seed, idx) - 0.5) / 16;
    }
    matmul.PrepareRow(row.data(), columns,
                      out.data() + static_cast<size_t>(r) * row_bytes);
  }
  return out;
}

// A layer's products as the engine runs them.
Result<double> ProductRate(const engine::ModelSpec& spec,
                           engine::Matmul& matmul) {
  const std::vector<engine::LinearTensors> linears = LinearsOf(spec);
  int64_t widest = 0;
  std::vector<std::vector<std::byte>> weights;
  for (const engine::LinearTensors& linear : linears) {
    widest = std::max(widest, linear.in_features);
    weights.push_back(Operands(matmul, linear.out_features, linear.in_features,
                               weights.size()));
  }
  const std::vector<std::byte> input = Operands(matmul, kRows, widest, 99);
  std::vector<double> times;
  const double end = Now() + kSeconds;
  while (times.size() < 3 || Now() < end) {
    const double start = Now();
    for (size_t i = 0; i < linears.size(); ++i) {
      const engine::Product product = {
          .weight = {.data = weights[i].data(),
                     .type = matmul.operand(),
                     .layout = engine::WeightLayout::kOutIn,
                     .out_features = linears[i].out_features,
                     .in_features = linears[i].in_features}};
      const int64_t row_bytes = matmul.InputRowBytes(linears[i].in_features);
      for (int64_t row = 0; row < kRows; row += engine::kChunkRows) {
        REVLM_TRY(matmul.Multiply(input.data() + row * row_bytes,
                                  engine::kChunkRows, {&product, 1},
                                  [](const engine::ResultTile&) {}));
      }
    }
    times.push_back(Now() - start);
  }
  times.erase(times.begin());  // compiles and proves
  return FlopsOf(linears) / Median(std::move(times));
}

double PlainRate(const engine::ModelSpec& spec, int num_threads) {
  const std::vector<engine::LinearTensors> linears = LinearsOf(spec);
  double seconds = 0;
  for (const engine::LinearTensors& linear : linears) {
    seconds += PlainProductSeconds(kRows, linear.out_features,
                                   linear.in_features, num_threads);
  }
  return FlopsOf(linears) / seconds;
}

// Seconds that kReaders take for the first `size_bytes` of a file.
std::optional<double> ReadSeconds(const base::File& file, uint64_t size_bytes,
                                  std::span<std::byte> memory) {
  std::atomic<uint64_t> next = 0;
  std::atomic<bool> failed = false;
  const double start = Now();
  {
    std::vector<std::jthread> readers;
    for (int i = 0; i < kReaders; ++i) {
      const std::span<std::byte> buffer =
          memory.subspan(static_cast<size_t>(i) * kReadBytes, kReadBytes);
      readers.emplace_back([&, buffer] {
        for (;;) {
          const uint64_t offset = next.fetch_add(kReadBytes);
          if (offset >= size_bytes || failed) return;
          if (!file.ReadAt(offset, buffer)) failed = true;
        }
      });
    }
  }
  if (failed) return std::nullopt;
  return Now() - start;
}

Result<double> ReadRate(const formats::Checkpoint& checkpoint) {
  const formats::TensorInfo& largest = *std::max_element(
      checkpoint.tensors().begin(), checkpoint.tensors().end(),
      [&](const auto& a, const auto& b) {
        return checkpoint.file(a.file_idx).size_bytes() <
               checkpoint.file(b.file_idx).size_bytes();
      });
  const base::File& file = checkpoint.file(largest.file_idx);
  const uint64_t size_bytes = std::min(file.size_bytes(), kMostBytes);
  memory::Budget budget(kReadBytes * kReaders);
  const memory::Region region = {memory::Use::kScratch, kReadBytes * kReaders};
  REVLM_ASSIGN_OR_RETURN(const memory::Arena arena,
                         memory::Arena::Map(budget, {&region, 1}));
  std::vector<double> times;
  const double end = Now() + kSeconds;
  while (times.empty() || Now() < end) {
    const std::optional<double> took =
        ReadSeconds(file, size_bytes, arena.region(0));
    if (!took) {
      return base::MakeError(ErrorCode::kUnavailable, "reading {} failed",
                             file.path());
    }
    times.push_back(*took);
  }
  return static_cast<double>(size_bytes) / Median(std::move(times));
}

Status Measure(const std::string& directory, bool plain) {
  REVLM_ASSIGN_OR_RETURN(const formats::Checkpoint checkpoint,
                         formats::Checkpoint::Open(directory));
  REVLM_ASSIGN_OR_RETURN(const engine::ModelSpec spec,
                         engine::DescribeModel(checkpoint));
  engine::ThreadPool pool(engine::ThreadPool::NumUsableCpus());
  REVLM_ASSIGN_OR_RETURN(const std::unique_ptr<engine::Matmul> matmul,
                         engine::Matmul::Create(engine::ComputeType::kBf16,
                                                pool, engine::BestKernels()));
  REVLM_ASSIGN_OR_RETURN(const double read, ReadRate(checkpoint));
  REVLM_ASSIGN_OR_RETURN(const double flops, ProductRate(spec, *matmul));
  base::Json document = {{"read_bytes_per_second", read},
                         {"flops_per_second", flops},
                         {"threads", pool.num_threads()},
                         {"isa", matmul->numerics().isa},
                         {"products", matmul->numerics().products}};
  if (plain) {
    document["plain_flops_per_second"] = PlainRate(spec, pool.num_threads());
  }
  std::printf("%s\n", document.dump().c_str());
  return {};
}

}  // namespace
}  // namespace revlm::bench

int main(int argc, char** argv) {
  const bool plain = argc == 3 && std::string(argv[2]) == "plain";
  if (argc != (plain ? 3 : 2)) {
    std::fprintf(stderr, "usage: revlm_rates CHECKPOINT [plain]\n");
    return 2;
  }
  const revlm::Status status = revlm::bench::Measure(argv[1], plain);
  if (status) return 0;
  std::fprintf(stderr, "revlm_rates: %s\n", status.error().message.c_str());
  return 1;
}
