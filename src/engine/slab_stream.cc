#include "engine/slab_stream.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/check.h"

namespace revlm::engine {
namespace {

constexpr uint64_t kChunkBytes = 4 << 20;

}  // namespace

// Sorts parts by place and joins those that touch, so that tensors that lie
// together are one long read.
SlabStream::Layout SlabStream::MakeLayout(
    const std::vector<const base::File*>& files,
    const std::vector<SlabPart>& parts) {
  std::vector<size_t> order(parts.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return std::pair(parts[a].file_idx, parts[a].file_offset) <
           std::pair(parts[b].file_idx, parts[b].file_offset);
  });
  Layout layout;
  layout.part_offsets.resize(parts.size());
  uint64_t slot_bytes = 0;
  for (const size_t i : order) {
    const SlabPart& part = parts[i];
    const base::File* file = files[static_cast<size_t>(part.file_idx)];
    const uint64_t alignment = std::max<uint64_t>(file->direct_alignment(), 64);
    const uint64_t start = base::AlignDown(part.file_offset, alignment);
    const uint64_t end =
        base::AlignUp(part.file_offset + part.size_bytes, alignment);
    Chunk* last = layout.extents.empty() ? nullptr : &layout.extents.back();
    if (last == nullptr || last->file != file ||
        start > last->file_offset + last->size_bytes) {
      layout.extents.push_back({.file = file,
                                .file_offset = start,
                                .size_bytes = 0,
                                .slot_offset = slot_bytes});
      last = &layout.extents.back();
    }
    last->size_bytes = std::max(last->size_bytes, end - last->file_offset);
    layout.part_offsets[i] =
        last->slot_offset + (part.file_offset - last->file_offset);
    slot_bytes = base::AlignUp(last->slot_offset + last->size_bytes,
                               base::kMaxDirectAlignment);
  }
  return layout;
}

SlabStream::SlabStream(std::vector<const base::File*> files,
                       std::vector<std::vector<SlabPart>> slabs,
                       Options options)
    : files_(std::move(files)), options_(std::move(options)) {
  for (const std::vector<SlabPart>& parts : slabs) {
    layouts_.push_back(MakeLayout(files_, parts));
  }
  pinned_ = options_.pinned;
  pinned_.resize(slabs.size(), nullptr);
  is_kept_.resize(slabs.size(), false);
  was_read_.resize(slabs.size(), false);
  for (int slot = options_.num_slots; slot-- > 0;) free_slots_.push_back(slot);
  for (int i = 0; i < options_.num_readers; ++i) {
    threads_.emplace_back([this](std::stop_token stop) { MoveLoop(stop); });
  }
  if (options_.on_first_read) {
    threads_.emplace_back([this](std::stop_token stop) { ObserveLoop(stop); });
  }
}

SlabStream::~SlabStream() {
  for (std::jthread& thread : threads_) thread.request_stop();
}

uint64_t SlabStream::read_bytes() const {
  std::lock_guard lock(mutex_);
  return read_bytes_;
}

uint64_t SlabStream::written_bytes() const {
  std::lock_guard lock(mutex_);
  return written_bytes_;
}

void SlabStream::AddChunks(const Chunk& whole, std::vector<Chunk>& chunks) {
  for (uint64_t done = 0; done < whole.size_bytes; done += kChunkBytes) {
    chunks.push_back(
        {.file = whole.file,
         .file_offset = whole.file_offset + done,
         .size_bytes = std::min(kChunkBytes, whole.size_bytes - done),
         .slot_offset = whole.slot_offset + done});
  }
}

void SlabStream::Append(Entry entry) {
  entry.ticket = next_ticket_++;
  schedule_.push_back(std::move(entry));
}

void SlabStream::Enqueue(int32_t slab_idx) {
  {
    std::lock_guard lock(mutex_);
    const size_t i = static_cast<size_t>(slab_idx);
    Entry entry = {.slab_idx = slab_idx};
    entry.memory = pinned_[i];
    if (!is_kept_[i]) {
      for (const Chunk& extent : layouts_[i].extents) {
        AddChunks(extent, entry.chunks);
      }
    } else {
      entry.state = State::kReady;
    }
    is_kept_[i] = pinned_[i] != nullptr;
    entry.observed = was_read_[i] || !options_.on_first_read;
    was_read_[i] = true;
    Append(std::move(entry));
  }
  changed_.notify_all();
}

