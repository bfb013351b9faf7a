// Tasks that wait: the most urgent first, none for ever.
//
// A waiting task rises steadily, by one level for each `aging` since it was
// enqueued. All rise alike, so the order of two tasks never changes, and taking
// needs neither a clock nor a second look at those that wait. The bound: a task
// of priority p, enqueued at t, waits for no task of priority q > p that was
// enqueued after t + (q - p) * aging, however many of them come.
//
// Threads: thread-compatible. Memory: some 150 bytes for each task ever added.
// Determinism: the order depends on the tasks, not on the order of the calls.
#pragma once

#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <set>
#include <unordered_map>
#include <vector>

namespace revlm::sched {

struct Task {
  size_t id = 0;
  int32_t priority = 0;                  // higher is more urgent
  std::chrono::nanoseconds enqueued{0};  // since any fixed start
};

class TaskQueue {
 public:
  // REQUIRES: aging > 0.
  explicit TaskQueue(std::chrono::nanoseconds aging);

  // REQUIRES: no task of this id was added before. O(log n).
  void Add(const Task& task);

  // The ids of the next tasks, at most `max_count`: higher levels first, the
  // oldest first within a level, the lowest id first among equals. O(log n) for
  // each.
  std::vector<size_t> Take(size_t max_count);

  // A task that was taken waits again, as old as if it had never been taken.
  // REQUIRES: it is taken. O(log n).
  void PutBack(size_t id);

  size_t num_waiting() const { return waiting_.size(); }

 private:
  // Sorts before the rank of a task that is to be taken later.
  //
  // Now cancels: of two tasks, that with the higher priority + (now - enqueued)
  // / aging has the lower enqueued / aging - priority. It is kept as a whole
  // number and a rest, which is exact and cannot overflow.
  struct Rank {
    int64_t level = 0;
    std::chrono::nanoseconds rest{0};  // 0 .. aging - 1
    std::chrono::nanoseconds enqueued{0};
    size_t id = 0;

    auto operator<=>(const Rank&) const = default;
  };

  Rank RankOf(const Task& task) const;

  const std::chrono::nanoseconds aging_;
  std::unordered_map<size_t, Rank> ranks_;  // by id, of all tasks ever added
  std::set<Rank> waiting_;
};

}  // namespace revlm::sched
