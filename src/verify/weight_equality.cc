#include "verify/weight_equality.h"

#include <algorithm>
#include <atomic>
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
};

bool WidensToF32(DType dtype) {
  return dtype == DType::kF32 || dtype == DType::kF16 || dtype == DType::kBf16;
}

// The memory of one thread.
struct Buffers {
  std::span<std::byte> bytes[2];
  std::span<float> values[2];
};

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
    TaskResult result;
    result.equal_bytes = same_shape && infos[0]->dtype == infos[1]->dtype;
    const bool can_widen = same_shape && WidensToF32(infos[0]->dtype) &&
                           WidensToF32(infos[1]->dtype);
    result.equal_values = can_widen || result.equal_bytes;
    crypto::Sha256Hasher hashers[2];
    // Pieces of equal numbers of elements on both sides.
    constexpr uint64_t kElements = kPieceBytes / sizeof(float);
    for (uint64_t first = 0;; first += kElements) {
      std::span<const std::byte> pieces[2];
      for (int side = 0; side < 2; ++side) {
        if (infos[side] == nullptr) continue;
        REVLM_ASSIGN_OR_RETURN(
            pieces[side],
            ReadPiece(side, *infos[side], first, buffers.bytes[side]));
        hashers[side].Update(pieces[side]);
      }
      if (pieces[0].empty() && pieces[1].empty()) break;
      if (result.equal_bytes) {
        result.equal_bytes = std::ranges::equal(pieces[0], pieces[1]);
      }
      if (!result.equal_bytes && can_widen && result.equal_values) {
        result.equal_values = HaveEqualValues(infos, pieces, buffers);
      }
      if (!result.equal_bytes && !can_widen) result.equal_values = false;
      read_bytes_ += pieces[0].size() + pieces[1].size();
      if (reports && options_.on_progress) {
        options_.on_progress(read_bytes_, total_bytes_);
      }
    }
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
                                               std::span<std::byte> buffer) {
    if (options_.stop.stop_requested()) {
      return base::MakeError(ErrorCode::kCancelled,
                             "comparing weights: stopped on request");
    }
    // Of types narrower than a byte, twice the elements fit; wider ones than
    // F32 take more than a piece, so elements are counted in bytes of 4.
    const uint64_t bits = formats::DTypeBits(info.dtype);
    const uint64_t element_bytes = bits >= 8 && bits <= 32 ? bits / 8 : 4;
    const uint64_t begin = first * element_bytes;
    if (begin >= info.size_bytes) return std::span<const std::byte>();
    const uint64_t count = std::min(
        info.size_bytes - begin, kPieceBytes / sizeof(float) * element_bytes);
    REVLM_ASSIGN_OR_RETURN(
        const std::byte* bytes,
        sides_[side]
            ->file(info.file_idx)
            .ReadUnaligned(info.offset_bytes + begin, count, buffer));
    return std::span(bytes, count);
  }

  static bool HaveEqualValues(const TensorInfo* const infos[2],
                              const std::span<const std::byte> pieces[2],
                              const Buffers& buffers) {
    const engine::Kernels& kernels = engine::BestKernels();
    size_t count = 0;
    for (int side = 0; side < 2; ++side) {
      count = pieces[side].size() * 8 / formats::DTypeBits(infos[side]->dtype);
      kernels.widen(engine::WeightType(*infos[side]), pieces[side].data(),
                    static_cast<int64_t>(count), buffers.values[side].data());
    }
    return std::memcmp(buffers.values[0].data(), buffers.values[1].data(),
                       count * sizeof(float)) == 0;
  }

  const Checkpoint* sides_[2];
  const WeightOptions& options_;
  const uint64_t total_bytes_;
  std::atomic<uint64_t> read_bytes_ = 0;
  std::vector<crypto::Sha256Digest> digests_[2];
};

Result<memory::Arena> MapBuffers(int num_threads, memory::Budget& budget) {
  std::vector<memory::Region> regions;
  for (int i = 0; i < num_threads; ++i) {
    for (int side = 0; side < 2; ++side) {
      regions.push_back(
          {memory::Use::kScratch, base::UnalignedReadBytes(kPieceBytes)});
      regions.push_back({memory::Use::kScratch, kPieceBytes});
    }
  }
  return memory::Arena::Map(budget, regions);
}

Buffers BuffersOf(const memory::Arena& arena, int thread_idx) {
  Buffers buffers;
  for (size_t side = 0; side < 2; ++side) {
    const size_t region = static_cast<size_t>(thread_idx) * 4 + side * 2;
    buffers.bytes[side] = arena.region(region);
    const std::span<std::byte> values = arena.region(region + 1);
    buffers.values[side] = {reinterpret_cast<float*>(values.data()),
                            values.size() / sizeof(float)};
  }
  return buffers;
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

Result<WeightEquality> CompareBytes(const Checkpoint& a, const Checkpoint& b,
                                    const TensorPairs& pairs,
                                    engine::ThreadPool& pool,
                                    memory::Budget& budget,
                                    const WeightOptions& options) {
  std::vector<Task> tasks;
  for (const TensorPair& pair : pairs.pairs) {
    tasks.push_back({pair.tensor_a, pair.tensor_b});
  }
  for (const int32_t idx : pairs.only_a) tasks.push_back({.tensor_a = idx});
  for (const int32_t idx : pairs.only_b) tasks.push_back({.tensor_b = idx});
  REVLM_ASSIGN_OR_RETURN(const memory::Arena arena,
                         MapBuffers(pool.num_threads(), budget));
  Reader reader(a, b, options);
  std::vector<TaskResult> results(tasks.size());
  REVLM_TRY(pool.TryParallelFor(
      static_cast<int64_t>(tasks.size()),
      [&](int64_t task, int thread_idx) -> Status {
        const auto idx = static_cast<size_t>(task);
        REVLM_ASSIGN_OR_RETURN(
            results[idx], reader.Read(tasks[idx], BuffersOf(arena, thread_idx),
                                      thread_idx == 0));
        return {};
      }));
  WeightEquality equality;
  Conclude(a, b, pairs, results, equality);
  REVLM_ASSIGN_OR_RETURN(const run::WeightDigests digests_a,
                         run::MakeWeightDigests(a, reader.digests(0)));
  REVLM_ASSIGN_OR_RETURN(const run::WeightDigests digests_b,
                         run::MakeWeightDigests(b, reader.digests(1)));
  equality.root_a = digests_a.root;
  equality.root_b = digests_b.root;
  return equality;
}

}  // namespace revlm::verify
