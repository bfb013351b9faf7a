#include "challenge/timed_calls.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <system_error>
#include <utility>

#include "base/clock.h"

namespace revlm::challenge {
namespace {

using Answer = TimedCalls::Answer;

// Where calls leave their answers. Shared by those who may outlive `Run`.
struct Board {
  std::mutex mutex;
  std::condition_variable answered;
  std::vector<std::optional<Answer>> answers;  // guarded by `mutex`
};

struct Running {
  size_t call_idx;
  std::chrono::nanoseconds begun;
  std::jthread thread;
};

Answer Guarded(const TimedCalls::Call& call, const std::stop_token& stop) {
  try {
    return call(stop);
  } catch (const std::exception& exception) {
    return base::MakeError(ErrorCode::kInternal, "an exception: {}",
                           exception.what());
  } catch (...) {
    return base::MakeError(ErrorCode::kInternal, "an exception");
  }
}

std::jthread Start(const std::shared_ptr<Board>& board, size_t call_idx,
                   TimedCalls::Call call) {
  return std::jthread(
      [board, call_idx, call = std::move(call)](const std::stop_token& stop) {
        Answer answer = Guarded(call, stop);
        const std::scoped_lock lock(board->mutex);
        board->answers[call_idx] = std::move(answer);
        board->answered.notify_one();
      });
}

}  // namespace

std::vector<Answer> TimedCalls::Run(std::vector<Call> calls) {
  const auto board = std::make_shared<Board>();
  board->answers.resize(calls.size());
  std::vector<Answer> answers(calls.size());
  std::vector<Running> running;
  std::unique_lock lock(board->mutex);
  for (size_t next_idx = 0; next_idx < calls.size() || !running.empty();) {
    while (next_idx < calls.size() && running.size() < num_at_once_) {
      try {
        running.push_back(
            {.call_idx = next_idx,
             .begun = base::SystemClock().Monotonic(),
             .thread = Start(board, next_idx, std::move(calls[next_idx]))});
      } catch (const std::system_error& error) {
        answers[next_idx] = base::MakeError(
            ErrorCode::kUnavailable, "starting a thread: {}", error.what());
      }
      ++next_idx;
    }
    if (running.empty()) continue;
    // The first to begin is the first to be late.
    const std::chrono::nanoseconds end = running.front().begun + deadline_;
    board->answered.wait_for(lock, end - base::SystemClock().Monotonic(), [&] {
      return std::ranges::any_of(running, [&](const Running& item) {
        return board->answers[item.call_idx].has_value();
      });
    });
    const std::chrono::nanoseconds now = base::SystemClock().Monotonic();
    std::erase_if(running, [&](Running& item) {
      if (auto& answer = board->answers[item.call_idx]) {
        answers[item.call_idx] = *std::move(answer);
        return true;  // the thread is done: its destructor waits for its end
      }
      if (now < item.begun + deadline_) return false;
      item.thread.request_stop();
      late_.push_back(std::move(item.thread));
      answers[item.call_idx] = base::MakeError(
          ErrorCode::kTimeout, "no answer within {} ms",
          std::chrono::duration_cast<std::chrono::milliseconds>(deadline_)
              .count());
      return true;
    });
  }
  return answers;
}

}  // namespace revlm::challenge
