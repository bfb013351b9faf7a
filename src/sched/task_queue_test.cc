#include "sched/task_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>

#include "base/random.h"

namespace revlm::sched {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;

// Keeps tasks in a list and looks at all of them, at the time it is asked.
class SlowQueue {
 public:
  explicit SlowQueue(nanoseconds aging) : aging_(aging) {}

  void Add(const Task& task) { waiting_.push_back(task); }

  size_t TakeOne(nanoseconds now) {
    auto best = waiting_.begin();
    for (auto it = waiting_.begin(); it != waiting_.end(); ++it) {
      if (IsBefore(*it, *best, now)) best = it;
    }
    const size_t id = best->id;
    waiting_.erase(best);
    return id;
  }

 private:
  // Effective priority times `aging`.
  int64_t Urgency(const Task& task, nanoseconds now) const {
    return task.priority * aging_.count() + (now - task.enqueued).count();
  }

  bool IsBefore(const Task& a, const Task& b, nanoseconds now) const {
    const int64_t urgency_a = Urgency(a, now), urgency_b = Urgency(b, now);
    if (urgency_a != urgency_b) return urgency_a > urgency_b;
    if (a.enqueued != b.enqueued) return a.enqueued < b.enqueued;
    return a.id < b.id;
  }

  const nanoseconds aging_;
  std::vector<Task> waiting_;
};

TEST(TaskQueueTest, UrgentFirstThenOldestThenLowestId) {
  TaskQueue queue(hours(1));
  queue.Add({.id = 7, .priority = 0, .enqueued = seconds(2)});
  queue.Add({.id = 6, .priority = 0, .enqueued = seconds(1)});
  queue.Add({.id = 5, .priority = 0, .enqueued = seconds(1)});
  queue.Add({.id = 9, .priority = -1, .enqueued = seconds(0)});
  queue.Add({.id = 8, .priority = 1, .enqueued = seconds(3)});
  EXPECT_EQ(queue.num_waiting(), 5u);
  EXPECT_THAT(queue.Take(0), ElementsAre());
  EXPECT_THAT(queue.Take(2), ElementsAre(8, 5));
  EXPECT_THAT(queue.Take(100), ElementsAre(6, 7, 9));
  EXPECT_THAT(queue.Take(1), ElementsAre());
  EXPECT_EQ(queue.num_waiting(), 0u);
}

TEST(TaskQueueTest, EqualAgesAreTakenByPriorityAlone) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    TaskQueue queue(milliseconds(1));
    std::vector<Task> tasks;
    for (size_t id = 0; id < 200; ++id) {
      const auto priority =
          static_cast<int32_t>(base::RandomBits(seed, id) % 20) - 10;
      tasks.push_back({id, priority, seconds(seed)});
      queue.Add(tasks.back());
    }
    std::stable_sort(
        tasks.begin(), tasks.end(),
        [](const Task& a, const Task& b) { return a.priority > b.priority; });
    const std::vector<size_t> taken = queue.Take(tasks.size());
    ASSERT_EQ(taken.size(), tasks.size());
    for (size_t i = 0; i < tasks.size(); ++i) {
      ASSERT_EQ(taken[i], tasks[i].id) << "seed " << seed << ", place " << i;
    }
  }
}

// Adding, taking and putting back in random order while time passes. Times are
// coarse, so that many tasks are equally urgent, and start below zero; ids go
// down, so that they do not stand in for age.
TEST(TaskQueueTest, EqualsALookAtAllTasksWheneverItIsAsked) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(seed);
    const nanoseconds aging = milliseconds(1 + seed % 7);
    TaskQueue queue(aging);
    SlowQueue reference(aging);
    std::map<size_t, Task> tasks;
    std::vector<size_t> taken;
    nanoseconds now = milliseconds(-50);
    for (uint64_t step = 0; step < 500; ++step) {
      const uint64_t bits = base::RandomBits(seed, step);
      now += milliseconds(bits % 3);
      const uint64_t action = (bits >> 8) % 8;
      if (action < 4) {
        const Task task = {.id = 1000 - tasks.size(),
                           .priority = static_cast<int32_t>((bits >> 16) % 12),
                           .enqueued = now};
        tasks[task.id] = task;
        queue.Add(task);
        reference.Add(task);
      } else if (action < 7) {
        for (const size_t id : queue.Take(action - 3)) {
          ASSERT_EQ(id, reference.TakeOne(now)) << "step " << step;
          taken.push_back(id);
        }
      } else if (!taken.empty()) {
        const size_t idx = (bits >> 16) % taken.size();
        queue.PutBack(taken[idx]);
        reference.Add(tasks[taken[idx]]);
        taken.erase(taken.begin() + static_cast<std::ptrdiff_t>(idx));
      }
    }
  }
}

