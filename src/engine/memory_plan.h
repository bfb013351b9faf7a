// How the memory of a run is spent, decided before anything is loaded.
//
// Bytes go, in this order, to: a ring of slabs; the rows of a pass, as many as
// keep the processor busy while the next slab is read; keys and values of as
// many sequences as decode together, on disk when reading them with each layer
// is faster than reading the weights more often; pinned slabs, spread evenly.
// Several ways of cutting are compared by the time that they are predicted to
// take (engine/plan_cost.h); of equally fast ones that which needs the disk
// least, then the smallest is taken.
//
// Threads: pure functions. Errors: kBudgetExceeded, naming the floor.
// Determinism: of the arguments alone; the floor does not depend on the rates.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/error.h"
#include "engine/activations.h"
#include "engine/engine.h"
#include "engine/schedule.h"
#include "engine/slab_plan.h"

namespace revlm::engine {

// What this machine was measured to do; defaults of an ordinary one.
struct Rates {
  double read_bytes_per_second = 1.5e9;
  double flops_per_second = 3e11;
};

// What a plan is made for.
struct PlanInput {
  const ModelSpec& spec;
  const formats::Checkpoint& checkpoint;
  const Matmul& matmul;
  KvPages kv_pages;
  int num_threads = 1;
  int64_t batch_size = INT64_MAX;  // requests of a group, at most
  bool keep_weights = true;        // slabs may be pinned
  bool can_spill = false;
  Rates rates;           // of the whole machine
  double cpu_share = 1;  // of it, for this model
  std::span<const RequestShape> requests;
};

// How the last group decodes: its rows take little of the memory that those of
// its prompts took, and the rest of it holds further slabs.
struct DecodePlan {
  PassLimits limits;
  uint64_t rows_bytes = 0;        // aligned for direct reads
  std::vector<bool> late_pinned;  // by slab
  uint64_t late_pinned_bytes = 0;
};

struct Plan {
  std::shared_ptr<const SlabPlan> slabs;
  int num_slots = 0;         // of the ring, each of use.slab_bytes
  std::vector<bool> pinned;  // by slab
  PassLimits pass_limits;
  DecodePlan decode;
  std::vector<ProductLimits> products;  // of its passes
  std::shared_ptr<const std::vector<GroupShape>> groups;
  bool spills = false;
  MemoryUse use;
  uint64_t floor_bytes = 0;
  double seconds = 0;       // predicted
  double read_seconds = 0;  // of the disk alone
};

// The best plan in at most `budget_bytes`.
Result<Plan> MakePlan(const PlanInput& input, uint64_t budget_bytes);

// The least budget that MakePlan can do with.
uint64_t FloorBytes(const PlanInput& input);

}  // namespace revlm::engine
