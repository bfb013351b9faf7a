#include "engine/slab_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <fstream>
#include <numeric>
#include <optional>

#include "engine/engine_testing.h"

namespace revlm::engine {
namespace {

using ::testing::HasSubstr;

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr int kSlots = 3;
enum class Residency { kStream, kPinned };
struct alignas(base::kMaxDirectAlignment) Block {
  std::byte bytes[base::kMaxDirectAlignment];
};
using Slabs = std::vector<std::vector<SlabPart>>;

// Files of random bytes, opened both ways a weight file may be opened.
class SlabStreamTest
    : public ::testing::TestWithParam<std::tuple<Residency, base::Caching>> {
 protected:
  void AddFile(size_t size_bytes) {
    const size_t idx = contents_.size();
    contents_.push_back(RandomBytes(size_bytes, idx));
    paths_.push_back(folder_.Path(std::to_string(idx)));
    ASSERT_TRUE(base::WriteFileAtomically(paths_.back(), contents_.back()));
    auto file = base::OpenFile(paths_.back(), std::get<1>(GetParam()));
    ASSERT_TRUE(file) << file.error().message;
    files_.push_back(std::move(*file));
  }

  std::unique_ptr<SlabStream> MakeStream(
      const Slabs& slabs,
      std::function<void(const SlabView&)> on_first_read = nullptr) {
    slabs_ = slabs;
    std::vector<const base::File*> files;
    for (const base::File& file : files_) files.push_back(&file);
    std::vector<size_t> blocks;  // of each slab
    for (const std::vector<SlabPart>& parts : slabs) {
      uint64_t bytes = 0;
      for (const SlabPart& part : parts)
        bytes += base::UnalignedReadBytes(part.size_bytes);
      blocks.push_back(bytes / sizeof(Block));
    }
    SlabStream::Options options = {.scratch = scratch_ ? &*scratch_ : nullptr,
                                   .on_first_read = on_first_read};
    if (is_pinned()) {
      memory_.resize(std::accumulate(blocks.begin(), blocks.end(), size_t{1}));
      std::byte* next = memory_[0].bytes;
      for (const size_t count : blocks) {
        options.pinned.push_back(next);
        next += count * sizeof(Block);
      }
    } else {
      memory_.resize(kSlots * *std::max_element(blocks.begin(), blocks.end()));
      options.ring = {memory_[0].bytes, memory_.size() * sizeof(Block)};
      options.num_slots = kSlots;
    }
    return std::make_unique<SlabStream>(files, slabs, options);
  }

  bool is_pinned() const {
    return std::get<0>(GetParam()) == Residency::kPinned;
  }

  bool IsRight(const SlabView& view) const {
    const auto& parts = slabs_[static_cast<size_t>(view.slab_idx())];
    for (size_t i = 0; i < parts.size(); ++i) {
      const std::string& content =
          contents_[static_cast<size_t>(parts[i].file_idx)];
      if (parts[i].size_bytes > 0 &&
          std::memcmp(view.part(i), content.data() + parts[i].file_offset,
                      parts[i].size_bytes) != 0) {
        return false;
      }
    }
    return true;
  }

  void ExpectNext(SlabStream& stream, int32_t slab_idx) {
    auto view = stream.Acquire();
    ASSERT_TRUE(view) << view.error().message;
    EXPECT_EQ(view->slab_idx(), slab_idx);
    EXPECT_TRUE(IsRight(*view)) << "slab " << slab_idx;
    stream.Release(view->ticket());
  }

  TempFolder folder_;
  std::vector<std::string> paths_;
  std::vector<std::string> contents_;
  std::vector<base::File> files_;
  Slabs slabs_;
  std::optional<base::ScratchFile> scratch_;
  std::vector<Block> memory_;
};

SlabPart Part(int32_t file_idx, uint64_t offset, uint64_t size) {
  return {.file_idx = file_idx, .file_offset = offset, .size_bytes = size};
}

TEST_P(SlabStreamTest, EveryPartHasItsBytes) {
  constexpr uint64_t kSize = 9 * kMiB + 13;
  constexpr uint64_t kSmall = 4096 + 7;
  AddFile(kSize);
  AddFile(kSmall);
  AddFile(8192);
  Slabs slabs = {
      {Part(1, 5, 100), Part(0, 77, 5000), Part(1, 0, 3), Part(0, 1, 70)},
      {Part(0, 100, 400), Part(0, 300, 1000), Part(0, 100, 1200),
       Part(0, 350, 10)},                                         // overlapping
      {Part(0, 4096, 4096), Part(0, 8192, 1), Part(0, 8193, 3)},  // adjacent
      {Part(0, 0, 1), Part(0, 70'000, 9), Part(0, 200'001, 9),
       Part(0, 8 * kMiB + 1, 9)},                            // far apart
      {Part(0, 5, 0), Part(0, kSize, 0), Part(2, 8192, 0)},  // empty
      {Part(1, kSmall, 0), Part(1, 9, 9), Part(0, 4096, 0), Part(0, 4097, 2)},
      {Part(0, kSize - 1, 1), Part(1, kSmall - 8, 8), Part(2, 8191, 1)},
      {Part(0, 0, kSize)},
      {Part(0, 3, kSize - 3), Part(1, 0, kSmall), Part(2, 0, 8192)},
      {},
  };
  // Anything else, by chance.
  for (uint64_t i = 0; slabs.size() < 120; ++i) {
    std::vector<SlabPart> parts;
    for (uint64_t j = 0; j <= base::RandomBits(i, 0) % 6; ++j) {
      const uint64_t file = base::RandomBits(i, 4 * j + 1) % 3;
      const uint64_t size = contents_[file].size();
      const uint64_t offset = base::RandomBits(i, 4 * j + 2) % (size + 1);
      const uint64_t limit = std::min<uint64_t>(size - offset + 1, 100'000);
      parts.push_back(Part(static_cast<int32_t>(file), offset,
                           base::RandomBits(i, 4 * j + 3) % limit));
    }
    slabs.push_back(parts);
  }
  auto stream = MakeStream(slabs);
  const int32_t count = static_cast<int32_t>(slabs.size());
  for (int32_t i = 0; i < count; ++i) stream->Enqueue(i);
  // Again, each one twice, in the other direction.
  for (int32_t i = 2 * count; i-- > 0;) stream->Enqueue(i / 2);
  for (int32_t i = 0; i < count; ++i) ExpectNext(*stream, i);
  for (int32_t i = 2 * count; i-- > 0;) ExpectNext(*stream, i / 2);
}

TEST_P(SlabStreamTest, PinnedSlabsAreReadOnceAndReadsAreCounted) {
  AddFile(8 * kMiB);
  auto stream = MakeStream(
      {{Part(0, 0, kMiB)}, {Part(0, kMiB, 3 * kMiB)}, {Part(0, 0, 2 * kMiB)}});
  EXPECT_EQ(stream->read_bytes(), 0u);
  for (uint64_t pass = 1; pass <= 3; ++pass) {
    for (const int32_t i : {0, 1, 2}) stream->Enqueue(i);
    for (const int32_t i : {0, 1, 2}) ExpectNext(*stream, i);
    EXPECT_EQ(stream->read_bytes(), 6 * kMiB * (is_pinned() ? 1 : pass));
  }
}

// Also when it is read ahead to a slot before it gets its own memory.
TEST_P(SlabStreamTest, ASlabPinnedLateIsReadOnceMore) {
  if (is_pinned()) GTEST_SKIP() << "for streamed slabs";
  AddFile(4 * kMiB);
  auto stream = MakeStream({{Part(0, 0, kMiB)}, {Part(0, kMiB, 3 * kMiB)}});
  std::vector<Block> late(3 * kMiB / sizeof(Block) + 2);
  stream->Enqueue(0);
  stream->Enqueue(1);
  ExpectNext(*stream, 0);
  stream->Pin(1, late[0].bytes);
  ExpectNext(*stream, 1);
  for (uint64_t pass = 1; pass <= 3; ++pass) {
    for (const int32_t i : {0, 1}) stream->Enqueue(i);
    for (const int32_t i : {0, 1}) ExpectNext(*stream, i);
    EXPECT_EQ(stream->read_bytes(), (4 + 3 + pass) * kMiB);
  }
}

// Scratch slabs among streamed ones, acquired while another is held: what was
// changed is there when it is read again.
TEST_P(SlabStreamTest, ScratchSlabsKeepWhatWasChanged) {
  if (is_pinned() || !base::ScratchFile::IsOnDisk(folder_.Path("."))) {
    GTEST_SKIP() << "needs a ring, and a disk";
  }
  constexpr uint64_t kBlock = base::kMaxDirectAlignment;
  AddFile(4 * kMiB);
  scratch_ = base::ScratchFile::Create(folder_.Path("."), 64 * kBlock).value();
  auto stream = MakeStream({{Part(0, 0, kMiB)}, {Part(0, kMiB, kMiB)}});
  // Two stretches with a gap between them.
  const std::vector<ScratchExtent> extents = {
      {.file_offset = 8 * kBlock, .slot_offset = 0, .size_bytes = 2 * kBlock},
      {.file_offset = 32 * kBlock,
       .slot_offset = 4 * kBlock,
       .size_bytes = kBlock}};
  for (int round = 0; round < 20; ++round) {
    ASSERT_TRUE(stream->Flush());
    stream->Enqueue(0);
    stream->EnqueueScratch(extents);
    stream->EnqueueScratch({});
    stream->Enqueue(1);
    const auto held = stream->Acquire();
    ASSERT_TRUE(held);
    const auto pages = stream->Acquire();
    ASSERT_TRUE(pages);
    const std::byte was = static_cast<std::byte>(round);
    for (const ScratchExtent& extent : extents) {
      std::byte* bytes = pages->base() + extent.slot_offset;
      if (round > 0) {
        EXPECT_EQ(bytes[0], was);
        EXPECT_EQ(bytes[extent.size_bytes - 1], was);
      }
      std::memset(bytes, round + 1, extent.size_bytes);
    }
    stream->Release(pages->ticket(), extents);
    const auto empty = stream->Acquire();
    ASSERT_TRUE(empty);
    stream->Release(empty->ticket());
    EXPECT_TRUE(IsRight(*held));
    stream->Release(held->ticket());
    ExpectNext(*stream, 1);
  }
  ASSERT_TRUE(stream->Flush());
  EXPECT_EQ(stream->written_bytes(), 20 * 3 * kBlock);
}

// One that is moved in several pieces.
TEST_P(SlabStreamTest, ALongScratchSlabIsWholeAgain) {
  if (is_pinned() || !base::ScratchFile::IsOnDisk(folder_.Path("."))) {
    GTEST_SKIP() << "needs a ring, and a disk";
  }
  constexpr uint64_t kLong = 9 * kMiB + base::kMaxDirectAlignment;
  AddFile(10 * kMiB);
  scratch_ = base::ScratchFile::Create(folder_.Path("."), 2 * kLong).value();
  auto stream = MakeStream({{Part(0, 0, 10 * kMiB)}});
  const std::string content = RandomBytes(kLong, 7);
  const ScratchExtent extent = {.file_offset = kLong, .size_bytes = kLong};
  stream->EnqueueScratch({});
  const auto empty = stream->Acquire();
  ASSERT_TRUE(empty);
  std::memcpy(empty->base(), content.data(), kLong);
  stream->Release(empty->ticket(), {extent});
  ASSERT_TRUE(stream->Flush());
  EXPECT_EQ(stream->written_bytes(), kLong);
  stream->EnqueueScratch({extent});
  const auto again = stream->Acquire();
  ASSERT_TRUE(again);
  EXPECT_EQ(std::memcmp(again->base(), content.data(), kLong), 0);
  stream->Release(again->ticket());
  EXPECT_EQ(stream->read_bytes(), kLong);
}

TEST_P(SlabStreamTest, ClearAnywhereLosesNothingThatFollows) {
  AddFile(5 * kMiB + 1);
  Slabs slabs;
  for (uint64_t i = 0; i < 10; ++i)
    slabs.push_back({Part(0, i * 500'001, 500'000)});
  auto stream = MakeStream(slabs);
  for (int round = 0; round < 40; ++round) {
    for (int32_t i = 0; i < 10; ++i) stream->Enqueue(i);
    for (int32_t i = 0; i < round % 10; ++i) ExpectNext(*stream, i);
    if (round % 3 == 0) {  // with a slab in hand
      ASSERT_TRUE(stream->Acquire());
    }
    stream->Clear();
    if (round % 4 == 0) stream->Clear();
    const int32_t slab = (round * 7) % 10;
    stream->Enqueue(slab);
    ExpectNext(*stream, slab);
  }
}

TEST_P(SlabStreamTest, FileCutAfterOpeningIsAnErrorAndWhatIsWholeIsUsable) {
  constexpr uint64_t kCut = 6 * kMiB + 100;
  AddFile(8 * kMiB);
  std::atomic<int> num_wrong = 0;
  std::vector<int> calls(3, 0);
  auto stream = MakeStream({{Part(0, 10, 1000)},
                            {Part(0, 5 * kMiB, 1), Part(0, 7 * kMiB, 1000)},
                            {Part(0, kMiB, 4 * kMiB)}},
                           [&](const SlabView& view) {
                             ++calls[static_cast<size_t>(view.slab_idx())];
                             if (!IsRight(view)) ++num_wrong;
                           });
  auto expect_error = [&] {
    for (const int32_t i : {0, 1, 2}) stream->Enqueue(i);
    Result<SlabView> view = stream->Acquire();
    if (view) {  // slab 0 may come before the reader of slab 1 fails
      EXPECT_TRUE(IsRight(*view));
      stream->Release(view->ticket());
      view = stream->Acquire();
    }
    ASSERT_FALSE(view);
    EXPECT_EQ(view.error().code, ErrorCode::kCorrupt) << view.error().message;
    EXPECT_THAT(view.error().message, HasSubstr(paths_[0]));
    EXPECT_THAT(view.error().message,
                HasSubstr(fmt::format("at byte {}", 7 * kMiB)));
    EXPECT_FALSE(stream->Acquire());  // until Clear
    stream->Clear();
  };
  ASSERT_EQ(truncate(paths_[0].c_str(), kCut), 0);
  expect_error();
  expect_error();  // the failed slab counts as unread
  for (const int32_t i : {2, 0}) stream->Enqueue(i);
  for (const int32_t i : {2, 0}) ExpectNext(*stream, i);
  // The same file whole again: nothing wrong was kept.
  std::ofstream(paths_[0], std::ios::binary | std::ios::in) << contents_[0];
  for (const int32_t i : {1, 2, 0, 1}) stream->Enqueue(i);
  for (const int32_t i : {1, 2, 0, 1}) ExpectNext(*stream, i);
  stream.reset();
  EXPECT_EQ(num_wrong, 0);
  for (const int count : calls) EXPECT_GE(count, 1);
}

TEST_P(SlabStreamTest, CutInTheMiddleOfAReadNamesWhereTheFileEnds) {
  AddFile(2 * kMiB);
  auto stream = MakeStream({{Part(0, 0, 2 * kMiB)}});
  ASSERT_EQ(truncate(paths_[0].c_str(), kMiB + 100), 0);
  stream->Enqueue(0);
  auto view = stream->Acquire();
  ASSERT_FALSE(view);
  EXPECT_EQ(view.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(view.error().message,
              HasSubstr(fmt::format("{} at byte {}: the file ended there",
                                    paths_[0], kMiB + 100)));
}

TEST_P(SlabStreamTest, FirstReadsAreShownOnceInOrderAndWhole) {
  AddFile(3 * kMiB + 5);
  Slabs slabs;
  for (uint64_t i = 0; i < 400; ++i) {
    slabs.push_back({Part(0, i * 7001 + 3, 5000 + i), Part(0, 3 * kMiB, 5)});
  }
  std::vector<int32_t> seen;  // by the observing thread
  std::atomic<int> num_wrong = 0;
  auto stream = MakeStream(slabs, [&](const SlabView& view) {
    // Slower than reading now and then, so that it would meet reused memory.
    if (view.slab_idx() % 50 == 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    seen.push_back(view.slab_idx());
    if (!IsRight(view)) ++num_wrong;
  });
  std::vector<int32_t> order;
  for (int32_t i = 0; i < 400; ++i) order.push_back(i * 51 % 400);
  for (int pass = 0; pass < 3; ++pass) {
    for (const int32_t i : order) stream->Enqueue(i);
  }
  for (int pass = 0; pass < 3; ++pass) {
    for (const int32_t i : order) ExpectNext(*stream, i);
  }
  // Release waits for the observer, so all were seen.
  EXPECT_EQ(seen, order);
  EXPECT_EQ(num_wrong, 0);
}

TEST_P(SlabStreamTest, FirstReadsCutShortByClearAreShownAgain) {
  AddFile(4 * kMiB);
  Slabs slabs;
  for (uint64_t i = 0; i < 8; ++i)
    slabs.push_back({Part(0, i * 400'000, 400'000)});
  std::vector<int> calls(8, 0);
  std::atomic<int> num_wrong = 0;
  auto stream = MakeStream(slabs, [&](const SlabView& view) {
    ++calls[static_cast<size_t>(view.slab_idx())];
    if (!IsRight(view)) ++num_wrong;
  });
  for (int32_t length = 0; length <= 8; ++length) {
    for (int32_t i = 0; i < 8; ++i) stream->Enqueue(i);
    for (int32_t i = 0; i < length; ++i) ExpectNext(*stream, i);
    stream->Clear();
    for (int32_t i = 0; i < length; ++i) {
      EXPECT_GE(calls[static_cast<size_t>(i)], 1) << i;
    }
  }
  const std::vector<int> calls_so_far = calls;
  for (int32_t i = 0; i < 8; ++i) stream->Enqueue(i);
  for (int32_t i = 0; i < 8; ++i) ExpectNext(*stream, i);
  EXPECT_EQ(calls, calls_so_far);  // nothing that was used is shown again
  EXPECT_EQ(num_wrong, 0);
}

TEST_P(SlabStreamTest, DestructionDoesNotWaitForAllThatIsEnqueued) {
  AddFile(64 * 4096);
  Slabs slabs;
  for (uint64_t i = 0; i < 64; ++i) slabs.push_back({Part(0, i * 4096, 4096)});
  std::atomic<int> num_calls = 0;
  auto stream = MakeStream(slabs, [&](const SlabView&) {
    ++num_calls;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  });
  for (int32_t i = 0; i < 64; ++i) stream->Enqueue(i);
  ASSERT_TRUE(stream->Acquire());  // in hand, too
  stream.reset();
  EXPECT_LT(num_calls, 32);
}

INSTANTIATE_TEST_SUITE_P(
    All, SlabStreamTest,
    ::testing::Combine(
        ::testing::Values(Residency::kStream, Residency::kPinned),
        ::testing::Values(base::Caching::kPageCache, base::Caching::kDirect)),
    [](const auto& test) {
      return std::string(std::get<0>(test.param) == Residency::kStream
                             ? "Stream"
                             : "Pinned") +
             (std::get<1>(test.param) == base::Caching::kDirect ? "Direct"
                                                                : "PageCache");
    });

}  // namespace
}  // namespace revlm::engine
