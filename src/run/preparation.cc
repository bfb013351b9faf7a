#include "run/preparation.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <span>
#include <utility>

#include "base/channel.h"
#include "base/heap_size.h"
#include "memory/limit.h"
#include "memory/process_memory.h"
#include "run/describe.h"
#include "run/host.h"
#include "run/metrics.h"
#include "run/process_heap.h"

namespace revlm::run {
namespace {

// The heap that an operation's result takes until the run is over.
uint64_t ResultBytes(const Operation& operation, const RunOptions& options) {
  constexpr uint64_t kTokenBytes = 96;  // a token, its text and its numbers
  const uint64_t scored =
      static_cast<uint64_t>(std::max(operation.prompt->max_tokens, 0)) +
      (options.prompt_logprobs ? operation.token_ids.size() : 0);
  const auto alternatives =
      static_cast<uint64_t>(std::max(options.num_logprobs, 0));
  return sizeof(OperationResult) + 512 + operation.prompt->text.size() +
         4 * operation.token_ids.size() +
         scored * (kTokenBytes + alternatives * kTokenBytes / 2);
}

uint64_t LargestResultBytes(const ModelWork& work, const RunOptions& options) {
  uint64_t largest = 0;
  for (const Operation& operation : work.operations) {
    largest = std::max(largest, ResultBytes(operation, options));
  }
  return largest;
}

// The longest message that makes sense once a model is described: a result, or
// a list of usual length.
uint32_t MaxMessageBytes(const ModelWork& work, const RunOptions& options) {
  constexpr uint64_t kLeastBytes = uint64_t{16} << 20;
  constexpr uint64_t kResultShare = 4;
  return static_cast<uint32_t>(std::min<uint64_t>(
      std::max(kLeastBytes, kResultShare * LargestResultBytes(work, options)),
      kMaxMessageBytes));
}

// The heap of what a worker said about its model, and of an account of it.
uint64_t HeapBytes(const ModelDescription& description) {
  constexpr uint64_t kModelBytes = 8 << 10;
  constexpr uint64_t kFileBytes = 512;
  return kModelBytes + kFileBytes * (description.small_files.size() +
                                     description.weight_files.size() +
                                     description.process.image.files.size());
}

// Of messages from workers beside the first one's, which is counted with what
// is kept: each may be on its way at once, and its buffer grows.
uint64_t OtherMessagesBytes(const RunOptions& options, size_t num_models,
                            uint64_t largest_result_bytes) {
  constexpr uint64_t kMessageCopies = 3;
  const size_t num_workers =
      std::min(static_cast<size_t>(options.num_workers), num_models);
  return (num_workers - std::min(num_workers, size_t{1})) *
         (kMessageCopies * largest_result_bytes + base::Channel::kKeptBytes);
}

// What this process takes.
uint64_t ProgramBytes(const RunOptions& options, const Preparation& prepared) {
  constexpr uint64_t kTextCopies = 6;  // of a prompt on the command line
  // Writing a result down takes a line of text that grows, beside the message
  // that it came in.
  constexpr uint64_t kLineShare = 4;
  uint64_t heap = Metrics::HeapBytes(prepared.work.size());
  for (const std::string& text : options.prompts) {
    heap += kTextCopies * base::HeapBlockBytes(text.size());
  }
  heap += base::HeapBytes(prepared.prompts);
  for (const PlannedPrompt& prompt : prepared.prompts) {
    heap += base::HeapBytes(prompt.id) + base::HeapBytes(prompt.text) +
            base::HeapBytes(prompt.text_sha256) +
            base::HeapBytes(prompt.variant);
  }
  uint64_t result_bytes = 0;
  uint64_t largest = 0;
  for (const ModelWork& work : prepared.work) {
    heap += HeapBytes(work.description) + base::HeapBytes(work.operations);
    for (const Operation& operation : work.operations) {
      heap +=
          base::HeapBytes(operation.key) + base::HeapBytes(operation.token_ids);
      result_bytes += ResultBytes(operation, prepared.options);
    }
    largest = std::max(largest, LargestResultBytes(work, prepared.options));
  }
  return prepared.image.size_bytes() +
         PrivateBytes(
             HeapInUse(heap) + result_bytes + kLineShare * largest +
             OtherMessagesBytes(options, prepared.work.size(), largest));
}

// What a model's worker takes beside what its engine plans with.
uint64_t WorkerBytes(const ModelWork& work, const Preparation& prepared) {
  // A result, and the message that it goes out in, which grows.
  constexpr uint64_t kResultCopies = 3;
  uint64_t heap = work.description.process.heap_bytes +
                  kResultCopies * LargestResultBytes(work, prepared.options);
  for (const Operation& operation : work.operations) {
    heap += sizeof(engine::Request) + sizeof(std::string) +
            base::HeapBytes(operation.key) +
            base::HeapBytes(operation.token_ids);
  }
  const engine::MemoryNeed& need = work.description.need;
  return memory::BytesBeside(work.description.process.image, prepared.image) +
         need.thread_bytes + need.library_bytes + PrivateBytes(heap);
}

// "in paired mode 2 of 3 models get a prompt; not asked: c", or nothing.
std::string UnaskedNotice(const RunOptions& options, size_t num_asked) {
  if (num_asked == options.models.size()) return "";
  return fmt::format(
      "in {} mode {} of {} models get a prompt; not asked: {}",
      ModeName(options.mode), num_asked, options.models.size(),
      fmt::join(std::span(options.models).subspan(num_asked), ", "));
}

// How many models the memory would allow at once.
Result<int32_t> MaxModelsAtOnce(const RunOptions& options, uint64_t num_models,
                                uint64_t budget_bytes) {
  if (!options.per_process_bytes) return static_cast<int32_t>(num_models);
  const uint64_t lease_bytes = *options.per_process_bytes;
  if (lease_bytes > budget_bytes) {
    return base::MakeError(
        ErrorCode::kBudgetExceeded,
        "--parallel-per-process: a worker begins with {} bytes, the memory "
        "limit leaves {} beside its reserve; ask for less, or raise "
        "--parallel-memory-limit",
        lease_bytes, budget_bytes);
  }
  return static_cast<int32_t>(std::min(num_models, budget_bytes / lease_bytes));
}

// Threads of each of so many workers. It does not depend on how many of them
// memory will allow, since what threads take counts.
int32_t ThreadsEach(const RunOptions& options, size_t num_models) {
  const int32_t num_workers =
      std::min(options.num_workers, static_cast<int32_t>(num_models));
  if (num_workers <= 1) return options.num_threads;
  const int32_t in_all =
      options.num_threads > 0 ? options.num_threads : DescribeHost().num_cpus;
  return std::max(in_all / num_workers, 1);
}

// Models in the order of the most urgent of their prompts.
std::vector<size_t> ModelOrder(const Preparation& prepared, size_t num_models) {
  const auto most_urgent = [&](size_t model_idx) {
    int32_t priority = INT32_MIN;
    for (const PlannedPrompt& prompt :
         PromptsFor(prepared.options.mode, model_idx,
                    prepared.options.models.size(), prepared.prompts)) {
      priority = std::max(priority, prompt.priority);
    }
    return priority;
  };
  std::vector<size_t> order(num_models);
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, std::greater(), most_urgent);
  return order;
}

}  // namespace

