#include "engine/slab_stream.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"

namespace revlm::engine {
namespace {

constexpr uint64_t kChunkBytes = 4 << 20;
constexpr uint64_t kMaxGapBytes = 64
                                  << 10;  // cheaper to read than to seek over
constexpr uint64_t kPageBytes = 4096;
constexpr size_t kRingSlabs = 2;

}  // namespace

// Sorts parts by place and joins near ones, so that a layer whose tensors lie
// together is one long read.
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
  for (const size_t i : order) {
    const SlabPart& part = parts[i];
    const uint64_t alignment = std::max<uint64_t>(
        files[static_cast<size_t>(part.file_idx)]->direct_alignment(), 64);
    const uint64_t end =
        base::AlignUp(part.file_offset + part.size_bytes, alignment);
    Extent* last = layout.extents.empty() ? nullptr : &layout.extents.back();
    if (last == nullptr || last->file_idx != part.file_idx ||
        part.file_offset >
            last->file_offset + last->size_bytes + kMaxGapBytes) {
      const uint64_t start = base::AlignDown(part.file_offset, alignment);
      layout.extents.push_back({.file_idx = part.file_idx,
                                .file_offset = start,
                                .size_bytes = 0,
                                .buffer_offset = layout.buffer_bytes});
      last = &layout.extents.back();
    }
    last->size_bytes = std::max(last->size_bytes, end - last->file_offset);
    layout.part_offsets[i] =
        last->buffer_offset + (part.file_offset - last->file_offset);
    layout.buffer_bytes =
        base::AlignUp(last->buffer_offset + last->size_bytes, kPageBytes);
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
  was_read_.resize(slabs.size(), false);
}

Result<std::unique_ptr<SlabStream>> SlabStream::Create(
    std::vector<const base::File*> files,
    std::vector<std::vector<SlabPart>> slabs, Options options) {
  std::unique_ptr<SlabStream> stream(
      new SlabStream(std::move(files), std::move(slabs), std::move(options)));
  SlabStream& self = *stream;
  uint64_t largest = 0;
  for (const Layout& layout : self.layouts_) {
    largest = std::max(largest, layout.buffer_bytes);
  }
  if (self.options_.residency == Residency::kResident) {
    for (const Layout& layout : self.layouts_) {
      REVLM_ASSIGN_OR_RETURN(
          self.buffers_.emplace_back(),
          MappedBuffer::Allocate(layout.buffer_bytes, "resident weights"));
    }
  } else {
    for (size_t i = 0; i < kRingSlabs; ++i) {
      REVLM_ASSIGN_OR_RETURN(
          self.buffers_.emplace_back(),
          MappedBuffer::Allocate(largest, "a slab of weights"));
    }
  }
  for (int i = 0; i < self.options_.num_readers; ++i) {
    self.threads_.emplace_back(
        [&self](std::stop_token stop) { self.ReadLoop(stop); });
  }
  if (self.options_.on_first_read) {
    self.threads_.emplace_back(
        [&self](std::stop_token stop) { self.ObserveLoop(stop); });
  }
  return stream;
}

SlabStream::~SlabStream() {
  for (std::jthread& thread : threads_) thread.request_stop();
}

uint64_t SlabStream::slab_buffer_bytes(int32_t slab_idx) const {
  return layouts_[static_cast<size_t>(slab_idx)].buffer_bytes;
}

uint64_t SlabStream::memory_bytes() const {
  uint64_t bytes = 0;
  for (const MappedBuffer& buffer : buffers_) bytes += buffer.size_bytes();
  return bytes;
}

uint64_t SlabStream::read_bytes() const {
  std::lock_guard lock(mutex_);
  return read_bytes_;
}

void SlabStream::Enqueue(int32_t slab_idx) {
  {
    std::lock_guard lock(mutex_);
    const size_t i = static_cast<size_t>(slab_idx);
    const bool resident = options_.residency == Residency::kResident;
    Entry entry = {.slab_idx = slab_idx,
                   .buffer_idx = resident ? i : num_enqueued_ % kRingSlabs};
    ++num_enqueued_;
    if (!resident || !was_read_[i]) {
      for (const Extent& extent : layouts_[i].extents) {
        for (uint64_t done = 0; done < extent.size_bytes; done += kChunkBytes) {
          entry.chunks.push_back(
              {.file_idx = extent.file_idx,
               .file_offset = extent.file_offset + done,
               .size_bytes = std::min(kChunkBytes, extent.size_bytes - done),
               .buffer_offset = extent.buffer_offset + done});
        }
      }
    }
    entry.observed = was_read_[i] || !options_.on_first_read;
    was_read_[i] = true;
    schedule_.push_back(std::move(entry));
  }
  changed_.notify_all();
}

size_t SlabStream::num_pending() const {
  std::lock_guard lock(mutex_);
  return schedule_.size();
}

void SlabStream::Clear() {
  std::unique_lock lock(mutex_);
  // Reads under way finish first: they write into the buffers.
  for (Entry& entry : schedule_) {
    if (!entry.is_ready() || !entry.observed || entry.failed) {
      was_read_[static_cast<size_t>(entry.slab_idx)] = false;
    }
    entry.chunks.resize(entry.next_chunk);
    entry.observed = true;
  }
  changed_.wait(lock, [&] {
    return !observing_ &&
           std::all_of(schedule_.begin(), schedule_.end(),
                       [](const Entry& entry) { return entry.is_ready(); });
  });
  schedule_.clear();
  error_.reset();
}

SlabView SlabStream::View(const Entry& entry) const {
  return SlabView(entry.slab_idx, buffers_[entry.buffer_idx].bytes(),
                  layouts_[static_cast<size_t>(entry.slab_idx)].part_offsets);
}

Result<SlabView> SlabStream::Acquire() {
  std::unique_lock lock(mutex_);
  REVLM_CHECK(!schedule_.empty());
  changed_.wait(lock, [&] { return error_ || schedule_.front().is_ready(); });
  if (error_) return std::unexpected<Error>(*error_);
  return View(schedule_.front());
}

void SlabStream::Release() {
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return schedule_.front().observed; });
    schedule_.pop_front();
  }
  changed_.notify_all();
}

