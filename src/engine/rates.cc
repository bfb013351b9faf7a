#include "engine/rates.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "memory/arena.h"
#include "memory/budget.h"

namespace revlm::engine {
namespace {

constexpr uint64_t kReadBytes = 256 << 20;
constexpr uint64_t kSlotBytes = 4 << 20;
constexpr int64_t kRows = 256;
constexpr int kProducts = 3;

double SecondsSince(std::chrono::nanoseconds start) {
  return std::chrono::duration<double>(base::SystemClock().Monotonic() - start)
      .count();
}

// Reads the front of the largest tensor through a ring of four slots.
double ReadRate(const formats::Checkpoint& checkpoint,
                std::span<std::byte> ring, double otherwise) {
  const formats::TensorInfo& largest = *std::max_element(
      checkpoint.tensors().begin(), checkpoint.tensors().end(),
      [](const auto& a, const auto& b) { return a.size_bytes < b.size_bytes; });
  const uint64_t piece = kSlotBytes - 2 * base::kMaxDirectAlignment;
  std::vector<std::vector<SlabPart>> slabs;
  for (uint64_t done = 0;
       done + piece <= std::min(largest.size_bytes, kReadBytes);
       done += piece) {
    slabs.push_back({{.file_idx = 0,
                      .file_offset = largest.offset_bytes + done,
                      .size_bytes = piece}});
  }
  if (slabs.size() < 4) return otherwise;
  const double bytes = static_cast<double>(slabs.size() * piece);
  const int32_t count = static_cast<int32_t>(slabs.size());
  const auto start = base::SystemClock().Monotonic();
  SlabStream stream({&checkpoint.file(largest.file_idx)}, std::move(slabs),
                    {.ring = ring, .num_slots = 4});
  for (int32_t i = 0; i < count; ++i) stream.Enqueue(i);
  for (int32_t i = 0; i < count; ++i) {
    const auto slab = stream.Acquire();
    if (!slab) return otherwise;
    stream.Release(slab->ticket());
  }
  return bytes / SecondsSince(start);
}

// A product of the model's own shape, after one to warm up.
double ProductRate(Matmul& matmul, const ModelSpec& spec,
                   std::span<std::byte> memory, double otherwise) {
  const int64_t k = spec.hidden_size;
  const int64_t input_bytes = matmul.InputRowBytes(k);
  const uint64_t rows_bytes = static_cast<uint64_t>(kRows * input_bytes);
  if (rows_bytes >= memory.size()) return otherwise;
  const int64_t columns = std::min(
      int64_t{4096}, static_cast<int64_t>((memory.size() - rows_bytes) /
                                          static_cast<uint64_t>(input_bytes)) /
                         kColumnTile * kColumnTile);
  if (columns == 0) return otherwise;
  std::fill(memory.begin(), memory.end(), std::byte{0});
  const Product product = {.weight = {.data = memory.data() + rows_bytes,
                                      .type = matmul.operand(),
                                      .layout = WeightLayout::kOutIn,
                                      .out_features = columns,
                                      .in_features = k}};
  std::chrono::nanoseconds start = {};
  for (int i = 0; i <= kProducts; ++i) {
    if (i == 1) start = base::SystemClock().Monotonic();
    const Status status = matmul.Multiply(memory.data(), kRows, {&product, 1},
                                          [](const ResultTile&) {});
    if (!status) return otherwise;
  }
  return 2.0 * static_cast<double>(kProducts * kRows * columns * k) /
         SecondsSince(start);
}

}  // namespace

Rates MeasureRates(const formats::Checkpoint& checkpoint, Matmul& matmul,
                   const ModelSpec& spec) {
  Rates rates;
  memory::Budget budget(kProbeBytes);
  const memory::Region region = {memory::Use::kScratch, kProbeBytes};
  const auto arena = memory::Arena::Map(budget, {&region, 1});
  if (!arena) return rates;
  const std::span<std::byte> memory = arena->region(0);
  rates.read_bytes_per_second = ReadRate(
      checkpoint, memory.first(4 * kSlotBytes), rates.read_bytes_per_second);
  rates.flops_per_second =
      ProductRate(matmul, spec, memory, rates.flops_per_second);
  return rates;
}

}  // namespace revlm::engine
