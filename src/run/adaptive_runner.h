// Runs operations in parts, each as large as the controller of sched/adaptive.h
// says, and tells it how they went.
//
// A part is what the model is given at once; what does not fit in memory
// together is still grouped by the engine. Parts are even, so that no small
// rest costs a pass of its own. The first setting is that of the engine's own
// plan, so that nothing is lost where it was right.
//
// Threads: thread-confined. Lifetime: borrows what it is given for the call.
// Errors: the first one of a part. Determinism: how operations are cut into
// parts depends on the clock; by the engine's contract their results do not.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "engine/engine.h"
#include "memory/budget.h"
#include "memory/pressure.h"
#include "sched/adaptive.h"

namespace revlm::run {

struct AdaptiveWork {
  size_t num_operations = 0;
  int64_t interval = 20;  // finished operations from one decision to the next
  sched::Setting start;
  sched::SettingBounds bounds;
  // Runs operations `begin` to `end` - 1 with this setting. Returns how many
  // tokens went through the model.
  std::function<Result<int64_t>(size_t begin, size_t end,
                                const sched::Setting& setting)>
      run_part;
  std::function<memory::Pressure()> read_pressure;
  // Called with each decision that changes something.
  std::function<Status(const sched::Decision& decision)> on_change;
};

Status RunInParts(const AdaptiveWork& work, const base::Clock& clock);

// Where to begin and what may be tried for `num_operations` on an engine that
// has `num_threads` and would run them all together by `plan`; they can do with
// `floor_bytes` of memory.
void StartFromPlan(const engine::RunPlan& plan, uint64_t floor_bytes,
                   int32_t num_threads, AdaptiveWork& work);

// Holds back so much of a budget that an engine plans with what a setting
// leaves it. `whole_bytes` is the memory of the starting setting: with it,
// nothing is held back.
Result<memory::Reservation> HoldBack(memory::Budget& budget,
                                     const sched::Setting& setting,
                                     uint64_t whole_bytes);

}  // namespace revlm::run
