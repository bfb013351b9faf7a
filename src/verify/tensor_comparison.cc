#include "verify/tensor_comparison.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstring>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/file.h"
#include "crypto/sha256.h"
#include "engine/kernels.h"
#include "engine/model.h"
#include "memory/arena.h"
#include "run/weight_digests.h"

namespace revlm::verify {
namespace {

using engine::kNoTensor;
using formats::Checkpoint;
using formats::DType;
using formats::TensorInfo;

// One read: a tensor of either side, or both of a pair.
struct Task {
  int32_t tensor_a = kNoTensor;
  int32_t tensor_b = kNoTensor;
};

struct TaskResult {
  bool equal_bytes = false;
  bool equal_values = false;
  int64_t num_varied = 0;  // places, up to kFewestVaried, of equal values
  PairDifference difference;
};

bool WidensToF32(DType dtype) {
  return dtype == DType::kF32 || dtype == DType::kF16 || dtype == DType::kBf16;
}

// Of types narrower than a byte, and of those that take more than F32, elements
// are counted in bytes of 4.
uint64_t ElementBytes(DType dtype) {
  const uint64_t bits = formats::DTypeBits(dtype);
  return bits >= 8 && bits <= 32 ? bits / 8 : 4;
}

// A tensor with so many places of three values that two models share was not
// arrived at twice.
constexpr int64_t kFewestVaried = 256;

// Places, up to `most`, at which an element differs from both before it, which
// differ themselves.
template <typename T>
int64_t CountVaried(std::span<const std::byte> bytes, int64_t most) {
  const size_t size = bytes.size() / sizeof(T);
  const auto at = [&](size_t i) {
    T value;
    std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
    return value;
  };
  int64_t count = 0;
  for (size_t i = 2; i < size && count < most; ++i) {
    const T before = at(i - 1);
    const T first = at(i - 2);
    count += at(i) != before && at(i) != first && before != first ? 1 : 0;
  }
  return count;
}

int64_t CountVaried(DType dtype, std::span<const std::byte> bytes,
                    int64_t most) {
  switch (ElementBytes(dtype)) {
    case 1:
      return CountVaried<uint8_t>(bytes, most);
    case 2:
      return CountVaried<uint16_t>(bytes, most);
    default:
      return CountVaried<uint32_t>(bytes, most);
  }
}

// The memory of one thread, for each side.
using Buffers = std::array<std::span<std::byte>, 2>;

// `value` rounded to a number format of 16 bits, to nearest even; as it is for
// others.
float Rounded(float value, DType dtype) {
  if (dtype == DType::kF16) {
    return static_cast<float>(static_cast<_Float16>(value));
  }
  if (dtype != DType::kBf16 || !std::isfinite(value)) return value;
  const auto bits = std::bit_cast<uint32_t>(value);
  const uint32_t to_even = 0x7fff + ((bits >> 16) & 1);
  return std::bit_cast<float>((bits + to_even) & 0xffff0000);
}

// Where formats differ: what in one is that in the other, rounded.
void AddRounded(const TensorInfo* const infos[2],
                const std::span<const std::byte> pieces[2],
                PairDifference& total) {
  constexpr size_t kBlock = 2048;  // widened at a time: stays in cache
  const engine::Kernels& kernels = engine::BestKernels();
  const size_t size = pieces[0].size() / ElementBytes(infos[0]->dtype);
  float values[2][kBlock];
  for (size_t first = 0; first < size; first += kBlock) {
    const size_t count = std::min(kBlock, size - first);
    for (int side = 0; side < 2; ++side) {
      const DType dtype = infos[side]->dtype;
      kernels.widen(engine::WeightType(*infos[side]),
                    pieces[side].data() + first * ElementBytes(dtype),
                    static_cast<int64_t>(count), values[side]);
    }
    for (size_t i = 0; i < count; ++i) {
      const float a = values[0][i];
      const float b = values[1][i];
      if (std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b)) continue;
      total.num_rounded_in_b += b == Rounded(a, infos[1]->dtype) ? 1 : 0;
      total.num_rounded_in_a += a == Rounded(b, infos[0]->dtype) ? 1 : 0;
    }
  }
}

class Reader {
 public:
  Reader(const Checkpoint& a, const Checkpoint& b, const WeightOptions& options)
      : sides_{&a, &b},
        options_(options),
        total_bytes_(a.weight_bytes() + b.weight_bytes()) {
    digests_[0].resize(a.tensors().size());
    digests_[1].resize(b.tensors().size());
  }