// The queue is given as many urgent tasks as it can take, or twice as many, for
// ever. One that was there first waits until the urgent ones of its bound are
// taken, and no longer.
TEST(TaskQueueTest, AnEndlessStreamOfUrgentTasksDelaysOthersToTheBound) {
  constexpr int32_t kLow = -2, kUrgent = 5;
  constexpr size_t kLowId = 0;
  constexpr nanoseconds kStep = milliseconds(1);
  constexpr nanoseconds kAging = milliseconds(20);
  constexpr size_t kBoundSteps = (kUrgent - kLow) * (kAging / kStep);
  for (const size_t num_a_step : {1, 2}) {
    TaskQueue queue(kAging);
    queue.Add({kLowId, kLow, nanoseconds(0)});
    size_t next_id = 1, num_taken = 0;
    for (nanoseconds now = kStep;; now += kStep) {
      for (size_t i = 0; i < num_a_step; ++i) {
        queue.Add({next_id++, kUrgent, now});
      }
      if (queue.Take(1)[0] == kLowId) break;
      ++num_taken;
      ASSERT_LE(num_taken, num_a_step * kBoundSteps);
    }
    // At the bound itself both are equally urgent, and the older one goes.
    EXPECT_EQ(num_taken, num_a_step * (kBoundSteps - 1));
  }
}

TEST(TaskQueueTest, WhatIsPutBackKeepsItsAge) {
  TaskQueue queue(seconds(10));
  queue.Add({.id = 1, .priority = 0, .enqueued = seconds(0)});
  queue.Add({.id = 2, .priority = 0, .enqueued = seconds(1)});
  EXPECT_THAT(queue.Take(1), ElementsAre(1));
  queue.Add({.id = 3, .priority = 1, .enqueued = seconds(11)});
  queue.PutBack(1);
  EXPECT_EQ(queue.num_waiting(), 3u);
  EXPECT_THAT(queue.Take(3), ElementsAre(1, 2, 3));
  queue.PutBack(3);
  queue.PutBack(2);
  EXPECT_THAT(queue.Take(3), ElementsAre(2, 3));
}

TEST(TaskQueueTest, ExtremePrioritiesAndAgingsDoNotOverflow) {
  constexpr int32_t kLowest = std::numeric_limits<int32_t>::min();
  constexpr int32_t kHighest = std::numeric_limits<int32_t>::max();
  for (const nanoseconds aging :
       {nanoseconds(1), nanoseconds(hours(1)), nanoseconds::max()}) {
    TaskQueue queue(aging);
    queue.Add({.id = 0, .priority = kLowest, .enqueued = seconds(3)});
    queue.Add({.id = 1, .priority = kHighest, .enqueued = seconds(3)});
    queue.Add({.id = 2, .priority = 0, .enqueued = seconds(3)});
    EXPECT_THAT(queue.Take(3), ElementsAre(1, 2, 0));
  }
}

// In a queue that looked at all tasks each time, this would take minutes.
TEST(TaskQueueTest, AHundredThousandTasksGoInAndOutInOrder) {
  constexpr size_t kNumTasks = 100'000;
  TaskQueue queue(seconds(1));
  std::vector<Task> tasks;
  for (size_t id = 0; id < kNumTasks; ++id) {
    const uint64_t bits = base::RandomBits(11, id);
    tasks.push_back({id, static_cast<int32_t>(bits % 100),
                     milliseconds((bits >> 32) % 60'000)});
    queue.Add(tasks.back());
  }
  for (const size_t id : queue.Take(kNumTasks)) queue.PutBack(id);
  int64_t last = std::numeric_limits<int64_t>::min();
  for (size_t i = 0; i < kNumTasks; ++i) {
    const Task& task = tasks[queue.Take(1)[0]];
    const int64_t rank =
        (task.enqueued - task.priority * nanoseconds(seconds(1))).count();
    ASSERT_GE(rank, last) << "place " << i;
    last = rank;
  }
  EXPECT_EQ(queue.num_waiting(), 0u);
}

}  // namespace
}  // namespace revlm::sched
