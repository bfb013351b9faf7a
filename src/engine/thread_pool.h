// A fixed set of threads for loops over independent tasks.
//
// `ParallelFor` runs `body(task, thread)` for every task and returns when all
// are done. The caller takes part as thread 0. Which thread runs which task is
// not fixed: a task's result must depend on its number alone. What a task
// throws (std::bad_alloc) is thrown again by ParallelFor, once all threads are
// done.
//
// Threads: one ParallelFor at a time, from one thread. Memory: O(threads).
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "base/error.h"

namespace revlm::engine {

class ThreadPool {
 public:
  using Body = std::function<void(int64_t task, int thread_idx)>;

  // REQUIRES: num_threads >= 1. Takes fewer when the system gives no more.
  explicit ThreadPool(int num_threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int num_threads() const { return static_cast<int>(threads_.size()) + 1; }
  int num_used() const { return num_used_; }
  // From here on loops run on so many threads, from 1 to num_threads(); the
  // others sleep. REQUIRES: no loop runs.
  void Use(int num_threads);

  void ParallelFor(int64_t num_tasks, const Body& body);
  // The same with tasks that may fail: all are run, one of the errors is given.
  Status TryParallelFor(
      int64_t num_tasks,
      const std::function<Status(int64_t task, int thread_idx)>& body);

  // CPUs this process may run on; at least 1.
  static int NumUsableCpus();

 private:
  void Work(int thread_idx);
  void RunTasks(const Body& body, int thread_idx) noexcept;
  void Rethrow();

  static constexpr uint64_t kLoop = uint64_t{1} << 16;

  void Announce();  // the next loop; REQUIRES: mutex_ is held

  const int spin_count_;  // how often to look before sleeping
  int num_used_ = 1;      // threads that run loops
  // One more with each loop, times kLoop, plus how many threads run it: read at
  // once, so that a thread that sleeps through loops never joins a wrong one.
  std::atomic<uint64_t> generation_ = 0;
  std::atomic<int64_t> next_task_ = 0;
  std::atomic<int> num_busy_ = 0;  // pool threads not yet done with this loop
  std::atomic<bool> closing_ = false;
  std::atomic<bool> failed_ = false;  // a task of this loop threw
  // Written before `generation_` is raised, read after it was seen.
  const Body* body_ = nullptr;
  int64_t num_tasks_ = 0;

  std::mutex mutex_;            // for sleeping, and for failure_
  std::exception_ptr failure_;  // guarded by mutex_; of this loop
  std::condition_variable work_ready_;
  std::condition_variable work_done_;
  std::vector<std::thread> threads_;
};

}  // namespace revlm::engine
