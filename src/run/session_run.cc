// How a session runs the requests that it took.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <span>
#include <stop_token>
#include <system_error>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "memory/image.h"
#include "memory/pressure.h"
#include "memory/process_memory.h"
#include "run/adaptive_runner.h"
#include "run/operation.h"
#include "run/run_directory.h"
#include "run/session.h"

namespace revlm::run {
namespace {

// Telling how far a pass is more often than this is of use to nobody.
constexpr std::chrono::milliseconds kProgressTime(50);

// Code is made present, so that what is held does not depend on which of it is
// needed when. Allocations beyond the lease fail instead of growing the
// process: private memory may grow by what the lease leaves, and by addresses
// of which little is used: the stacks of threads, and the room that oneDNN maps
// for each piece of code before it writes it.
Status KeepWithin(uint64_t process_bytes, int32_t num_threads) {
  memory::Populate(memory::ReadImage());
  // 256 KiB a piece, up to some twenty pieces a product, of the few products
  // that are kept: 38 MiB were seen. oneDNN does not survive a refusal.
  constexpr uint64_t kCodeBytes = uint64_t{128} << 20;
  // Threads that compute, and those that read and hash, as far as they are not
  // there yet.
  constexpr uint64_t kOtherThreads = 12;
  const uint64_t num_threads_in_all =
      kOtherThreads + (num_threads > 0 ? static_cast<uint64_t>(num_threads)
                                       : std::thread::hardware_concurrency());
  const uint64_t num_stacks =
      num_threads_in_all - std::min(num_threads_in_all, memory::NumThreads());
  const uint64_t held = memory::ReadProcessMemory().anonymous_bytes;
  return memory::FenceHeap(process_bytes - std::min(held, process_bytes) +
                           num_stacks * memory::StackBytes() + kCodeBytes);
}

// Whether a disk that is full is why keys and values could not wait there: no
// fault of the model's.
bool IsFull(const std::string& directory, uint64_t spilled_bytes) {
  std::error_code error;
  const auto space = std::filesystem::space(directory, error);
  return !error && space.available < spilled_bytes;
}

// The key does not cover the weights: two models that share configuration and
// tokenizer share keys.
std::string CaptureFile(const std::string& alias, const std::string& key) {
  return fmt::format("{}/{}-{}.safetensors", kCapturesName, alias, key);
}

}  // namespace

class Session::Running {
 public:
  Running(Session& session, const RunRequests& message, const Tell& tell,
          const AskDrain& ask_drain)
      : session_(session),
        engine_(*session.model_.engine),
        message_(message),
        tell_(tell),
        ask_drain_(ask_drain) {}

  std::optional<Failed> Run();

 private:
  Status RunAdaptively();
  // Runs requests `begin` to `end` - 1. Returns how many tokens went through
  // the model.
  Result<int64_t> RunPart(size_t begin, size_t end);
  void Complete(size_t request_idx, engine::Completion completion);
  void TellProgress(const engine::Progress& progress);

  bool IsDraining();

  // Stops when something cannot be told or written.
  void Keep(const Status& status, bool is_of_output);

