#include "run/preparation.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <set>
#include <span>
#include <utility>

#include "base/file.h"
#include "base/heap_size.h"
#include "memory/limit.h"
#include "memory/process_memory.h"
#include "run/host.h"
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

// The heap of what a worker said about its model, and of an account of it.
uint64_t HeapBytes(const ModelDescription& description) {
  constexpr uint64_t kModelBytes = 8 << 10;
  constexpr uint64_t kFileBytes = 512;
  return kModelBytes +
         kFileBytes * (description.small_files.size() +
                       description.weight_files.size() +
                       description.process.image.files.size());
}

// What this process takes.
uint64_t ProgramBytes(const RunOptions& options, const Preparation& prepared) {
  constexpr uint64_t kTextCopies = 6;  // of a prompt on the command line
  // Writing a result down takes a line of text that grows, beside the message
  // that it came in.
  constexpr uint64_t kLineShare = 4;
  uint64_t heap = 0;
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
      heap += base::HeapBytes(operation.key) +
              base::HeapBytes(operation.token_ids);
      result_bytes += ResultBytes(operation, prepared.options);
    }
    largest = std::max(largest, LargestResultBytes(work, prepared.options));
  }
  return prepared.image.size_bytes() +
         PrivateBytes(HeapInUse(heap) + result_bytes + kLineShare * largest);
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
  const int32_t in_all = options.num_threads > 0 ? options.num_threads
                                                 : DescribeHost().num_cpus;
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

std::vector<Operation*> AskableOf(ModelWork& work) {
  std::vector<Operation*> askable;
  for (Operation& operation : work.operations) {
    if (!operation.error) askable.push_back(&operation);
  }
  return askable;
}

constexpr size_t kMaxAliasBytes = 64;

// A name that is safe in a file name and on a terminal.
std::string MakeAlias(std::string name, std::set<std::string>& taken) {
  for (char& c : name) {
    const bool is_safe = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                         (c >= '0' && c <= '9') || c == '.' || c == '_' ||
                         c == '-';
    if (!is_safe) c = '_';
  }
  if (name.empty()) name = "model";
  if (name.size() > kMaxAliasBytes) name.resize(kMaxAliasBytes);
  std::string alias = name;
  for (int ordinal = 2; !taken.insert(alias).second; ++ordinal) {
    alias = fmt::format("{}-{}", name, ordinal);
  }
  return alias;
}

// What to call a model that could not be opened: its alias, or the last part
// of its reference.
std::string NameOf(std::string_view reference) {
  const size_t equals = reference.find('=');
  if (equals != std::string_view::npos &&
      reference.substr(0, equals).find('/') == std::string_view::npos) {
    return std::string(reference.substr(0, equals));
  }
  while (reference.ends_with('/')) reference.remove_suffix(1);
  return std::string(reference.substr(reference.rfind('/') + 1));
}

// Opens models in workers and lists their operations.
class Describer {
 public:
  explicit Describer(Preparation& prepared) : prepared_(prepared) {}

  // Keeps the worker of the model that runs first.
  Status DescribeAll();

 private:
  // An error is one of starting workers at all; that of a model is its
  // `cannot_open`.
  Status Describe(size_t model_idx);
  Status DescribeIn(Worker& worker, ModelWork& work,
                    const std::string& reference);
  Status Encode(Worker& worker, ModelWork& work);
  void ListOperations(size_t model_idx);

  Preparation& prepared_;
};

Status Describer::DescribeAll() {
  for (size_t i = prepared_.order.size(); i-- > 0;) {
    REVLM_TRY(Describe(prepared_.order[i]));
    if (i > 0 && prepared_.work[prepared_.order[i]].worker) {
      std::move(*prepared_.work[prepared_.order[i]].worker).Dismiss();
      prepared_.work[prepared_.order[i]].worker.reset();
    }
  }
  std::set<std::string> aliases;
  bool is_any_open = false;
  for (ModelWork& work : prepared_.work) {
    work.description.summary.alias = MakeAlias(work.description.name, aliases);
    is_any_open = is_any_open || !work.cannot_open;
  }
  if (is_any_open) return {};
  return std::unexpected<Error>(*prepared_.work.front().cannot_open);
}

Status Describer::Describe(size_t model_idx) {
  const std::string& reference = prepared_.options.models[model_idx];
  ModelWork& work = prepared_.work[model_idx];
  for (int32_t num_retries = 0;; ++num_retries) {
    work = ModelWork();
    REVLM_ASSIGN_OR_RETURN(work.worker, Worker::Start(prepared_.options));
    const Status described = DescribeIn(*work.worker, work, reference);
    if (described) return {};
    if (work.worker->is_dead() && num_retries < prepared_.options.max_retries) {
      continue;
    }
    const bool is_dead = work.worker->is_dead();
    work = ModelWork();
    work.cannot_open = described.error();
    if (is_dead) {
      work.cannot_open->message =
          fmt::format("opening {}: {}", reference, described.error().message);
    }
    work.description.name = NameOf(reference);
    work.description.summary.reference = reference;
    ListOperations(model_idx);
    return {};
  }
}