  Result<TaskResult> Read(const Task& task, const Buffers& buffers,
                          bool reports) {
    const TensorInfo* infos[2] = {Info(0, task.tensor_a),
                                  Info(1, task.tensor_b)};
    const bool is_pair = infos[0] != nullptr && infos[1] != nullptr;
    const bool same_shape = is_pair && infos[0]->shape == infos[1]->shape;
    const bool can_widen = same_shape && WidensToF32(infos[0]->dtype) &&
                           WidensToF32(infos[1]->dtype);
    TaskResult result;
    result.equal_bytes = same_shape && infos[0]->dtype == infos[1]->dtype;
    crypto::Sha256Hasher hashers[2];
    uint64_t widest = 1;
    for (const TensorInfo* info : infos) {
      if (info != nullptr) widest = std::max(widest, ElementBytes(info->dtype));
    }
    // Pieces of equal numbers of elements on both sides.
    const uint64_t num_elements =
        (buffers[0].size() - base::UnalignedReadBytes(0)) / widest;
    for (uint64_t first = 0;; first += num_elements) {
      std::span<const std::byte> pieces[2];
      for (int side = 0; side < 2; ++side) {
        if (infos[side] == nullptr) continue;
        REVLM_ASSIGN_OR_RETURN(
            pieces[side],
            ReadPiece(side, *infos[side], first, num_elements, buffers));
        hashers[side].Update(pieces[side]);
      }
      if (pieces[0].empty() && pieces[1].empty()) break;
      if (result.equal_bytes) {
        result.equal_bytes = std::ranges::equal(pieces[0], pieces[1]);
      }
      if (can_widen) AddDifference(infos, pieces, result.difference);
      if (result.num_varied < kFewestVaried &&
          (result.equal_bytes ||
           (can_widen && result.difference.num_changed == 0))) {
        result.num_varied += CountVaried(infos[0]->dtype, pieces[0],
                                         kFewestVaried - result.num_varied);
      }
      read_bytes_ += pieces[0].size() + pieces[1].size();
      if (reports && options_.on_progress) {
        options_.on_progress(read_bytes_, total_bytes_);
      }
    }
    result.equal_values =
        result.equal_bytes || (can_widen && result.difference.num_changed == 0);
    for (int side = 0; side < 2; ++side) {
      if (infos[side] == nullptr) continue;
      const size_t idx =
          static_cast<size_t>(side == 0 ? task.tensor_a : task.tensor_b);
      digests_[side][idx] = hashers[side].Finish();
    }
    return result;
  }

  const std::vector<crypto::Sha256Digest>& digests(int side) const {
    return digests_[side];
  }

 private:
  const TensorInfo* Info(int side, int32_t tensor_idx) const {
    return tensor_idx == kNoTensor ? nullptr
                                   : &sides_[side]->tensor(tensor_idx);
  }

  // Elements from `first` on; none after the last.
  Result<std::span<const std::byte>> ReadPiece(int side, const TensorInfo& info,
                                               uint64_t first,
                                               uint64_t num_elements,
                                               const Buffers& buffers) {
    if (options_.stop.stop_requested()) {
      return base::MakeError(ErrorCode::kCancelled,
                             "comparing weights: stopped on request");
    }
    const uint64_t begin = first * ElementBytes(info.dtype);
    if (begin >= info.size_bytes) return std::span<const std::byte>();
    const uint64_t count = std::min(info.size_bytes - begin,
                                    num_elements * ElementBytes(info.dtype));
    REVLM_ASSIGN_OR_RETURN(
        const std::byte* bytes,
        sides_[side]
            ->file(info.file_idx)
            .ReadUnaligned(info.offset_bytes + begin, count, buffers[side]));
    return std::span(bytes, count);
  }

  static void AddDifference(const TensorInfo* const infos[2],
                            const std::span<const std::byte> pieces[2],
                            PairDifference& total) {
    const engine::ElementType types[2] = {engine::WeightType(*infos[0]),
                                          engine::WeightType(*infos[1])};
    const auto count =
        static_cast<int64_t>(pieces[0].size() / ElementBytes(infos[0]->dtype));
    const engine::RowDifference difference = engine::BestKernels().difference(
        types[0], pieces[0].data(), types[1], pieces[1].data(), count);
    total.Add({.num_elements = count,
               .squares_a = difference.squares_a,
               .squares_b = difference.squares_b,
               .squares_difference = difference.squares_difference,
               .num_changed = difference.num_changed,
               .num_zeroed_in_b = difference.num_zeroed_in_b,
               .num_zeroed_in_a = difference.num_zeroed_in_a});
    if (types[0] != types[1]) AddRounded(infos, pieces, total);
  }