void SlabStream::Pin(int32_t slab_idx, std::byte* memory) {
  std::lock_guard lock(mutex_);
  std::byte*& pinned = pinned_[static_cast<size_t>(slab_idx)];
  REVLM_CHECK(pinned == nullptr);
  pinned = memory;
}

void SlabStream::EnqueueScratch(std::vector<ScratchExtent> extents) {
  {
    std::lock_guard lock(mutex_);
    Entry entry = {.observed = true};
    for (const ScratchExtent& extent : extents) {
      AddChunks({.file = &options_.scratch->file(),
                 .file_offset = extent.file_offset,
                 .size_bytes = extent.size_bytes,
                 .slot_offset = extent.slot_offset},
                entry.chunks);
    }
    Append(std::move(entry));
  }
  changed_.notify_all();
}

void SlabStream::Clear() {
  std::unique_lock lock(mutex_);
  // Reads and writes under way finish first: they use the memory.
  for (Entry& entry : schedule_) {
    if (entry.slab_idx >= 0 &&
        (entry.state == State::kReading || !entry.observed || entry.failed)) {
      was_read_[static_cast<size_t>(entry.slab_idx)] = false;
      is_kept_[static_cast<size_t>(entry.slab_idx)] = false;
    }
    entry.chunks.resize(entry.next_chunk);
    entry.observed = true;
  }
  changed_.wait(lock, [&] {
    return !observing_ &&
           std::all_of(schedule_.begin(), schedule_.end(),
                       [](const Entry& entry) {
                         return entry.num_chunks_done == entry.next_chunk;
                       });
  });
  for (const Entry& entry : schedule_) {
    if (entry.slot >= 0) free_slots_.push_back(entry.slot);
  }
  schedule_.clear();
  error_.reset();
}

SlabView SlabStream::View(const Entry& entry) const {
  std::span<const uint64_t> offsets;
  if (entry.slab_idx >= 0) {
    offsets = layouts_[static_cast<size_t>(entry.slab_idx)].part_offsets;
  }
  return SlabView(entry.ticket, entry.slab_idx, entry.memory, offsets);
}

SlabStream::Entry& SlabStream::Find(uint64_t ticket) {
  // Tickets are consecutive.
  REVLM_CHECK(!schedule_.empty() && ticket >= schedule_.front().ticket);
  return schedule_[static_cast<size_t>(ticket - schedule_.front().ticket)];
}

Result<SlabView> SlabStream::Acquire() {
  std::unique_lock lock(mutex_);
  const auto next =
      std::find_if(schedule_.begin(), schedule_.end(), [](const Entry& entry) {
        return entry.state == State::kReading || entry.state == State::kReady;
      });
  REVLM_CHECK(next != schedule_.end());
  Entry& entry = *next;
  changed_.wait(lock, [&] { return error_ || entry.state == State::kReady; });
  if (error_) return std::unexpected<Error>(*error_);
  entry.state = State::kHeld;
  return View(entry);
}

void SlabStream::Release(uint64_t ticket, std::vector<ScratchExtent> changed) {
  {
    std::unique_lock lock(mutex_);
    Entry& entry = Find(ticket);
    changed_.wait(lock, [&] { return entry.observed; });
    entry.chunks.clear();
    entry.next_chunk = entry.num_chunks_done = 0;
    for (const ScratchExtent& extent : changed) {
      AddChunks({.file_offset = extent.file_offset,
                 .size_bytes = extent.size_bytes,
                 .slot_offset = extent.slot_offset},
                entry.chunks);
    }
    entry.state = entry.chunks.empty() ? State::kDone : State::kWriting;
    DropDone();
  }
  changed_.notify_all();
}