int64_t Preparation::num_operations() const {
  int64_t count = 0;
  for (const ModelWork& of : work) {
    count += static_cast<int64_t>(of.operations.size());
  }
  return count;
}

uint64_t Preparation::OpeningBytes() const {
  uint64_t bytes = 0;
  for (const ModelWork& of : work) bytes = std::max(bytes, of.PeakBytes(0));
  return bytes;
}

uint64_t Preparation::WorkersBytes() const {
  const uint64_t taken = memory::ReserveBytes(limit_bytes) + program_bytes;
  return limit_bytes - std::min(limit_bytes, taken);
}

// Its floor, and of what its own floor and the largest others' leave an equal
// share: whichever models are together, their leases fit.
uint64_t Preparation::LeaseBytes(const ModelWork& of) const {
  std::vector<uint64_t> others;
  for (const ModelWork& other : work) {
    if (&other != &of) others.push_back(other.floor_bytes());
  }
  std::ranges::sort(others, std::greater());
  const size_t num_others =
      std::min(others.size(), static_cast<size_t>(num_workers - 1));
  const uint64_t taken = std::accumulate(
      others.begin(), others.begin() + static_cast<ptrdiff_t>(num_others),
      of.floor_bytes());
  const uint64_t left = WorkersBytes() - std::min(WorkersBytes(), taken);
  return of.floor_bytes() + left / static_cast<uint64_t>(num_workers);
}

