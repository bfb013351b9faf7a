#include "engine/thread_pool.h"

#include <sched.h>

#include <algorithm>
#include <optional>
#include <system_error>
#include <utility>

namespace revlm::engine {
namespace {

void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

int ThreadPool::NumUsableCpus() {
  cpu_set_t cpus;
  if (sched_getaffinity(0, sizeof(cpus), &cpus) != 0) {
    return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  }
  return std::max(1, CPU_COUNT(&cpus));
}

// Spinning pays between the short loops of a small model, but only while every
// thread has a CPU of its own.
ThreadPool::ThreadPool(int num_threads)
    : spin_count_(num_threads <= NumUsableCpus() ? 4000 : 0) {
  try {
    for (int i = 1; i < num_threads; ++i) {
      threads_.emplace_back([this, i] { Work(i); });
    }
  } catch (const std::system_error&) {
    // The system gives no more: fewer threads give the same results.
  }
  num_used_ = this->num_threads();
}

ThreadPool::~ThreadPool() {
  {
    std::lock_guard lock(mutex_);
    closing_ = true;
    Announce();
  }
  work_ready_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void ThreadPool::Use(int num_threads) {
  num_used_ = std::clamp(num_threads, 1, this->num_threads());
}

void ThreadPool::Announce() {
  generation_ =
      (generation_ / kLoop + 1) * kLoop + static_cast<uint64_t>(num_used_);
}

void ThreadPool::RunTasks(const Body& body, int thread_idx) noexcept {
  for (;;) {
    const int64_t task = next_task_.fetch_add(1);
    if (task >= num_tasks_) return;
    try {
      body(task, thread_idx);
    } catch (...) {
      next_task_ = num_tasks_;  // no more of them
      std::lock_guard lock(mutex_);
      failure_ = std::current_exception();
      failed_ = true;
    }
  }
}

void ThreadPool::Rethrow() {
  std::exception_ptr failure;
  {
    std::lock_guard lock(mutex_);
    std::swap(failure, failure_);
    failed_ = false;
  }
  if (failure) std::rethrow_exception(failure);
}

void ThreadPool::ParallelFor(int64_t num_tasks, const Body& body) {
  if (num_tasks <= 0) return;
  if (num_tasks == 1 || num_used_ == 1) {
    for (int64_t task = 0; task < num_tasks; ++task) body(task, 0);
    return;
  }
  body_ = &body;
  num_tasks_ = num_tasks;
  next_task_ = 0;
  num_busy_ = num_used_ - 1;
  {
    std::lock_guard lock(mutex_);
    Announce();
  }
  work_ready_.notify_all();
  RunTasks(body, 0);
  for (int i = 0; i < spin_count_ && num_busy_ != 0; ++i) Pause();
  if (num_busy_ != 0) {
    std::unique_lock lock(mutex_);
    work_done_.wait(lock, [this] { return num_busy_ == 0; });
  }
  if (failed_) Rethrow();
}

Status ThreadPool::TryParallelFor(
    int64_t num_tasks,
    const std::function<Status(int64_t task, int thread_idx)>& body) {
  std::mutex mutex;
  std::optional<Error> error;  // guarded by mutex
  ParallelFor(num_tasks, [&](int64_t task, int thread_idx) {
    Status status = body(task, thread_idx);
    if (status) return;
    const std::lock_guard lock(mutex);
    error = std::move(status).error();
  });
  if (error) return std::unexpected<Error>(*std::move(error));
  return {};
}

void ThreadPool::Work(int thread_idx) {
  uint64_t seen = 0;
  bool is_used = true;
  for (;;) {
    const int spin_count = is_used ? spin_count_ : 0;
    for (int i = 0; i < spin_count && generation_ == seen; ++i) Pause();
    if (generation_ == seen) {
      std::unique_lock lock(mutex_);
      work_ready_.wait(lock, [&] { return generation_ != seen; });
    }
    seen = generation_;
    if (closing_) return;
    is_used = static_cast<uint64_t>(thread_idx) < seen % kLoop;
    if (!is_used) continue;
    RunTasks(*body_, thread_idx);
    if (num_busy_.fetch_sub(1) == 1) {
      std::lock_guard lock(mutex_);
      work_done_.notify_one();
    }
  }
}

}  // namespace revlm::engine
