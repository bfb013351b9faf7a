#include "sched/task_queue.h"

#include <algorithm>

#include "base/check.h"

namespace revlm::sched {

TaskQueue::TaskQueue(std::chrono::nanoseconds aging) : aging_(aging) {
  REVLM_CHECK(aging.count() > 0);
}

TaskQueue::Rank TaskQueue::RankOf(const Task& task) const {
  int64_t num_agings = task.enqueued / aging_;
  std::chrono::nanoseconds rest = task.enqueued % aging_;
  if (rest.count() < 0) {
    --num_agings;
    rest += aging_;
  }
  return {.level = num_agings - task.priority,
          .rest = rest,
          .enqueued = task.enqueued,
          .id = task.id};
}

void TaskQueue::Add(const Task& task) {
  const auto [entry, is_new] = ranks_.emplace(task.id, RankOf(task));
  REVLM_CHECK(is_new);
  waiting_.insert(entry->second);
}

std::vector<size_t> TaskQueue::Take(size_t max_count) {
  std::vector<size_t> ids;
  ids.reserve(std::min(max_count, waiting_.size()));
  while (ids.size() < max_count && !waiting_.empty()) {
    ids.push_back(waiting_.begin()->id);
    waiting_.erase(waiting_.begin());
  }
  return ids;
}

void TaskQueue::PutBack(size_t id) {
  const auto entry = ranks_.find(id);
  REVLM_CHECK(entry != ranks_.end());
  const bool was_taken = waiting_.insert(entry->second).second;
  REVLM_CHECK(was_taken);
}

}  // namespace revlm::sched