  Session& session_;
  engine::Engine& engine_;
  const RunRequests& message_;
  const Tell& tell_;
  const AskDrain& ask_drain_;
  const base::Clock& clock_ = base::SystemClock();
  std::stop_source stop_;
  std::optional<Failed> failed_;
  bool is_drained_ = false;
  std::optional<std::chrono::nanoseconds> told_;  // progress, last
  uint64_t spilled_bytes_ = 0;                    // of the last plan
  int64_t num_tokens_ = 0;   // of the requests that are complete
  uint64_t read_bytes_ = 0;  // of weights, of all parts until now
};

std::optional<Failed> Session::Running::Run() {
  Status status;
  if (session_.options_.adaptive) {
    status = RunAdaptively();
  } else {
    const auto ran = RunPart(0, session_.requests_.size());
    if (!ran) status = std::unexpected<Error>(ran.error());
  }
  if (!failed_ && !is_drained_ && !status) {
    failed_ = Failed{
        .error = status.error(),
        .is_of_output = status.error().code == ErrorCode::kUnavailable &&
                        IsFull(session_.spill_directory_, spilled_bytes_)};
  }
  return std::move(failed_);
}

Status Session::Running::RunAdaptively() {
  const std::vector<engine::Request>& requests = session_.requests_;
  AdaptiveWork work;
  work.num_operations = requests.size();
  work.interval = session_.options_.adaptation_interval;
  REVLM_ASSIGN_OR_RETURN(const engine::RunPlan plan, engine_.Plan(requests));
  const int32_t num_threads = session_.ThreadsOf(message_.num_threads);
  StartFromPlan(plan, engine_.FloorBytes(requests), num_threads, work);
  work.run_part = [&](size_t begin, size_t end,
                      const sched::Setting& setting) -> Result<int64_t> {
    REVLM_ASSIGN_OR_RETURN(
        const memory::Reservation held,
        HoldBack(session_.budget_, setting, work.start.memory_bytes));
    engine_.UseThreads(setting.num_threads);
    return RunPart(begin, end);
  };
  work.read_pressure = [] { return memory::ReadPressure(); };
  work.on_change = [&](const sched::Decision& decision) {
    return tell_(decision);
  };
  return RunInParts(work, clock_);
}

Result<int64_t> Session::Running::RunPart(size_t begin, size_t end) {
  const std::span<const engine::Request> requests = session_.requests_;
  const int64_t tokens_before = num_tokens_;
  const uint64_t read_before = read_bytes_;
  engine::RunHooks hooks;
  hooks.stop = stop_.get_token();
  hooks.on_plan = [&](const engine::RunPlan& plan) {
    spilled_bytes_ = plan.use.spilled_bytes;
    Keep(tell_(plan), false);
  };
  hooks.on_complete = [&](size_t request_idx, engine::Completion completion) {
    if (!failed_) Complete(begin + request_idx, std::move(completion));
  };
  hooks.on_progress = [&](engine::Progress progress) {
    read_bytes_ = read_before + progress.read_bytes;
    progress.read_bytes = read_bytes_;
    progress.tokens_done += tokens_before;
    progress.num_complete += static_cast<int32_t>(begin);
    progress.num_requests = static_cast<int32_t>(requests.size());
    TellProgress(progress);
  };
  hooks.is_draining = [&] { return IsDraining(); };
  const Status status =
      engine_.Run(requests.subspan(begin, end - begin), hooks);
  if (failed_) return std::unexpected<Error>(failed_->error);
  REVLM_TRY(status);
  return num_tokens_ - tokens_before;
}

void Session::Running::Complete(size_t request_idx,
                                engine::Completion completion) {
  num_tokens_ += static_cast<int64_t>(
      session_.requests_[request_idx].prompt.size() + completion.tokens.size());
  CompletedRequest done = {.request_idx = request_idx, .result = {}};
  const Status filled =
      FillResult(session_.model_, message_.run_dir,
                 CaptureFile(message_.alias, session_.keys_[request_idx]),
                 std::move(completion), done.result);
  // Tokens that make no text are the model's fault, and no reason to stop.
  Keep(filled, !filled && filled.error().code == ErrorCode::kUnavailable);
  if (!failed_) Keep(tell_(std::move(done)), false);
}

void Session::Running::TellProgress(const engine::Progress& progress) {
  const auto now = clock_.Monotonic();
  if (failed_ || (told_ && now - *told_ < kProgressTime)) return;
  told_ = now;
  Keep(tell_(progress), false);
}

bool Session::Running::IsDraining() {
  const auto asked = ask_drain_();
  if (!asked) Keep(std::unexpected<Error>(asked.error()), false);
  is_drained_ = asked && *asked;
  return failed_ || is_drained_;
}

void Session::Running::Keep(const Status& status, bool is_of_output) {
  if (status || failed_) return;
  failed_ = Failed{.error = status.error(), .is_of_output = is_of_output};
  stop_.request_stop();
}

std::optional<Failed> Session::Run(const RunRequests& message, const Tell& tell,
                                   const AskDrain& ask_drain) {
  if (message.process_bytes > 0) {
    if (const Status kept =
            KeepWithin(message.process_bytes, options_.num_threads);
        !kept) {
      return Failed{.error = kept.error()};
    }
  }
  const auto others = LeaveFor(message.engine_bytes);
  if (!others) return Failed{.error = others.error()};
  model_.engine->UseThreads(ThreadsOf(message.num_threads));
  return Running(*this, message, tell, ask_drain).Run();
}

}  // namespace revlm::run
