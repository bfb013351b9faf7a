// What the processes of a run take of memory, beside what engines plan with.
//
// Threads: pure functions. Determinism: of the arguments alone.
#pragma once

#include <cstdint>

#include "run/preparation.h"

namespace revlm::run {

// Of the heap, what the prompts take that a caller gave as texts.
uint64_t GivenBytes(const RunOptions& options);

// The process of the run, with as much of `prepared` as is there by now and so
// many workers to listen to. REQUIRES: num_workers >= 1.
uint64_t ProgramBytes(const Preparation& prepared, int32_t num_workers);

// A model's worker beside its engine, once it is described.
uint64_t WorkerBytes(const ModelWork& work, const Preparation& prepared);

// The longest message that makes sense once a model is described: a result, or
// a list of usual length.
uint32_t MaxMessageBytes(const ModelWork& work, const RunOptions& options);

}  // namespace revlm::run
