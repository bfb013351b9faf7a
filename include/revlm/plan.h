// Says how a run would go in the memory there is, without reading weights.
//
// Threads: as revlm::Run. Memory: that of the models' tokenizers, and 24 MiB
// for a moment while disk and processor are measured (models of 256 MiB and
// more). Errors: those of revlm::Run before it starts; kBudgetExceeded below
// the floor, naming it. Determinism: the floor is that of the run with the same
// options; the rest depends on how fast the machine was just measured to be.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "revlm/error.h"
#include "revlm/run.h"

namespace revlm {

struct ModelPlan {
  std::string alias;
  std::string compute;        // "f32" or "bf16"
  uint64_t weight_bytes = 0;  // of the model
  uint64_t pass_bytes = 0;    // of them, what a pass reads

  // What the run's process and this model's worker hold while it runs.
  uint64_t program_bytes = 0;     // code, tokenizer, prompts, results
  uint64_t slab_bytes = 0;        // one slab of the ring
  uint64_t ring_bytes = 0;        // slabs that are streamed
  uint64_t pinned_bytes = 0;      // slabs that stay
  uint64_t activation_bytes = 0;  // rows of a pass
  uint64_t kv_bytes = 0;          // keys and values in memory
  uint64_t spilled_bytes = 0;     // keys and values on disk: no memory
  uint64_t scratch_bytes = 0;     // norms, products
  uint64_t result_bytes = 0;      // answers until they are handed over

  int32_t num_slabs = 0;
  int32_t num_pinned_slabs = 0;
  int64_t rows_per_pass = 0;        // at most
  int64_t sequences_per_group = 0;  // at most, that decode together
  int32_t num_groups = 0;
  int64_t num_passes = 0;  // over the weights, when nothing stops early
  double seconds = 0;      // predicted, from:
  double read_bytes_per_second = 0;
  double flops_per_second = 0;
};

// So many models at once, and what it was predicted to take with an equal part
// of memory and cores for each.
struct AtOnceChoice {
  int32_t num_workers = 0;
  double seconds = 0;
};

struct PlanReport {
  uint64_t limit_bytes = 0;
  std::string limit_notice;  // why it is less than was asked for
  uint64_t floor_bytes = 0;  // the least limit for these models and prompts
  uint64_t peak_bytes = 0;   // planned, of the process and its workers
  int64_t num_prompts = 0;
  std::string mode;                // as RunSummary::mode
  int64_t num_operations = 0;      // of the models that get a prompt
  int32_t max_models_at_once = 0;  // allowed
  int32_t num_workers = 0;         // models that will run at once
  // What `num_workers` was chosen from; empty when it was asked.
  std::vector<AtOnceChoice> at_once;
  double seconds = 0;  // predicted, so many models at once
  std::vector<ModelPlan> models;
};

Result<PlanReport> Plan(const RunOptions& options);

}  // namespace revlm