Result<Preparation> Prepare(const RunOptions& options) {
  if (options.owns_process) memory::TuneHeap();
  REVLM_TRY(CheckOptions(options));
  if (options.worker_program.empty()) {
    return base::MakeError(ErrorCode::kInvalidArgument,
                           "starting workers: no program for them is named; "
                           "set RunOptions::worker_program to revlm-worker");
  }
  Preparation prepared;
  prepared.options = options;
  prepared.options.prompts.clear();  // nobody's from here on
  prepared.options.command_line.clear();
  REVLM_ASSIGN_OR_RETURN(prepared.prompts, PlanPrompts(options));
  prepared.image = memory::ReadImage();
  const uint64_t asked =
      options.memory_limit_bytes.value_or(kDefaultMemoryLimitBytes);
  REVLM_ASSIGN_OR_RETURN(
      memory::Limit limit,
      memory::EffectiveLimit(
          asked,
          options.memory_strict && options.memory_limit_bytes.has_value(),
          memory::ReadProcessMemory().anonymous_bytes,
          memory::ReadMachineMemory()));
  if (options.memory_limit_bytes) prepared.limit_notice = limit.notice;
  prepared.limit_bytes = limit.limit_bytes;
  const size_t num_models = NumModelsAsked(options.mode, options.models.size(),
                                           prepared.prompts.size());
  prepared.unasked_notice = UnaskedNotice(options, num_models);
  prepared.options.num_threads = ThreadsEach(options, num_models);
  REVLM_ASSIGN_OR_RETURN(
      prepared.max_models_at_once,
      MaxModelsAtOnce(
          options, num_models,
          limit.limit_bytes - memory::ReserveBytes(limit.limit_bytes)));
  prepared.order = ModelOrder(prepared, num_models);
  prepared.work.resize(num_models);
  REVLM_TRY(DescribeModels(prepared));
  prepared.program_bytes = ProgramBytes(options, prepared);
  std::vector<uint64_t> floors;
  for (ModelWork& work : prepared.work) {
    if (!work.cannot_open) work.worker_bytes = WorkerBytes(work, prepared);
    work.max_message_bytes = MaxMessageBytes(work, prepared.options);
    floors.push_back(work.floor_bytes());
  }
  std::ranges::sort(floors, std::greater());
  prepared.floor_bytes =
      memory::LimitFor(prepared.program_bytes + floors.front());
  if (prepared.limit_bytes < prepared.floor_bytes) {
    return base::MakeError(
        ErrorCode::kBudgetExceeded,
        "the memory limit is {} bytes, the floor is {} bytes ({:.3f} GiB) for "
        "these models and prompts; raise --parallel-memory-limit, or ask for "
        "shorter prompts, fewer new tokens or a smaller capture",
        prepared.limit_bytes, prepared.floor_bytes,
        static_cast<double>(prepared.floor_bytes) / (1 << 30));
  }
  // As many as their floors allow, whichever they are.
  const size_t at_most = static_cast<size_t>(
      std::min(options.num_workers, prepared.max_models_at_once));
  uint64_t sum = 0;
  for (const uint64_t floor : floors) {
    sum += floor;
    if (sum > prepared.WorkersBytes() ||
        static_cast<size_t>(prepared.num_workers) == at_most) {
      break;
    }
    ++prepared.num_workers;
  }
  return prepared;
}

}  // namespace revlm::run
