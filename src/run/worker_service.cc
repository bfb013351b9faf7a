#include "run/worker_service.h"

#include <chrono>
#include <memory>
#include <new>
#include <optional>
#include <system_error>
#include <utility>
#include <variant>

#include "base/channel.h"
#include "run/worker_messages.h"

namespace revlm::run {
namespace {

FromWorker AnswerOr(Error error) { return Failed{.error = std::move(error)}; }

template <typename T>
FromWorker AnswerOr(Result<T> answer) {
  if (!answer) return AnswerOr(std::move(answer).error());
  return *std::move(answer);
}

class Service {
 public:
  Service(base::Descriptor socket, const WorkerHooks& hooks)
      : channel_(std::move(socket), kMaxMessageBytes), hooks_(hooks) {}

  Status Serve() {
    while (true) {
      auto question = Receive();
      if (!question) return Refuse(std::move(question).error());
      REVLM_ASSIGN_OR_RETURN(const auto answer, Answer(*std::move(question)));
      if (answer) REVLM_TRY(Send(*answer));
    }
  }

 private:
  Result<ToWorker> Receive() {
    REVLM_ASSIGN_OR_RETURN(const std::string_view bytes, channel_.Receive());
    return ToWorkerFromBytes(bytes);
  }

  // Whoever speaks another version can be told so.
  Status Refuse(Error error) {
    if (error.code == ErrorCode::kUnsupported) {
      REVLM_TRY(Send(Failed{.error = error}));
    }
    return std::unexpected<Error>(std::move(error));
  }

  // The run's process may be suspended; when it is gone, that is an error.
  Status Send(const FromWorker& message) {
    constexpr std::chrono::milliseconds kForEver(-1);
    return channel_.Send(ToBytes(message), kForEver);
  }

  // Nothing else may come while requests are run.
  Result<bool> AskDrain() {
    REVLM_ASSIGN_OR_RETURN(const auto bytes, channel_.TryReceive());
    if (!bytes) return false;
    REVLM_ASSIGN_OR_RETURN(const ToWorker message, ToWorkerFromBytes(*bytes));
    if (std::holds_alternative<Drain>(message)) return true;
    return base::MakeError(ErrorCode::kCorrupt,
                           "running: found a message of kind {}, which has to "
                           "wait for the end",
                           message.index());
  }

  Result<std::optional<FromWorker>> Answer(ToWorker question) {
    try {
      if (const auto* open = std::get_if<OpenModel>(&question)) {
        return Open(*open);
      }
      if (!session_) {
        return base::MakeError(ErrorCode::kCorrupt,
                               "serving a model: found a question before one "
                               "was opened");
      }
      return std::visit([&](auto& of) { return Do(of); }, question);
    } catch (const std::system_error& problem) {  // no thread to be had
      return AnswerOr(Error{ErrorCode::kUnavailable,
                            fmt::format("running: {}", problem.what())});
    } catch (const std::bad_alloc&) {
      return AnswerOr(Error{ErrorCode::kBudgetExceeded,
                            "running: the system gave no more memory, the "
                            "limit is reached; ask for less at once"});
    }
  }

  FromWorker Open(const OpenModel& message) {
    session_.reset();
    auto session = Session::Open(message);
    if (!session) return AnswerOr(std::move(session).error());
    session_ = *std::move(session);
    return session_->Describe();
  }

  std::optional<FromWorker> Do(const OpenModel& message) {
    return Open(message);
  }
  std::optional<FromWorker> Do(const EncodePrompts& message) {
    return session_->Encode(message);
  }
  std::optional<FromWorker> Do(TakeRequests& message) {
    session_->Take(std::move(message));
    return std::nullopt;
  }
  std::optional<FromWorker> Do(const AskFloor& /*message*/) {
    return FloorBytes{session_->FloorBytes()};
  }
  std::optional<FromWorker> Do(const AskPlan& message) {
    return AnswerOr(session_->Plan(message));
  }
  std::optional<FromWorker> Do(const AskDigests& message) {
    return session_->Digests(message);
  }
  std::optional<FromWorker> Do(const RunRequests& message) {
    if (hooks_.before_run) hooks_.before_run(*session_);
    auto failed = session_->Run(
        message, [&](const FromWorker& event) { return Send(event); },
        [&] { return AskDrain(); });
    if (failed) return *std::move(failed);
    return RunEnded{};
  }
  // What ran has ended by itself meanwhile.
  std::optional<FromWorker> Do(const Drain& /*message*/) {
    return std::nullopt;
  }

  base::Channel channel_;
  const WorkerHooks& hooks_;
  std::unique_ptr<Session> session_;
};

}  // namespace

Status ServeModel(base::Descriptor socket, const WorkerHooks& hooks) {
  return Service(std::move(socket), hooks).Serve();
}

}  // namespace revlm::run
