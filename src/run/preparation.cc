#include "run/preparation.h"

#include <algorithm>
#include <span>
#include <utility>

#include "base/bytes.h"
#include "base/file.h"
#include "base/heap_size.h"
#include "memory/image.h"
#include "memory/limit.h"
#include "memory/process_memory.h"
#include "run/operation.h"

namespace revlm::run {
namespace {

constexpr uint64_t kMiB = 1 << 20;
constexpr uint64_t kKiB = 1 << 10;

// What is private and not in use in the heap: the first thread's stack, what
// libraries map for themselves, files of the locale, and a sixteenth of the
// heap, which is what its gaps take.
constexpr uint64_t kDataBytes = kMiB;
constexpr uint64_t kHeapGaps = 16;

// Heap that is in use whatever is asked: the command line, and what libraries
// set up.
constexpr uint64_t kBaseHeapBytes = 384 * kKiB;

// While another small file is loaded, it takes this many times its size.
constexpr double kLoadingShare = 2.5;

// The heap that an operation's result takes until the run is over.
uint64_t ResultBytes(const PlannedOperation& operation) {
  constexpr uint64_t kTokenBytes = 96;  // a token, its text and its numbers
  const engine::Request& request = operation.request;
  const uint64_t scored =
      static_cast<uint64_t>(std::max(request.max_new_tokens, 0)) +
      (request.want_prompt_logprobs ? request.prompt.size() : 0);
  const uint64_t alternatives =
      static_cast<uint64_t>(std::max(request.num_top_logprobs, 0));
  return sizeof(OperationResult) + 512 + operation.prompt->text.size() +
         4 * request.prompt.size() +
         scored * (kTokenBytes + alternatives * kTokenBytes / 2);
}

// The heap that writing it down takes: its line, as text that grows.
uint64_t LineBytes(const PlannedOperation& operation) {
  return ResultBytes(operation) * 4;
}

// A directory on the disk of the run's: it, or what is above it.
std::string SpillDirectory(const RunOptions& options) {
  std::string path =
      options.output_dir.empty() ? options.runs_dir : options.output_dir;
  while (base::KindOfPath(path) != base::PathKind::kDirectory) {
    const size_t slash = path.rfind('/');
    if (slash == std::string::npos) return ".";
    path.resize(std::max(slash, size_t{1}));
    if (path == "/") break;
  }
  return path;
}

ModelWork MakeWork(Model model, const RunOptions& options,
                   std::span<const PlannedPrompt> prompts) {
  ModelWork work = {.model = std::move(model), .operations = {}};
  const OperationKeys keys(work.model.identity, work.model.numerics.compute,
                           options);
  for (const PlannedPrompt& prompt : prompts) {
    PlannedOperation operation;
    operation.prompt = &prompt;
    operation.key = keys.Of(prompt);
    auto ids = EncodePrompt(work.model, prompt.text, options.special_tokens);
    if (ids) {
      operation.request =
          MakeRequest(options, prompt, operation.key, *std::move(ids));
    } else {
      operation.error = std::move(ids).error();
    }
    work.operations.push_back(std::move(operation));
  }
  return work;
}

// The heap in use once everything small is loaded, without results.
//
// What malloc reports depends by some KiB on everything that was allocated
// before, down to the lengths of paths, so it is only a check on what is added
// up here from what was asked for.
uint64_t HeapBytes(const RunOptions& options, const Preparation& prepared) {
  constexpr uint64_t kTextCopies = 6;  // of a prompt on the command line
  uint64_t bytes = kBaseHeapBytes;
  for (const std::string& text : options.prompts) {
    bytes += kTextCopies * base::HeapBlockBytes(text.size());
  }
  bytes += base::HeapBytes(prepared.prompts);
  for (const PlannedPrompt& prompt : prepared.prompts) {
    bytes += base::HeapBytes(prompt.id) + base::HeapBytes(prompt.text) +
             base::HeapBytes(prompt.text_sha256) +
             base::HeapBytes(prompt.variant);
  }
  for (const ModelWork& work : prepared.work) {
    const Model& model = work.model;
    bytes += model.tokenizer->heap_bytes() + model.checkpoint->heap_bytes() +
             model.engine->memory_need().heap_bytes +
             base::HeapBytes(work.operations);
    for (const PlannedOperation& operation : work.operations) {
      bytes += base::HeapBytes(operation.key) +
               base::HeapBytes(operation.request.prompt);
    }
  }
  memory::TrimHeap();
  const uint64_t measured_bytes = memory::HeapBytes();
  if (measured_bytes <= bytes) return bytes;
  // Something is kept that is not added up: in steps so large that chance
  // hardly ever decides.
  return base::AlignUp(measured_bytes + kMiB, 4 * kMiB);
}

// What the process takes beside the engines' budget.
uint64_t ProgramBytes(const RunOptions& options, const Preparation& prepared) {
  uint64_t heap = HeapBytes(options, prepared);
  uint64_t library_bytes = 0;  // one copy serves all models
  uint64_t line_bytes = 0;
  uint64_t thread_bytes = 0;
  for (const ModelWork& work : prepared.work) {
    const engine::MemoryNeed need = work.model.engine->memory_need();
    library_bytes = std::max(library_bytes, need.library_bytes);
    thread_bytes += need.thread_bytes;
    for (const PlannedOperation& operation : work.operations) {
      heap += ResultBytes(operation);
      line_bytes = std::max(line_bytes, LineBytes(operation));
    }
  }
  heap += line_bytes;
  return memory::ReadImage().size_bytes() + kDataBytes + thread_bytes +
         library_bytes + heap + heap / kHeapGaps;
}

// What loading took beside the program, which engines do not yet. Of a
// tokenizer, that is its text and the lists that it is built from, which take
// no more than what is built.
uint64_t LoadingBytes(const std::vector<ModelWork>& work) {
  uint64_t largest = 0;
  for (const ModelWork& of : work) {
    const formats::Checkpoint& checkpoint = *of.model.checkpoint;
    for (const formats::SmallFile& file : checkpoint.small_files()) {
      const uint64_t bytes =
          file.name == formats::kTokenizerName
              ? file.size_bytes + of.model.tokenizer->heap_bytes()
              : static_cast<uint64_t>(static_cast<double>(file.size_bytes) *
                                      kLoadingShare);
      largest = std::max(largest, bytes);
    }
  }
  return largest;
}

uint64_t EngineFloor(const std::vector<ModelWork>& work) {
  uint64_t floor_bytes = 0;
  for (const ModelWork& of : work) {
    floor_bytes =
        std::max(floor_bytes, of.model.engine->FloorBytes(RequestsOf(of)));
  }
  return floor_bytes;
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

}  // namespace

std::vector<engine::Request> RequestsOf(const ModelWork& work) {
  std::vector<engine::Request> requests;
  for (const PlannedOperation& operation : work.operations) {
    if (!operation.error) requests.push_back(operation.request);
  }
  return requests;
}

Result<Preparation> Prepare(const RunOptions& options) {
  if (options.owns_process) memory::TuneHeap();
  REVLM_TRY(CheckOptions(options));
  Preparation prepared;
  REVLM_ASSIGN_OR_RETURN(prepared.prompts, PlanPrompts(options));
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
  prepared.budget = std::make_unique<memory::Budget>(
      limit.limit_bytes - memory::ReserveBytes(limit.limit_bytes));
  const size_t num_models = NumModelsAsked(options.mode, options.models.size(),
                                           prepared.prompts.size());
  prepared.unasked_notice = UnaskedNotice(options, num_models);
  REVLM_ASSIGN_OR_RETURN(
      prepared.max_models_at_once,
      MaxModelsAtOnce(options, num_models, prepared.budget->limit_bytes()));
  REVLM_ASSIGN_OR_RETURN(std::vector<Model> models,
                         OpenModels(options, num_models, *prepared.budget,
                                    SpillDirectory(options)));
  for (size_t i = 0; i < num_models; ++i) {
    prepared.work.push_back(MakeWork(
        std::move(models[i]), options,
        PromptsFor(options.mode, i, options.models.size(), prepared.prompts)));
  }
  prepared.program_bytes = ProgramBytes(options, prepared);
  prepared.loading_bytes = LoadingBytes(prepared.work);
  prepared.floor_bytes =
      memory::LimitFor(prepared.PeakBytes(EngineFloor(prepared.work)));
  if (prepared.limit_bytes < prepared.floor_bytes) {
    return base::MakeError(
        ErrorCode::kBudgetExceeded,
        "the memory limit is {} bytes, the floor is {} bytes ({:.3f} GiB) for "
        "these models and prompts; raise --parallel-memory-limit, or ask for "
        "shorter prompts, fewer new tokens or a smaller capture",
        prepared.limit_bytes, prepared.floor_bytes,
        static_cast<double>(prepared.floor_bytes) / (1 << 30));
  }
  REVLM_ASSIGN_OR_RETURN(
      prepared.program,
      prepared.budget->Reserve(prepared.program_bytes, memory::Use::kProgram));
  return prepared;
}

}  // namespace revlm::run
