// How much of the heap a process of a run is planned to take.
//
// What malloc reports depends by some KiB on everything that was allocated
// before, down to the lengths of paths, so it is only a check on what is added
// up from what was asked for.
//
// Threads: any; for a process that is the run's own. Errors: none.
#pragma once

#include <cstdint>

namespace revlm::run {

// The heap in use: `counted_bytes`, which the caller added up, and what is in
// use whatever is asked (the command line, what libraries set up). More, in
// coarse steps, when malloc says that something else is kept.
uint64_t HeapInUse(uint64_t counted_bytes);

// What a process takes for a heap of so many bytes beside its code: that, its
// gaps, and what is private but not in the heap.
uint64_t PrivateBytes(uint64_t heap_bytes);

}  // namespace revlm::run
