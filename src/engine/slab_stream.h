// Brings slabs of bytes into memory in the order in which they will be used.
//
// A slab is a list of parts of files, read in one go by several threads. Files
// are opened with Caching::kDirect, so that nothing sits in the page cache as
// well. Streamed slabs share a ring of slots: while one is used the next ones
// are read. Pinned slabs have memory of their own and are read once.
//
//   stream.Enqueue(0); stream.Enqueue(1); ...   // what comes next, in order
//   auto slab = stream.Acquire();               // waits for the oldest
//   ... slab->part(i) ...
//   stream.Release(slab->ticket());             // its slot may be reused
//
// Further slabs may be acquired while one is held, as long as slots are left.
// A slab of a scratch file (`EnqueueScratch`) is read to given places of its
// slot, and what changed in it is written back before the slot is reused. What
// is written must be flushed before it is enqueued again.
//
// Threads: one consumer; reading and writing happen in threads of its own.
// Lifetime: borrows the files and the memory; views are valid until Release.
// Memory: what is passed in, and O(slabs). Errors: those of base::File, given
// by Acquire: file and offset are named. Determinism: bytes only; timing never
// shows.
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

#include "base/bytes.h"
#include "base/error.h"
#include "base/file.h"
#include "base/scratch_file.h"

namespace revlm::engine {

// Bytes of one tensor, or of some rows of it.
struct SlabPart {
  int32_t tensor_idx = 0;  // for whoever looks at the slab
  int32_t file_idx = 0;
  uint64_t file_offset = 0;
  uint64_t size_bytes = 0;
  uint64_t tensor_offset = 0;  // of the first byte, within the tensor
};

// A stretch of a scratch file and its place in a slot, both aligned to
// kMaxDirectAlignment.
struct ScratchExtent {
  uint64_t file_offset = 0;
  uint64_t slot_offset = 0;
  uint64_t size_bytes = 0;
};

// A slab in memory.
class SlabView {
 public:
  SlabView(uint64_t ticket, int32_t slab_idx, std::byte* base,
           std::span<const uint64_t> offsets)
      : ticket_(ticket), slab_idx_(slab_idx), base_(base), offsets_(offsets) {}

  uint64_t ticket() const { return ticket_; }
  int32_t slab_idx() const { return slab_idx_; }  // -1: of the scratch file
  std::byte* base() const { return base_; }
  // The first byte of a part, in the order of the parts given. May be
  // unaligned.
  const std::byte* part(size_t part_idx) const {
    return base_ + offsets_[part_idx];
  }

 private:
  uint64_t ticket_;
  int32_t slab_idx_;
  std::byte* base_;
  std::span<const uint64_t> offsets_;
};

class SlabStream {
 public:
  // So many reads and writes are under way at once.
  static constexpr int kDefaultReaders = 8;
  struct Options {
    std::span<std::byte> ring;       // num_slots slots of equal size
    int num_slots = 0;               // at least 2, when anything is streamed
    std::vector<std::byte*> pinned;  // by slab: its memory; null: streamed
    const base::ScratchFile* scratch = nullptr;  // of EnqueueScratch
    int num_readers = kDefaultReaders;
    // Called in a thread of its own with each slab of weights when it is first
    // read, before its memory is reused; in the order in which slabs are used.
    // Called again for a slab whose first use was cut short by Clear.
    std::function<void(const SlabView&)> on_first_read;
  };

  // Memory is aligned to kMaxDirectAlignment; each slab fits its slot or its
  // pinned memory (base::UnalignedReadBytes of each of its parts).
  SlabStream(std::vector<const base::File*> files,
             std::vector<std::vector<SlabPart>> slabs, Options options);
  ~SlabStream();
  SlabStream(const SlabStream&) = delete;
  SlabStream& operator=(const SlabStream&) = delete;

  uint64_t read_bytes() const;     // so far, weights and scratch
  uint64_t written_bytes() const;  // likewise

  void Enqueue(int32_t slab_idx);
  // From the next time that it is enqueued, the slab stays in `memory`.
  // REQUIRES: it was streamed.
  void Pin(int32_t slab_idx, std::byte* memory);
  void EnqueueScratch(std::vector<ScratchExtent> extents);
  // Forgets what was enqueued and not yet released. After an error, too.
  void Clear();

  // The oldest slab not yet acquired. REQUIRES: one is enqueued.
  Result<SlabView> Acquire();
  // `changed` of a scratch slab is written back.
  void Release(uint64_t ticket, std::vector<ScratchExtent> changed = {});

  // Waits until everything that Release asked for is written.
  Status Flush();

 private:
  enum class State { kReading, kReady, kHeld, kWriting, kDone };
  struct Chunk {
    const base::File* file = nullptr;  // null: the scratch file, to write
    uint64_t file_offset = 0;
    uint64_t size_bytes = 0;
    std::byte* memory = nullptr;
    uint64_t slot_offset = 0;
  };
  struct Layout {
    std::vector<Chunk> extents;  // without memory
    std::vector<uint64_t> part_offsets;
  };
  // An entry of the schedule.
  struct Entry {
    uint64_t ticket = 0;
    int32_t slab_idx = -1;
    State state = State::kReading;
    std::byte* memory = nullptr;  // null: waits for a slot
    int slot = -1;
    std::vector<Chunk> chunks;  // to read, then to write
    size_t next_chunk = 0;
    size_t num_chunks_done = 0;
    bool observed = false;  // or nothing to observe
    bool failed = false;    // a chunk could not be read
  };

  // Cuts a stretch of a file, `whole`, into chunks that are moved at once.
  static void AddChunks(const Chunk& whole, std::vector<Chunk>& chunks);
  static Layout MakeLayout(const std::vector<const base::File*>& files,
                           const std::vector<SlabPart>& parts);
  void Append(Entry entry);
  bool GiveMemory(Entry& entry);
  Entry* NextToMove();
  Entry& Find(uint64_t ticket);
  void DropDone();
  void FinishChunk(Entry& entry, const Chunk& chunk, const Status& status);
  void MoveLoop(std::stop_token stop);
  void ObserveLoop(std::stop_token stop);
  Status Move(const Chunk& chunk) const;
  SlabView View(const Entry& entry) const;

  const std::vector<const base::File*> files_;
  const Options options_;
  std::vector<Layout> layouts_;

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Entry> schedule_;         // guarded by mutex_; in order of use
  std::vector<int> free_slots_;        // guarded by mutex_
  std::vector<std::byte*> pinned_;     // guarded by mutex_; per slab
  std::vector<bool> is_kept_;          // guarded by mutex_; read to its pin
  std::vector<bool> was_read_;         // guarded by mutex_; per slab
  uint64_t next_ticket_ = 1;           // guarded by mutex_
  uint64_t read_bytes_ = 0;            // guarded by mutex_
  uint64_t written_bytes_ = 0;         // guarded by mutex_
  bool observing_ = false;             // guarded by mutex_
  std::optional<Error> error_;         // guarded by mutex_
  std::vector<std::jthread> threads_;  // last: stops before the rest goes
};

}  // namespace revlm::engine