  const Checkpoint* sides_[2];
  const WeightOptions& options_;
  const uint64_t total_bytes_;
  std::atomic<uint64_t> read_bytes_ = 0;
  std::vector<crypto::Sha256Digest> digests_[2];
};

Buffers BuffersOf(const memory::Arena& arena, int thread_idx) {
  const auto region = static_cast<size_t>(thread_idx) * 2;
  return {arena.region(region), arena.region(region + 1)};
}

// The level and the lists, from what each pair gave.
void Conclude(const Checkpoint& a, const Checkpoint& b,
              const TensorPairs& pairs, std::span<const TaskResult> results,
              WeightEquality& equality) {
  bool all_used_equal = pairs.all_used_paired;
  for (size_t i = 0; i < pairs.pairs.size(); ++i) {
    const std::string& name = a.tensor(pairs.pairs[i].tensor_a).name;
    equality.num_equal_bytes += results[i].equal_bytes ? 1 : 0;
    equality.num_equal_values += results[i].equal_values ? 1 : 0;
    (results[i].equal_values ? equality.equal_tensors
                             : equality.differing_tensors)
        .push_back(name);
    // Squares of F32 are finite in F64, and so are sums of them.
    if (!std::isfinite(results[i].difference.squares_a)) {
      equality.not_finite_in_a.push_back(name);
    }
    if (!std::isfinite(results[i].difference.squares_b)) {
      equality.not_finite_in_b.push_back(
          b.tensor(pairs.pairs[i].tensor_b).name);
    }
    if (pairs.pairs[i].is_learned && results[i].equal_values &&
        results[i].num_varied >= kFewestVaried) {
      equality.common_tensors.push_back(name);
    }
    if (pairs.pairs[i].is_used && !results[i].equal_values) {
      all_used_equal = false;
    }
  }
  for (const int32_t idx : pairs.only_a) {
    equality.only_in_a.push_back(a.tensor(idx).name);
  }
  for (const int32_t idx : pairs.only_b) {
    equality.only_in_b.push_back(b.tensor(idx).name);
  }
  const auto num_pairs = static_cast<int64_t>(pairs.pairs.size());
  const bool all_paired = pairs.only_a.empty() && pairs.only_b.empty();
  equality.num_tensors = num_pairs + static_cast<int64_t>(pairs.only_a.size() +
                                                          pairs.only_b.size());
  if (all_paired && equality.num_equal_bytes == num_pairs) {
    equality.level = EqualityLevel::kBytes;
  } else if (all_used_equal ||
             (all_paired && equality.num_equal_values == num_pairs)) {
    equality.level = EqualityLevel::kValues;
  } else if (equality.num_equal_values > 0) {
    equality.level = EqualityLevel::kSome;
  }
}

}  // namespace

void PairDifference::Add(const PairDifference& other) {
  num_elements += other.num_elements;
  squares_a += other.squares_a;
  squares_b += other.squares_b;
  squares_difference += other.squares_difference;
  num_changed += other.num_changed;
  num_zeroed_in_b += other.num_zeroed_in_b;
  num_zeroed_in_a += other.num_zeroed_in_a;
  num_rounded_in_b += other.num_rounded_in_b;
  num_rounded_in_a += other.num_rounded_in_a;
}

Result<memory::Arena> MapComparisonBuffers(const Checkpoint& a,
                                           const Checkpoint& b, int num_threads,
                                           memory::Budget& budget) {
  uint64_t most = 1;
  for (const Checkpoint* side : {&a, &b}) {
    for (const TensorInfo& info : side->tensors()) {
      most = std::max(most, info.size_bytes);
    }
  }
  // As much of one side is read as of the other, at up to 4 times the bytes.
  const uint64_t piece_bytes = std::min(
      kPieceBytes, base::AlignUp(std::min(most, kPieceBytes) * sizeof(float),
                                 base::kMaxDirectAlignment));
  const std::vector<memory::Region> regions(
      static_cast<size_t>(num_threads) * 2,
      {memory::Use::kScratch, base::UnalignedReadBytes(piece_bytes)});
  return memory::Arena::Map(budget, regions);
}

Result<TensorComparison> CompareTensors(const Checkpoint& a,
                                        const Checkpoint& b,
                                        const TensorPairs& pairs,
                                        engine::ThreadPool& pool,
                                        const memory::Arena& buffers,
                                        const WeightOptions& options) {
  std::vector<Task> tasks;
  for (const TensorPair& pair : pairs.pairs) {
    tasks.push_back({pair.tensor_a, pair.tensor_b});
  }
  for (const int32_t idx : pairs.only_a) tasks.push_back({.tensor_a = idx});
  for (const int32_t idx : pairs.only_b) tasks.push_back({.tensor_b = idx});
  Reader reader(a, b, options);
  std::vector<TaskResult> results(tasks.size());
  REVLM_TRY(pool.TryParallelFor(
      static_cast<int64_t>(tasks.size()),
      [&](int64_t task, int thread_idx) -> Status {
        const auto idx = static_cast<size_t>(task);
        REVLM_ASSIGN_OR_RETURN(
            results[idx],
            reader.Read(tasks[idx], BuffersOf(buffers, thread_idx),
                        thread_idx == 0));
        return {};
      }));
  TensorComparison comparison;
  for (size_t i = 0; i < pairs.pairs.size(); ++i) {
    comparison.differences.push_back(results[i].difference);
  }
  WeightEquality& equality = comparison.equality;
  Conclude(a, b, pairs, results, equality);
  REVLM_ASSIGN_OR_RETURN(const run::WeightDigests digests_a,
                         run::MakeWeightDigests(a, reader.digests(0)));
  REVLM_ASSIGN_OR_RETURN(const run::WeightDigests digests_b,
                         run::MakeWeightDigests(b, reader.digests(1)));
  equality.root_a = digests_a.root;
  equality.root_b = digests_b.root;
  return comparison;
}

}  // namespace revlm::verify
