// Reads every tensor of two checkpoints once: digests, whether the tensors that
// correspond are equal in bytes or in values, and how far their values differ.
//
// Values are equal when their exact widenings to F32 have the same bits; types
// that do not widen to it (F64, F8, integers) are compared as bytes.
//
// Threads: reads with the pool's threads; more of them than CPUs keep the disk
// busy while others hash. Memory: that of MapComparisonBuffers, twice
// kPieceBytes for each thread, less for small tensors. Errors: kBudgetExceeded,
// kCancelled, those of base::File. Determinism: of the bytes read.
#pragma once

#include <cstdint>
#include <vector>

#include "base/error.h"
#include "engine/thread_pool.h"
#include "formats/checkpoint.h"
#include "memory/arena.h"
#include "memory/budget.h"
#include "verify/tensor_pairs.h"
#include "verify/weights.h"

namespace revlm::verify {

inline constexpr uint64_t kPieceBytes = uint64_t{4} << 20;

// Of the values of a pair that widen to F32; nothing is counted of others.
struct PairDifference {
  int64_t num_elements = 0;
  double squares_a = 0;
  double squares_b = 0;
  double squares_difference = 0;
  int64_t num_changed = 0;      // a != b
  int64_t num_zeroed_in_b = 0;  // b = 0, a != 0
  int64_t num_zeroed_in_a = 0;
  // b = a rounded to the number format of b; of unlike formats.
  int64_t num_rounded_in_b = 0;
  int64_t num_rounded_in_a = 0;

  void Add(const PairDifference& other);
};

struct TensorComparison {
  WeightEquality equality;                  // all but `differing_settings`
  std::vector<PairDifference> differences;  // as the pairs
};

// What CompareTensors reads into, with so many threads.
Result<memory::Arena> MapComparisonBuffers(const formats::Checkpoint& a,
                                           const formats::Checkpoint& b,
                                           int num_threads,
                                           memory::Budget& budget);

// `buffers`: of MapComparisonBuffers for the pool's threads.
Result<TensorComparison> CompareTensors(const formats::Checkpoint& a,
                                        const formats::Checkpoint& b,
                                        const TensorPairs& pairs,
                                        engine::ThreadPool& pool,
                                        const memory::Arena& buffers,
                                        const WeightOptions& options);

}  // namespace revlm::verify