Status SlabStream::Flush() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] {
    return error_ || std::none_of(schedule_.begin(), schedule_.end(),
                                  [](const Entry& entry) {
                                    return entry.state == State::kWriting;
                                  });
  });
  if (error_) return std::unexpected<Error>(*error_);
  return {};
}

// REQUIRES: mutex_ held, as for the next ones.
void SlabStream::DropDone() {
  for (Entry& entry : schedule_) {
    if (entry.state != State::kDone || entry.slot < 0) continue;
    free_slots_.push_back(std::exchange(entry.slot, -1));
  }
  while (!schedule_.empty() && schedule_.front().state == State::kDone) {
    schedule_.pop_front();
  }
}

bool SlabStream::GiveMemory(Entry& entry) {
  if (entry.memory != nullptr) return true;
  if (free_slots_.empty()) return false;
  entry.slot = free_slots_.back();
  free_slots_.pop_back();
  const size_t slot_bytes =
      options_.ring.size() / static_cast<size_t>(options_.num_slots);
  entry.memory =
      options_.ring.data() + static_cast<size_t>(entry.slot) * slot_bytes;
  return true;
}

// The first entry with something left to write or to read, and memory for it.
SlabStream::Entry* SlabStream::NextToMove() {
  if (error_) return nullptr;
  for (Entry& entry : schedule_) {
    if (entry.state == State::kWriting &&
        entry.next_chunk < entry.chunks.size()) {
      return &entry;
    }
  }
  for (Entry& entry : schedule_) {
    if (entry.state != State::kReading) continue;
    // Slots go to entries in order, else one could wait for ever.
    if (!GiveMemory(entry)) return nullptr;
    if (entry.chunks.empty()) {  // nothing to read, only a place to write
      entry.state = State::kReady;
      changed_.notify_all();
    }
    if (entry.next_chunk < entry.chunks.size()) return &entry;
  }
  return nullptr;
}

Status SlabStream::Move(const Chunk& chunk) const {
  const std::span<std::byte> memory(chunk.memory, chunk.size_bytes);
  if (chunk.file == nullptr) {
    return options_.scratch->WriteAt(chunk.file_offset, memory);
  }
  REVLM_TRY(chunk.file->ReadAt(chunk.file_offset, memory));
  return {};
}

void SlabStream::FinishChunk(Entry& entry, const Chunk& chunk,
                             const Status& status) {
  ++entry.num_chunks_done;
  (chunk.file == nullptr ? written_bytes_ : read_bytes_) += chunk.size_bytes;
  if (!status) {
    entry.failed = true;
    if (!error_) error_ = status.error();
  } else if (entry.num_chunks_done == entry.chunks.size()) {
    entry.state = entry.state == State::kReading ? State::kReady : State::kDone;
    DropDone();
  }
}

void SlabStream::MoveLoop(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  for (;;) {
    Entry* entry = nullptr;
    changed_.wait(lock, stop,
                  [&] { return (entry = NextToMove()) != nullptr; });
    if (stop.stop_requested()) return;
    // The entry stays where it is while chunks are under way: entries leave the
    // schedule only when done, and a deque does not move the others.
    Chunk chunk = entry->chunks[entry->next_chunk++];
    chunk.memory = entry->memory + chunk.slot_offset;
    lock.unlock();
    const Status status = Move(chunk);
    lock.lock();
    FinishChunk(*entry, chunk, status);
    changed_.notify_all();
  }
}

void SlabStream::ObserveLoop(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  for (;;) {
    Entry* entry = nullptr;
    changed_.wait(lock, stop, [&] {
      const auto found =
          std::find_if(schedule_.begin(), schedule_.end(),
                       [](const Entry& e) { return !e.observed; });
      if (found == schedule_.end()) return false;
      entry = &*found;
      return !entry->failed && entry->state != State::kReading;
    });
    if (stop.stop_requested()) return;
    const SlabView view = View(*entry);
    observing_ = true;
    lock.unlock();
    options_.on_first_read(view);
    lock.lock();
    observing_ = false;
    entry->observed = true;
    changed_.notify_all();
  }
}

}  // namespace revlm::engine
