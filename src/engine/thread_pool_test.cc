#include "engine/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

namespace revlm::engine {
namespace {

TEST(ThreadPoolTest, EveryTaskRunsExactlyOnce) {
  for (const int num_threads : {1, 2, 8}) {
    ThreadPool pool(num_threads);
    for (const int64_t num_tasks : {0, 1, 2, 7, 1000}) {
      std::vector<std::atomic<int>> runs(static_cast<size_t>(num_tasks));
      pool.ParallelFor(num_tasks, [&](int64_t task, int thread_idx) {
        EXPECT_LT(thread_idx, num_threads);
        ++runs[static_cast<size_t>(task)];
      });
      for (const auto& count : runs) EXPECT_EQ(count, 1);
    }
  }
}

TEST(ThreadPoolTest, ResultsAreVisibleAfterEachOfManyShortLoops) {
  ThreadPool pool(4);
  std::vector<int64_t> values(16, 0);  // not atomic: the loop must order them
  for (int round = 0; round < 2000; ++round) {
    pool.ParallelFor(16, [&](int64_t task, int) {
      values[static_cast<size_t>(task)] += task;
    });
  }
  for (int64_t i = 0; i < 16; ++i) {
    EXPECT_EQ(values[static_cast<size_t>(i)], 2000 * i);
  }
}

TEST(ThreadPoolTest, OnlyTheThreadsInUseTakePart) {
  ThreadPool pool(8);
  std::vector<int64_t> values(16, 0);  // not atomic: the loop must order them
  for (int round = 0; round < 2000; ++round) {
    const int num_used = 1 + round * 5 % 8;
    pool.Use(num_used);
    pool.ParallelFor(16, [&](int64_t task, int thread_idx) {
      EXPECT_LT(thread_idx, num_used);
      values[static_cast<size_t>(task)] += task;
    });
  }
  for (int64_t i = 0; i < 16; ++i) {
    EXPECT_EQ(values[static_cast<size_t>(i)], 2000 * i);
  }
  pool.Use(0);
  pool.ParallelFor(9,
                   [](int64_t, int thread_idx) { EXPECT_EQ(thread_idx, 0); });
  pool.Use(100);
  EXPECT_EQ(pool.num_threads(), 8);
}

}  // namespace
}  // namespace revlm::engine
