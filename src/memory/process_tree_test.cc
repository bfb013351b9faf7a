#include "memory/process_tree.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <vector>

namespace revlm::memory {
namespace {

constexpr uint64_t kMiB = 1 << 20;

TEST(PssOfTest, TellsFilesFromTheRest) {
  const PrivateAndMapped memory = PssOf(
      "55d0-7ffd ---p 00000000 00:00 0    [rollup]\n"
      "Rss:                1692 kB\n"
      "Pss:                 200 kB\n"
      "Pss_Dirty:           112 kB\n"
      "Pss_Anon:            100 kB\n"
      "Pss_File:             70 kB\n"
      "Pss_Shmem:            30 kB\n"
      "Anonymous:           100 kB\n",
      "RssAnon:   1 kB\n");
  EXPECT_EQ(memory.private_bytes, 130u << 10);
  EXPECT_EQ(memory.mapped_bytes, 70u << 10);
}

TEST(PssOfTest, OlderKernelsOnlyCountWhatIsAnonymous) {
  const PrivateAndMapped memory =
      PssOf("Pss:  200 kB\nAnonymous:  150 kB\n", "");
  EXPECT_EQ(memory.private_bytes, 150u << 10);
  EXPECT_EQ(memory.mapped_bytes, 50u << 10);
}

TEST(PssOfTest, WithoutItResidentPagesAreCounted) {
  const PrivateAndMapped memory =
      PssOf("", "RssAnon:\t  100 kB\nRssFile:\t 40 kB\nRssShmem:\t 7 kB\n");
  EXPECT_EQ(memory.private_bytes, 107u << 10);
  EXPECT_EQ(memory.mapped_bytes, 40u << 10);
  EXPECT_EQ(PssOf("", "").private_bytes, 0u);
}

// A process that runs `body` and then waits to be killed.
class Child {
 public:
  template <typename Body>
  explicit Child(const Body& body) {
    int ready[2];
    EXPECT_EQ(pipe(ready), 0);
    pid_ = fork();
    if (pid_ == 0) {
      body();
      if (write(ready[1], "x", 1) != 1) _exit(1);
      while (true) pause();
    }
    char byte = 0;
    EXPECT_EQ(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
  }
  ~Child() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  int32_t pid() const { return pid_; }

 private:
  pid_t pid_ = 0;
};

const ProcessUse* Find(const std::vector<ProcessUse>& tree, int32_t pid) {
  const auto found = std::ranges::find(tree, pid, &ProcessUse::pid);
  return found == tree.end() ? nullptr : &*found;
}

TEST(ProcessTreeTest, ASharedFileIsCountedOnceAndPrivatePagesEach) {
#if defined(REVLM_SANITIZED)
  GTEST_SKIP() << "a sanitizer's own memory hides what is counted";
#endif
  constexpr uint64_t kFileBytes = 32 * kMiB;
  std::string path = ::testing::TempDir() + "/process_tree_XXXXXX";
  const int fd = mkstemp(path.data());
  ASSERT_GE(fd, 0);
  unlink(path.c_str());
  const std::vector<char> page(kMiB, 'x');
  for (uint64_t i = 0; i < kFileBytes; i += kMiB) {
    ASSERT_EQ(write(fd, page.data(), kMiB), static_cast<ssize_t>(kMiB));
  }
  const auto map_all = [&] {
    const auto* const bytes = static_cast<const volatile char*>(
        mmap(nullptr, kFileBytes, PROT_READ, MAP_SHARED, fd, 0));
    for (uint64_t i = 0; i < kFileBytes; i += 4096) {
      static_cast<void>(bytes[i]);
    }
    void* const own = mmap(nullptr, 8 * kMiB, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    std::memset(own, 1, 8 * kMiB);
  };
  const ProcessUse before = Total(ReadProcessTree(getpid()));
  const Child first(map_all);
  const Child second(map_all);
  const std::vector<ProcessUse> tree = ReadProcessTree(getpid());
  close(fd);
  const ProcessUse total = Total(tree);
  EXPECT_EQ(tree.front().pid, getpid());
  EXPECT_EQ(total.pid, getpid());
  // Two resident sizes would be 64 MiB.
  EXPECT_GE(total.memory.mapped_bytes,
            before.memory.mapped_bytes + kFileBytes - kMiB);
  EXPECT_LE(total.memory.mapped_bytes,
            before.memory.mapped_bytes + kFileBytes + 4 * kMiB);
  EXPECT_GE(total.memory.private_bytes,
            before.memory.private_bytes + 16 * kMiB);
  EXPECT_LE(total.memory.private_bytes,
            before.memory.private_bytes + 24 * kMiB);
  for (const Child* child : {&first, &second}) {
    const ProcessUse* const use = Find(tree, child->pid());
    ASSERT_NE(use, nullptr);
    EXPECT_GE(use->memory.private_bytes, 8 * kMiB);
    EXPECT_GE(use->memory.mapped_bytes, kFileBytes / 2);
  }
}

TEST(ProcessTreeTest, DescendantsOfDescendantsBelong) {
  int32_t* const grandchild =
      static_cast<int32_t*>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE,
                                 MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(grandchild, MAP_FAILED);
  {
    const Child child([&] {
      const pid_t forked = fork();
      while (forked == 0) pause();
      *grandchild = forked;
    });
    const std::vector<ProcessUse> tree = ReadProcessTree(getpid());
    EXPECT_NE(Find(tree, child.pid()), nullptr);
    EXPECT_NE(Find(tree, *grandchild), nullptr);
    // Seen from the child, we do not belong.
    EXPECT_EQ(Find(ReadProcessTree(child.pid()), getpid()), nullptr);
    kill(*grandchild, SIGKILL);
  }
  munmap(grandchild, 4096);
}

TEST(ProcessTreeTest, TimeOfChildrenThatEndedIsKept) {
  const double before = Total(ReadProcessTree(getpid())).cpu_seconds;
  const pid_t child = fork();
  if (child == 0) {
    while (std::clock() < CLOCKS_PER_SEC / 5) {
    }
    _exit(0);
  }
  waitpid(child, nullptr, 0);
  EXPECT_GE(Total(ReadProcessTree(getpid())).cpu_seconds, before + 0.15);
}

TEST(ProcessTreeTest, OfNoProcessIsEmpty) {
  const pid_t child = fork();
  if (child == 0) _exit(0);
  waitpid(child, nullptr, 0);
  EXPECT_TRUE(ReadProcessTree(child).empty());
  EXPECT_EQ(Total({}).pss_bytes(), 0u);
}

}  // namespace
}  // namespace revlm::memory
