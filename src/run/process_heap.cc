#include "run/process_heap.h"

#include "base/bytes.h"
#include "base/channel.h"
#include "memory/process_memory.h"

namespace revlm::run {
namespace {

constexpr uint64_t kMiB = 1 << 20;
constexpr uint64_t kKiB = 1 << 10;

// What is private and not in use in the heap: the first thread's stack, what
// libraries map for themselves, files of the locale, and a sixteenth of the
// heap, which is what its gaps take.
constexpr uint64_t kDataBytes = kMiB;
constexpr uint64_t kHeapGaps = 16;

// Heap that is in use whatever is asked: the command line, what libraries set
// up, and the channel to another process.
constexpr uint64_t kBaseHeapBytes = 384 * kKiB + base::Channel::kKeptBytes;

}  // namespace

uint64_t HeapInUse(uint64_t counted_bytes) {
  const uint64_t bytes = kBaseHeapBytes + counted_bytes;
  memory::TrimHeap();
  const uint64_t measured_bytes = memory::HeapBytes();
  if (measured_bytes <= bytes) return bytes;
  // Something is kept that is not added up: in steps so large that chance
  // hardly ever decides.
  return base::AlignUp(measured_bytes + kMiB, 4 * kMiB);
}

uint64_t PrivateBytes(uint64_t heap_bytes) {
  return kDataBytes + heap_bytes + heap_bytes / kHeapGaps;
}

}  // namespace revlm::run
