// Two models brought into one frame: the residual stream of one turned onto
// that of the other, layers, heads and hidden units matched, and the test of
// whether they were trained independently.
//
// Threads: thread-confined. Lifetime: borrows checkpoints, descriptions, pool
// and budget. Memory: reserved in the budget; what stays are a few directions a
// channel. Errors: kBudgetExceeded, kCancelled, those of reading.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/error.h"
#include "engine/model.h"
#include "engine/thread_pool.h"
#include "fingerprint/relation.h"
#include "memory/budget.h"
#include "verify/relation_reader.h"
#include "verify/tensor_reader.h"
#include "verify/unit_matching.h"
#include "verify/weights.h"

namespace revlm::verify {

// How channels of a lie in b.
enum class ChannelMap {
  kInPlace,
  kPermuted,  // some with their signs turned
  kRotated,
};

struct WeightAlignment {
  TensorReader reader_a;
  TensorReader reader_b;
  ChannelMap channels = ChannelMap::kInPlace;
  fingerprint::RelationTest test;
  bool has_permuted_heads = false;
  std::optional<UnitEvidence> units;  // none: as many in neither
};

// Or why there is none.
Result<std::variant<std::string, WeightAlignment>> AlignWeights(
    const WeightSide& a, const engine::ModelSpec& spec_a, const WeightSide& b,
    const engine::ModelSpec& spec_b, engine::ThreadPool& pool,
    memory::Budget& budget, const WeightOptions& options);

}  // namespace revlm::verify
