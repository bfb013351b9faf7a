// One worker process, seen from the run that started it.
//
// A worker that dies, hangs up or makes no sense is an error of that worker:
// `is_dead`, and an error kUnavailable with how it ended. There is nothing to
// do with it then but destroy it. Other errors are its answers.
//
// Threads: thread-confined; the thread that starts a worker outlives it.
// Memory: that of base::Channel. Errors: kUnavailable (it died or cannot be
// started), kNotFound (no such program).
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "base/channel.h"
#include "base/child_process.h"
#include "base/error.h"
#include "revlm/run.h"
#include "run/worker_messages.h"

namespace revlm::run {

class Worker {
 public:
  static Result<Worker> Start(const RunOptions& options);

  int64_t pid() const { return process_.pid(); }
  // To wait on for messages.
  int fd() const { return channel_.fd(); }

  Status Send(const ToWorker& message);
  // The next message, when all of it is here.
  Result<std::optional<FromWorker>> TryReceive();
  // The next message; waits for it.
  Result<FromWorker> Receive();

  // Longer messages from it make no sense from here on.
  void LimitMessages(uint32_t max_message_bytes) {
    channel_.LimitReceived(max_message_bytes);
  }

  // Sends, then waits for an answer of type `Answer`; an answer of Failed is
  // its error, one of another type is nonsense.
  template <typename Answer>
  Result<Answer> Ask(const ToWorker& question);
  // The second half of it.
  template <typename Answer>
  Result<Answer> Await();

  // It has ended, or will be of no use.
  bool is_dead() const { return is_dead_; }

  // Ends it at once. What it had said before can still be received, all of it
  // once the end was waited for.
  void Kill() const { process_.Kill(); }
  void WaitForEnd();
  // Lets it end by itself, or kills it when that takes long.
  void Dismiss() &&;

  // The most that it has held so far; 0 when it has ended.
  uint64_t PeakBytes() const;

 private:
  Worker(base::ChildProcess process, base::Descriptor socket)
      : process_(std::move(process)),
        channel_(std::move(socket), kMaxMessageBytes) {}

  // Ends it; the error says how it ended.
  std::unexpected<Error> Died(const Error& error);
  std::unexpected<Error> MadeNoSense(const FromWorker& answer);
  std::unexpected<Error> SaidTooMuch();

  base::ChildProcess process_;
  base::Channel channel_;
  bool is_dead_ = false;
};

template <typename Answer>
Result<Answer> Worker::Ask(const ToWorker& question) {
  REVLM_TRY(Send(question));
  return Await<Answer>();
}

template <typename Answer>
Result<Answer> Worker::Await() {
  REVLM_ASSIGN_OR_RETURN(FromWorker answer, Receive());
  if (auto* expected = std::get_if<Answer>(&answer)) {
    return std::move(*expected);
  }
  if (auto* failed = std::get_if<Failed>(&answer)) {
    return std::unexpected<Error>(std::move(failed->error));
  }
  return MadeNoSense(answer);
}

}  // namespace revlm::run
