// The memory of a run and what lies in it, made as a plan says: the ring of
// slabs, pinned slabs, rows, keys and values, norms and scratch.
//
// Everything large is one arena, present from the start; what products take of
// the heap is reserved beside it.
//
// Threads: thread-confined. Lifetime: borrows the machine, the checkpoint, the
// budget and the hasher. Errors: kBudgetExceeded, I/O. Memory goes back to the
// budget with the workspace.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/scratch_file.h"
#include "engine/memory_plan.h"
#include "engine/pass_runner.h"
#include "engine/weight_hasher.h"
#include "memory/arena.h"

namespace revlm::engine {

class Workspace {
 public:
  // `machine` is completed with what is loaded here. `hasher` may be null.
  static Result<std::unique_ptr<Workspace>> Create(
      Plan plan, Machine& machine, memory::Budget& budget, WeightHasher* hasher,
      const std::string& spill_directory);

  const Plan& plan() const { return plan_; }
  SlabStream& stream() { return *stream_; }
  PassRunner& passes() { return *passes_; }

  // From here on the last group decodes, in the memory that the plan has for
  // it: the rest of the rows' memory holds slabs. REQUIRES: called at most
  // once, between passes; none with prompts follows.
  void BeginLastDecoding();

  // Where the keys and values of a group, of these `requests`, go.
  KvStore StoreOf(const GroupShape& group,
                  std::span<const RequestShape> requests,
                  const KvPages& pages) const;

 private:
  Workspace(Plan plan, memory::Arena arena)
      : plan_(std::move(plan)), arena_(std::move(arena)) {}
  void OpenStream(const Machine& machine, WeightHasher* hasher);

  const Plan plan_;
  memory::Arena arena_;
  memory::Reservation heap_, results_;
  std::optional<base::ScratchFile> spill_;
  SmallTensors small_;
  std::unique_ptr<SlabStream> stream_;
  std::unique_ptr<PassRunner> passes_;
};

}  // namespace revlm::engine
