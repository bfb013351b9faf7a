#include "run/session.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <stop_token>
#include <system_error>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/file.h"
#include "memory/image.h"
#include "memory/process_memory.h"
#include "run/op_record.h"
#include "run/operation.h"
#include "run/process_heap.h"
#include "run/run_directory.h"

namespace revlm::run {
namespace {

// Telling how far a pass is more often than this is of use to nobody.
constexpr std::chrono::milliseconds kProgressTime(50);

// While another small file is loaded, it takes this many times its size.
constexpr double kLoadingShare = 2.5;

// What loading took beside what is kept. Of a tokenizer, that is its text and
// the lists that it is built from, which take no more than what is built.
uint64_t LoadingBytes(const Model& model) {
  uint64_t largest = 0;
  for (const formats::SmallFile& file : model.checkpoint->small_files()) {
    const uint64_t bytes =
        file.name == formats::kTokenizerName
            ? file.size_bytes + model.tokenizer->heap_bytes()
            : static_cast<uint64_t>(static_cast<double>(file.size_bytes) *
                                    kLoadingShare);
    largest = std::max(largest, bytes);
  }
  return largest;
}

// Code is made present, so that what is held does not depend on which of it is
// needed when. Allocations beyond the lease fail instead of growing the
// process: private memory may grow by what the lease leaves, and by the stacks
// of threads.
Status KeepWithin(uint64_t process_bytes, int32_t num_threads) {
  memory::Populate(memory::ReadImage());
  // Addresses, of which a thread uses little: of those that compute, those that
  // read and hash, and the first.
  constexpr uint64_t kStackBytes = uint64_t{8} << 20;
  constexpr uint64_t kOtherThreads = 12;
  const uint64_t num_stacks =
      kOtherThreads + (num_threads > 0 ? static_cast<uint64_t>(num_threads)
                                       : std::thread::hardware_concurrency());
  const uint64_t held = memory::ReadProcessMemory().anonymous_bytes;
  return memory::FenceHeap(process_bytes - std::min(held, process_bytes) +
                           num_stacks * kStackBytes);
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

Result<std::unique_ptr<Session>> Session::Open(const OpenModel& message) {
  std::unique_ptr<Session> session(new Session(message));
  REVLM_ASSIGN_OR_RETURN(session->model_,
                         LoadModel(message.reference, session->options_,
                                   session->budget_, message.spill_directory));
  return session;
}

ModelDescription Session::Describe() const {
  ModelDescription description = run::Describe(model_);
  memory::Image image = memory::ReadImage();
  image.ranges.clear();
  description.process = {
      .image = std::move(image),
      .heap_bytes = HeapInUse(model_.tokenizer->heap_bytes() +
                              model_.checkpoint->heap_bytes() +
                              description.need.heap_bytes),
      .loading_bytes = LoadingBytes(model_)};
  return description;
}

EncodedPrompts Session::Encode(const EncodePrompts& message) const {
  EncodedPrompts encoded;
  encoded.prompts.reserve(message.texts.size());
  for (const std::string& text : message.texts) {
    EncodedPrompt& prompt = encoded.prompts.emplace_back();
    auto ids = EncodePrompt(model_, text, options_.special_tokens);
    if (ids) {
      prompt.token_ids = *std::move(ids);
    } else {
      prompt.error = std::move(ids).error();
    }
  }
  return encoded;
}

void Session::Take(TakeRequests message) {
  if (message.num_in_all) {
    keys_.clear();
    requests_.clear();
    keys_.reserve(*message.num_in_all);
    requests_.reserve(*message.num_in_all);
  }
  for (PromptRequest& request : message.requests) {
    requests_.push_back(MakeRequest(options_, request.key,
                                    request.max_new_tokens,
                                    std::move(request.token_ids)));
    keys_.push_back(std::move(request.key));
  }
}

uint64_t Session::FloorBytes() { return model_.engine->FloorBytes(requests_); }

Result<memory::Reservation> Session::LeaveFor(uint64_t engine_bytes) {
  return budget_.Reserve(
      budget_.limit_bytes() - std::min(engine_bytes, budget_.limit_bytes()),
      memory::Use::kProgram);
}

Result<engine::RunPlan> Session::Plan(uint64_t engine_bytes) {
  REVLM_ASSIGN_OR_RETURN(const memory::Reservation others,
                         LeaveFor(engine_bytes));
  return model_.engine->Plan(requests_);
}

Result<std::optional<WeightDigests>> Session::FindDigests(bool reads_weights) {
  std::optional<WeightDigests> kept = cache_.Find(*model_.checkpoint);
  if (kept) return kept;
  if (!std::exchange(hashes_, true)) model_.engine->HashWeights();
  if (!reads_weights) return std::nullopt;
  REVLM_ASSIGN_OR_RETURN(const auto tensors,
                         model_.engine->TensorDigests(std::stop_token()));
  REVLM_ASSIGN_OR_RETURN(WeightDigests digests,
                         MakeWeightDigests(*model_.checkpoint, tensors));
  cache_.Store(*model_.checkpoint, digests);
  return digests;
}

FromWorker Session::Digests(const AskDigests& message) {
  auto digests = FindDigests(message.reads_weights);
  if (!digests) return Failed{.error = std::move(digests).error()};
  if (!*digests) return DigestRoot{};
  if (!message.tensors_file.empty()) {
    const Status written = base::WriteFileAtomically(
        message.tensors_file,
        TensorsToJson(*model_.checkpoint, **digests).dump(1) + "\n");
    if (!written) return Failed{.error = written.error(), .is_of_output = true};
  }
  return DigestRoot{(*digests)->root};
}

std::optional<Failed> Session::Run(const RunRequests& message,
                                   const Tell& tell) {
  if (message.process_bytes > 0) {
    if (const Status kept =
            KeepWithin(message.process_bytes, options_.num_threads);
        !kept) {
      return Failed{.error = kept.error()};
    }
  }
  const auto others = LeaveFor(message.engine_bytes);
  if (!others) return Failed{.error = others.error()};

  // Stops when something cannot be told or written.
  std::stop_source stop;
  std::optional<Failed> failed;
  const auto keep = [&](const Status& status, bool is_of_output) {
    if (status || failed) return;
    failed = Failed{.error = status.error(), .is_of_output = is_of_output};
    stop.request_stop();
  };
  const base::Clock& clock = base::SystemClock();
  std::optional<std::chrono::nanoseconds> told;
  engine::RunHooks hooks;
  hooks.stop = stop.get_token();
  uint64_t spilled_bytes = 0;
  hooks.on_plan = [&](const engine::RunPlan& plan) {
    spilled_bytes = plan.use.spilled_bytes;
    keep(tell(plan), false);
  };
  hooks.on_complete = [&](size_t request_idx, engine::Completion completion) {
    if (failed) return;
    CompletedRequest done = {.request_idx = request_idx, .result = {}};
    keep(FillResult(model_, message.run_dir,
                    CaptureFile(message.alias, keys_[request_idx]),
                    std::move(completion), done.result),
         true);
    if (!failed) keep(tell(std::move(done)), false);
  };
  hooks.on_progress = [&](const engine::Progress& progress) {
    const auto now = clock.Monotonic();
    if (failed || (told && now - *told < kProgressTime)) return;
    told = now;
    keep(tell(progress), false);
  };
  const Status status = model_.engine->Run(requests_, hooks);
  if (!failed && !status) {
    failed =
        Failed{.error = status.error(),
               .is_of_output = status.error().code == ErrorCode::kUnavailable &&
                               IsFull(spill_directory_, spilled_bytes)};
  }
  return failed;
}

}  // namespace revlm::run