Status Describer::DescribeIn(Worker& worker, ModelWork& work,
                             const std::string& reference) {
  REVLM_ASSIGN_OR_RETURN(
      work.description,
      worker.Ask<ModelDescription>(MakeOpenModel(prepared_, reference)));
  const size_t model_idx = static_cast<size_t>(&work - prepared_.work.data());
  ListOperations(model_idx);
  REVLM_TRY(Encode(worker, work));
  REVLM_TRY(SendRequests(worker, AskableOf(work)));
  REVLM_ASSIGN_OR_RETURN(const FloorBytes floor,
                         worker.Ask<FloorBytes>(AskFloor{}));
  work.engine_floor_bytes = floor.floor_bytes;
  const uint64_t shared =
      memory::SharedBytes(work.description.process.image, prepared_.image);
  const uint64_t peak = worker.PeakBytes();
  prepared_.workers_peak_bytes =
      std::max(prepared_.workers_peak_bytes, peak - std::min(peak, shared));
  return {};
}

void Describer::ListOperations(size_t model_idx) {
  ModelWork& work = prepared_.work[model_idx];
  const RunOptions& options = prepared_.options;
  const auto prompts = PromptsFor(options.mode, model_idx,
                                  options.models.size(), prepared_.prompts);
  work.operations.reserve(prompts.size());
  for (const PlannedPrompt& prompt : prompts) {
    Operation operation;
    operation.prompt = &prompt;
    operation.key =
        OperationKey(work.description.identity,
                     work.description.numerics.compute, prompt, options);
    operation.error = work.cannot_open;
    work.operations.push_back(std::move(operation));
  }
}

Status Describer::Encode(Worker& worker, ModelWork& work) {
  for (size_t i = 0; i < work.operations.size();) {
    EncodePrompts question;
    for (uint64_t bytes = 0; i + question.texts.size() < work.operations.size();
         bytes += question.texts.back().size() + sizeof(uint64_t)) {
      if (bytes >= kUsualMessageBytes / 4) break;  // ids take more than text
      question.texts.push_back(
          work.operations[i + question.texts.size()].prompt->text);
    }
    REVLM_ASSIGN_OR_RETURN(EncodedPrompts answer,
                           worker.Ask<EncodedPrompts>(question));
    if (answer.prompts.size() != question.texts.size()) {
      return base::MakeError(ErrorCode::kInternal,
                             "encoding {} prompts: found {} answers",
                             question.texts.size(), answer.prompts.size());
    }
    for (EncodedPrompt& prompt : answer.prompts) {
      work.operations[i].token_ids = std::move(prompt.token_ids);
      work.operations[i].error = std::move(prompt.error);
      ++i;
    }
  }
  return {};
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
  const uint64_t taken =
      std::accumulate(others.begin(),
                      others.begin() + static_cast<ptrdiff_t>(num_others),
                      of.floor_bytes());
  const uint64_t left = WorkersBytes() - std::min(WorkersBytes(), taken);
  return of.floor_bytes() + left / static_cast<uint64_t>(num_workers);
}

OpenModel MakeOpenModel(const Preparation& prepared,
                        const std::string& reference) {
  const RunOptions& options = prepared.options;
  // A directory on the disk of the run's: it, or what is above it.
  std::string spill =
      options.output_dir.empty() ? options.runs_dir : options.output_dir;
  while (base::KindOfPath(spill) != base::PathKind::kDirectory) {
    const size_t slash = spill.rfind('/');
    if (slash == std::string::npos) {
      spill = ".";
      break;
    }
    spill.resize(std::max(slash, size_t{1}));
    if (spill == "/") break;
  }
  return {.reference = reference,
          .spill_directory = std::move(spill),
          .budget_bytes = prepared.limit_bytes -
                          memory::ReserveBytes(prepared.limit_bytes),
          .options = options};
}

Result<engine::RunPlan> PlanModel(const Preparation& prepared,
                                  ModelWork& work) {
  std::optional<Worker> worker = std::exchange(work.worker, std::nullopt);
  if (!worker) {
    REVLM_ASSIGN_OR_RETURN(worker, Worker::Start(prepared.options));
    REVLM_TRY(worker->Ask<ModelDescription>(
        MakeOpenModel(prepared, work.description.summary.reference)));
    REVLM_TRY(SendRequests(*worker, AskableOf(work)));
  }
  REVLM_ASSIGN_OR_RETURN(
      const engine::RunPlan plan,
      worker->Ask<engine::RunPlan>(AskPlan{prepared.EngineBytes(work)}));
  std::move(*worker).Dismiss();
  return plan;
}

Status SendRequests(Worker& worker, const std::vector<Operation*>& operations) {
  TakeRequests message;
  message.num_in_all = operations.size();
  uint64_t bytes = 0;
  for (const Operation* operation : operations) {
    message.requests.push_back(
        {.key = operation->key,
         .token_ids = operation->token_ids,
         .max_new_tokens = operation->prompt->max_tokens});
    bytes += operation->key.size() + 32 + 4 * operation->token_ids.size();
    if (bytes < kUsualMessageBytes) continue;
    REVLM_TRY(worker.Send(std::move(message)));
    message = TakeRequests();
    bytes = 0;
  }
  return worker.Send(std::move(message));
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
  REVLM_TRY(Describer(prepared).DescribeAll());
  prepared.program_bytes = ProgramBytes(options, prepared);
  std::vector<uint64_t> floors;
  for (ModelWork& work : prepared.work) {
    if (!work.cannot_open) work.worker_bytes = WorkerBytes(work, prepared);
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