// The first entry with something left to read whose buffer is free. REQUIRES:
// mutex_ held.
SlabStream::Entry* SlabStream::NextToRead() {
  if (error_) return nullptr;
  const size_t end =
      std::min(schedule_.size(), options_.residency == Residency::kResident
                                     ? schedule_.size()
                                     : kRingSlabs);
  for (size_t i = 0; i < end; ++i) {
    if (schedule_[i].next_chunk < schedule_[i].chunks.size()) {
      return &schedule_[i];
    }
  }
  return nullptr;
}

Status SlabStream::ReadChunk(const Extent& chunk, std::byte* buffer) {
  const base::File& file = *files_[static_cast<size_t>(chunk.file_idx)];
  REVLM_TRY(file.ReadAt(chunk.file_offset,
                        {buffer + chunk.buffer_offset, chunk.size_bytes}));
  if (file.direct_alignment() == 1) {
    file.DropFromPageCache(chunk.file_offset, chunk.size_bytes);
  }
  return {};
}

void SlabStream::ReadLoop(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  for (;;) {
    Entry* entry = nullptr;
    changed_.wait(lock, stop,
                  [&] { return (entry = NextToRead()) != nullptr; });
    if (stop.stop_requested()) return;
    // The entry stays where it is while chunks are under way: entries leave the
    // schedule only when ready, and a deque does not move the others.
    const Extent chunk = entry->chunks[entry->next_chunk++];
    std::byte* buffer = buffers_[entry->buffer_idx].bytes();
    lock.unlock();
    Status status = ReadChunk(chunk, buffer);
    lock.lock();
    ++entry->num_chunks_done;
    read_bytes_ += chunk.size_bytes;
    if (!status) {
      entry->failed = true;
      if (!error_) error_ = status.error();
    }
    if (entry->is_ready() || error_) changed_.notify_all();
  }
}

void SlabStream::ObserveLoop(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  for (;;) {
    Entry* entry = nullptr;
    changed_.wait(lock, stop, [&] {
      for (Entry& candidate : schedule_) {
        if (!candidate.observed) {
          entry = &candidate;
          return candidate.is_ready() && !candidate.failed;
        }
      }
      return false;
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
