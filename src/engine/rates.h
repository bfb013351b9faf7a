// How fast this machine reads a checkpoint and multiplies, measured in a few
// hundredths of a second.
//
// Threads: uses the pool and threads of its own. Memory: `kProbeBytes` while it
// runs. Errors: a checkpoint that cannot be read gives the defaults; its
// errors come when it is run.
#pragma once

#include "engine/memory_plan.h"
#include "engine/thread_pool.h"

namespace revlm::engine {

// Held for a moment, before a plan's memory is taken.
inline constexpr uint64_t kProbeBytes = 24 << 20;

Rates MeasureRates(const formats::Checkpoint& checkpoint, Matmul& matmul,
                   const ModelSpec& spec);

}  // namespace revlm::engine
