// Reads slabs of weights into memory in the order in which they will be used.
//
// A slab is a list of parts of tensors, read in one go: parts that lie near
// each other in a file are read together, by several threads, with O_DIRECT
// where the filesystem allows it (elsewhere the pages read are dropped at
// once), so that weights never sit in the page cache as well.
//
//   stream.Enqueue(0); stream.Enqueue(1); ...   // what comes next, in order
//   auto slab = stream.Acquire();               // waits for the oldest
//   ... slab->part(i) ...
//   stream.Release();                           // its memory may be reused
//
// With Residency::kStream two slabs are held: the one in use and the one being
// read. With kResident a slab is read once and stays.
//
// Threads: one consumer; reading happens in threads of its own. Lifetime:
// borrows the files; views are valid until Release. Memory: two times the
// largest slab, or all slabs. Errors: those of base::File, given by Acquire,
// and kBudgetExceeded. Determinism: bytes only; timing never shows.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "engine/mapped_buffer.h"

namespace revlm::engine {

// Bytes of one tensor, or of some rows of it.
struct SlabPart {
  int32_t tensor_idx = 0;  // for whoever looks at the slab
  int32_t file_idx = 0;
  uint64_t file_offset = 0;
  uint64_t size_bytes = 0;
  uint64_t tensor_offset = 0;  // of the first byte, within the tensor
};

enum class Residency { kStream, kResident };

// A slab in memory.
class SlabView {
 public:
  SlabView(int32_t slab_idx, const std::byte* base,
           std::span<const uint64_t> offsets)
      : slab_idx_(slab_idx), base_(base), offsets_(offsets) {}

  int32_t slab_idx() const { return slab_idx_; }
  // The first byte of a part, in the order of the parts given. May be
  // unaligned.
  const std::byte* part(size_t part_idx) const {
    return base_ + offsets_[part_idx];
  }

 private:
  int32_t slab_idx_;
  const std::byte* base_;
  std::span<const uint64_t> offsets_;
};

class SlabStream {
 public:
  struct Options {
    Residency residency = Residency::kStream;
    int num_readers = 2;
    // Called in a thread of its own with each slab when it is first read,
    // before its memory is reused; in the order in which slabs are used. Called
    // again for a slab whose first use was cut short by Clear.
    std::function<void(const SlabView&)> on_first_read;
  };

  static Result<std::unique_ptr<SlabStream>> Create(
      std::vector<const base::File*> files,
      std::vector<std::vector<SlabPart>> slabs, Options options);
  ~SlabStream();

  // What a slab takes in memory: its parts and the alignment around them.
  uint64_t slab_buffer_bytes(int32_t slab_idx) const;
  // All bytes that Create's options will allocate.
  uint64_t memory_bytes() const;
  uint64_t read_bytes() const;

  void Enqueue(int32_t slab_idx);
  // How many slabs are enqueued and not yet released.
  size_t num_pending() const;
  // Forgets what was enqueued and not yet acquired. After an error, too.
  void Clear();

  // REQUIRES: a slab is enqueued, and none is held.
  Result<SlabView> Acquire();
  void Release();

 private:
  struct Extent {  // one stretch of a file
    int32_t file_idx = 0;
    uint64_t file_offset = 0;  // aligned for direct reads
    uint64_t size_bytes = 0;   // likewise; may reach beyond the end of the file
    uint64_t buffer_offset = 0;
  };
  struct Layout {
    std::vector<Extent> extents;
    std::vector<uint64_t> part_offsets;
    uint64_t buffer_bytes = 0;
  };
  // An entry of the schedule.
  struct Entry {
    int32_t slab_idx = 0;
    size_t buffer_idx = 0;
    std::vector<Extent> chunks;
    size_t next_chunk = 0;
    size_t num_chunks_done = 0;
    bool observed = false;  // or nothing to observe
    bool failed = false;    // a chunk could not be read

    bool is_ready() const { return num_chunks_done == chunks.size(); }
  };

  SlabStream(std::vector<const base::File*> files,
             std::vector<std::vector<SlabPart>> slabs, Options options);
  static Layout MakeLayout(const std::vector<const base::File*>& files,
                           const std::vector<SlabPart>& parts);
  void ReadLoop(std::stop_token stop);
  void ObserveLoop(std::stop_token stop);
  Entry* NextToRead();
  Status ReadChunk(const Extent& chunk, std::byte* buffer);
  SlabView View(const Entry& entry) const;

  const std::vector<const base::File*> files_;
  const Options options_;
  std::vector<Layout> layouts_;
  std::vector<MappedBuffer> buffers_;

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Entry> schedule_;  // guarded by mutex_; front: in use or next
  std::vector<bool> was_read_;  // guarded by mutex_; per slab
  size_t num_enqueued_ = 0;     // guarded by mutex_; ever
  uint64_t read_bytes_ = 0;     // guarded by mutex_
  bool observing_ = false;      // guarded by mutex_
  std::optional<Error> error_;  // guarded by mutex_
  std::vector<std::jthread> threads_;  // last: stops before the rest goes
};

}  // namespace revlm::engine
