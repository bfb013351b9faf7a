#include "run/worker.h"

#include <chrono>
#include <new>
#include <utility>

#include "memory/process_memory.h"

namespace revlm::run {

Result<Worker> Worker::Start(const RunOptions& options) {
  REVLM_ASSIGN_OR_RETURN(auto sockets, base::Channel::MakeSockets());
  REVLM_ASSIGN_OR_RETURN(
      base::ChildProcess process,
      base::ChildProcess::Start(options.worker_program, {},
                                options.environment.variables, sockets.second));
  return Worker(std::move(process), std::move(sockets.first));
}

std::unexpected<Error> Worker::Died(const Error& error) {
  is_dead_ = true;
  // One that hung up may still be on its way out by itself; others wait.
  constexpr std::chrono::milliseconds kPatience(500);
  if (error.code == ErrorCode::kUnavailable) {
    if (const auto end = process_.WaitFor(kPatience)) {
      return base::MakeError(ErrorCode::kUnavailable, "its worker process {}",
                             base::DescribeEnd(*end));
    }
  }
  process_.Kill();
  process_.Wait();
  return base::MakeError(ErrorCode::kUnavailable,
                         "its worker process was ended: {}", error.message);
}

std::unexpected<Error> Worker::MadeNoSense(const FromWorker& answer) {
  return Died({ErrorCode::kCorrupt,
               fmt::format("found a message of kind {}, which answers nothing "
                           "that was asked",
                           answer.index())});
}

Status Worker::Send(const ToWorker& message) {
  // It has nothing else to do than to read; other workers wait meanwhile.
  constexpr std::chrono::seconds kPatience(30);
  Status sent = channel_.Send(ToBytes(message), kPatience);
  if (!sent) return Died(sent.error());
  return sent;
}

// What it says may take more memory than there is: that is its own fault.
Result<std::optional<FromWorker>> Worker::TryReceive() {
  try {
    const auto bytes = channel_.TryReceive();
    if (!bytes) return Died(bytes.error());
    if (!*bytes) return std::nullopt;
    auto message = FromWorkerFromBytes(**bytes);
    if (!message) return Died(message.error());
    return *std::move(message);
  } catch (const std::bad_alloc&) {
    return SaidTooMuch();
  }
}

Result<FromWorker> Worker::Receive() {
  try {
    const auto bytes = channel_.Receive();
    if (!bytes) return Died(bytes.error());
    auto message = FromWorkerFromBytes(*bytes);
    if (!message) return Died(message.error());
    return message;
  } catch (const std::bad_alloc&) {
    return SaidTooMuch();
  }
}

std::unexpected<Error> Worker::SaidTooMuch() {
  channel_ = base::Channel(base::Descriptor(), 0);
  return Died(
      {ErrorCode::kCorrupt, "the system gave no more memory for what it said"});
}

void Worker::WaitForEnd() {
  process_.Wait();
  is_dead_ = true;
}

void Worker::Dismiss() && {
  constexpr std::chrono::seconds kPatience(2);
  channel_ = base::Channel(base::Descriptor(), 0);
  static_cast<void>(process_.WaitFor(kPatience));
}

uint64_t Worker::PeakBytes() const {
  if (is_dead_) return 0;
  return memory::ReadProcessMemory(process_.pid()).peak_bytes;
}

}  // namespace revlm::run
