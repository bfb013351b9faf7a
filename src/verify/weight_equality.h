// Reads every tensor of two checkpoints once: digests, and whether the tensors
// that correspond are equal in bytes or in values.
//
// Values are equal when their exact widenings to F32 have the same bits; types
// that do not widen to it (F64, F8, integers) are compared as bytes.
//
// Threads: reads with the pool's threads. Memory: kPieceBytes times 4 for each
// thread, reserved in `budget`. Errors: kBudgetExceeded, kCancelled, those of
// base::File. Determinism: of the bytes read.
#pragma once

#include <cstdint>

#include "base/error.h"
#include "engine/thread_pool.h"
#include "formats/checkpoint.h"
#include "memory/budget.h"
#include "verify/tensor_pairs.h"
#include "verify/weights.h"

namespace revlm::verify {

inline constexpr uint64_t kPieceBytes = uint64_t{4} << 20;

// All but `differing_settings`.
Result<WeightEquality> CompareBytes(const formats::Checkpoint& a,
                                    const formats::Checkpoint& b,
                                    const TensorPairs& pairs,
                                    engine::ThreadPool& pool,
                                    memory::Budget& budget,
                                    const WeightOptions& options);

}  // namespace revlm::verify
