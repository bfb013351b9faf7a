#include "memory/process_memory.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <future>
#include <limits>
#include <thread>
#include <vector>

namespace revlm::memory {
namespace {

constexpr size_t kMiB = 1 << 20;

TEST(ProcessMemoryTest, ReadsOtherProcessesToo) {
  const ProcessMemory other = ReadProcessMemory(getpid());
  EXPECT_GT(other.peak_bytes, 0u);
  EXPECT_GT(other.data_bytes, 0u);
  EXPECT_EQ(ReadProcessMemory(-1).peak_bytes, 0u);
}

TEST(ProcessMemoryTest, KnowsThreadsAndTheirStacks) {
  const uint64_t before = NumThreads();
  EXPECT_GE(before, 1u);
  const uint64_t data_bytes = ReadProcessMemory().data_bytes;
  std::promise<void> end;
  std::jthread thread([ended = end.get_future()] { ended.wait(); });
  EXPECT_EQ(NumThreads(), before + 1);
  EXPECT_GE(StackBytes(), size_t{64} << 10);
#if !defined(REVLM_SANITIZED)
  EXPECT_LE(ReadProcessMemory().data_bytes, data_bytes + StackBytes() + kMiB);
#else
  static_cast<void>(data_bytes);
#endif
  end.set_value();
}

TEST(ProcessMemoryTest, SeesWhatIsTouched) {
  const ProcessMemory before = ReadProcessMemory();
  const uint64_t heap = HeapBytes();
  const std::vector<char> block(32 * kMiB, 'x');
  const ProcessMemory after = ReadProcessMemory();
  EXPECT_GE(after.anonymous_bytes, before.anonymous_bytes + 31 * kMiB);
  EXPECT_GE(after.peak_bytes, after.anonymous_bytes);
  EXPECT_GE(after.data_bytes, 32 * kMiB);
  EXPECT_GT(after.file_bytes, 0u);
  EXPECT_GT(after.page_table_bytes, 0u);
#if !defined(REVLM_SANITIZED)
  EXPECT_GE(HeapBytes(), heap + 32 * kMiB);
#else
  EXPECT_GE(HeapBytes(), heap);  // a sanitizer's heap is not malloc's
#endif
}

TEST(ProcessMemoryTest, TellsSharedMemoryApart) {
  const ProcessMemory before = ReadProcessMemory();
  void* const shared = mmap(nullptr, 8 * kMiB, PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(shared, MAP_FAILED);
  std::memset(shared, 1, 8 * kMiB);
  const ProcessMemory after = ReadProcessMemory();
  munmap(shared, 8 * kMiB);
  EXPECT_GE(after.shared_bytes, before.shared_bytes + 7 * kMiB);
}

// In a process of its own, which it is about. Returns its exit status.
template <typename Body>
int InChild(const Body& body) {
  const pid_t child = fork();
  if (child == 0) _exit(body() ? 0 : 1);
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool CanAllocate(size_t size_bytes) {
  void* volatile block = std::malloc(size_bytes);
  const bool can = block != nullptr;
  std::free(block);
  return can;
}

TEST(ProcessMemoryTest, TheFenceRefusesWhatLiesBeyond) {
#if defined(REVLM_SANITIZED)
  GTEST_SKIP() << "a sanitizer maps memory of its own";
#endif
  EXPECT_EQ(InChild([] {
              TuneHeap();
              return FenceHeap(64 * kMiB).has_value() &&
                     CanAllocate(32 * kMiB) && !CanAllocate(96 * kMiB) &&
                     CanAllocate(kMiB);
            }),
            0);
}

TEST(ProcessMemoryTest, AFenceStaysBelowTheHardLimit) {
  EXPECT_EQ(
      InChild([] {
        struct rlimit limit = {};
        getrlimit(RLIMIT_DATA, &limit);
        const rlim_t hard = std::min<rlim_t>(limit.rlim_max, uint64_t{1} << 46);
        limit = {hard, hard};
        setrlimit(RLIMIT_DATA, &limit);
        // The sum does not wrap round to a tiny limit.
        return FenceHeap(std::numeric_limits<uint64_t>::max()).has_value() &&
               getrlimit(RLIMIT_DATA, &limit) == 0 && limit.rlim_cur == hard &&
               limit.rlim_max == hard;
      }),
      0);
}

TEST(ProcessMemoryTest, TrimmingGivesFreeHeapBack) {
#if defined(REVLM_SANITIZED)
  GTEST_SKIP() << "a sanitizer's heap is not malloc's";
#endif
  EXPECT_EQ(InChild([] {
              TuneHeap();
              // Too small to be mapped singly; the last pins the heap's end.
              std::vector<void*> blocks;
              for (int i = 0; i < 320; ++i) {
                blocks.push_back(std::malloc(100 << 10));
                std::memset(blocks.back(), 1, 100 << 10);
              }
              void* const last = std::malloc(1000);
              const uint64_t full = ReadProcessMemory().anonymous_bytes;
              for (void* block : blocks) std::free(block);
              TrimHeap();
              const uint64_t trimmed = ReadProcessMemory().anonymous_bytes;
              std::free(last);
              return trimmed + 30 * kMiB <= full;
            }),
            0);
}

}  // namespace
}  // namespace revlm::memory
