// What this process holds of the system's memory, and fences around it.
//
// Threads: any. Errors: kUnavailable.
#pragma once

#include <cstdint>

#include "base/error.h"

namespace revlm::memory {

struct ProcessMemory {
  uint64_t anonymous_bytes = 0;   // RssAnon
  uint64_t file_bytes = 0;        // RssFile: code and read-only data
  uint64_t shared_bytes = 0;      // RssShmem
  uint64_t peak_bytes = 0;        // VmHWM: the most the three were together
  uint64_t page_table_bytes = 0;  // VmPTE, beside the resident set
  uint64_t data_bytes = 0;        // VmData: private, writable, mapped
};

// All zero when /proc cannot be read.
ProcessMemory ReadProcessMemory();

// Of another process; all zero when it is gone.
ProcessMemory ReadProcessMemory(int64_t pid);

// Addresses that a thread takes for its stack when it is not told otherwise.
uint64_t StackBytes();
// Threads of this process.
uint64_t NumThreads();

// Bytes in use in the heap of malloc and operator new, by C libraries as well.
uint64_t HeapBytes();

// The next two concern the whole process: for a program's own process, never
// for a library's user.

// One heap for all threads that gives back what is freed, so that what it
// takes is what is in use.
void TuneHeap();
// The system refuses private memory beyond what is mapped now and `more_bytes`
// (RLIMIT_DATA): allocations fail instead of growing without bound. Only the
// soft limit moves, never above the hard one.
Status FenceHeap(uint64_t more_bytes);
// Takes away a fence that was inherited, as far as the hard limit allows.
void LiftFence();

// Gives free heap back to the system.
void TrimHeap();

}  // namespace revlm::memory
