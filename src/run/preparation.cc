#include "run/preparation.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <span>
#include <utility>

#include "memory/limit.h"
#include "memory/process_memory.h"
#include "run/chat_form.h"
#include "run/describe.h"
#include "run/host.h"
#include "run/needs.h"

namespace revlm::run {
namespace {

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
        "--parallel-per-process: each model at once needs room for {} bytes, "
        "the memory limit leaves {} beside its reserve; ask for less, or raise "
        "--parallel-memory-limit",
        lease_bytes, budget_bytes);
  }
  return static_cast<int32_t>(std::min(num_models, budget_bytes / lease_bytes));
}

// Threads that each worker's engine has. Of workers whose number was asked it
// does not depend on how many of them memory will allow, since what threads
// take counts.
int32_t EngineThreads(const Preparation& prepared, int32_t asked_workers) {
  if (asked_workers <= 1) return prepared.options.num_threads;
  return std::max(prepared.num_threads / asked_workers, 1);
}

// How many models at once are compared: as many as memory would allow, as there
// are threads for, and as may be worked on at once.
std::vector<int32_t> CountsFor(const Preparation& prepared) {
  const RunOptions& options = prepared.options;
  if (options.num_workers) return {};
  return sched::CountsToCompare(
      std::min({prepared.max_models_at_once, prepared.num_threads,
                options.batch_size.value_or(INT32_MAX)}));
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

// The most, up to `at_most`, whose floors fit whichever they are. `floors`
// begin with the largest.
int32_t MostThatFit(const Preparation& prepared,
                    const std::vector<uint64_t>& floors, int32_t at_most) {
  uint64_t sum = 0;
  int32_t count = 0;
  for (const uint64_t floor : floors) {
    sum += floor;
    if (sum > prepared.WorkersBytes() || count == at_most) break;
    ++count;
  }
  return count;
}

// The predicted time of all models, the `choice`th of the counts at once. They
// are opened first, but for one whose worker is open.
double SecondsOf(const Preparation& prepared, size_t choice) {
  constexpr double kOpenSeconds = 0.03;  // of the smallest models
  std::vector<sched::ModelTime> times;
  for (const size_t model_idx : prepared.order) {
    const ModelWork& work = prepared.work[model_idx];
    if (work.times.empty()) continue;
    times.push_back(work.times[choice]);
    if (model_idx != prepared.order.front()) {
      times.back().seconds += kOpenSeconds;
    }
  }
  return sched::SecondsAtOnce(times, prepared.counts[choice]);
}

// Compares those of the counts that fit and takes the best.
void ChooseWorkers(const std::vector<uint64_t>& floors, Preparation& prepared) {
  for (size_t i = 0; i < prepared.counts.size(); ++i) {
    const int32_t count = prepared.counts[i];
    prepared.program_bytes = ProgramBytes(prepared, count);
    if (MostThatFit(prepared, floors, count) < count) break;
    prepared.choices.push_back({count, SecondsOf(prepared, i)});
  }
  prepared.num_workers = sched::ChooseAtOnce(prepared.choices).num_models;
  prepared.program_bytes = ProgramBytes(prepared, prepared.num_workers);
  if (prepared.num_workers > 1) {
    prepared.threads_each = prepared.num_threads / prepared.num_workers;
  }
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
  prepared.options.prompt_form = FormOf(options);  // for workers, who choose
  prepared.given_bytes = GivenBytes(options);
  REVLM_ASSIGN_OR_RETURN(PromptPlan prompts, PlanPrompts(options));
  prepared.prompts = std::move(prompts.prompts);
  prepared.prompt_systems = std::move(prompts.systems);
  prepared.image = memory::ReadImage();
  REVLM_ASSIGN_OR_RETURN(
      memory::Limit limit,
      ProcessLimit(options.memory_limit_bytes, options.memory_strict));
  if (options.memory_limit_bytes) prepared.limit_notice = limit.notice;
  prepared.limit_bytes = limit.limit_bytes;
  const size_t num_models = NumModelsAsked(options.mode, options.models.size(),
                                           prepared.prompts.size());
  prepared.unasked_notice = UnaskedNotice(options, num_models);
  prepared.num_threads =
      options.num_threads > 0 ? options.num_threads : DescribeHost().num_cpus;
  const int32_t asked_workers = std::min(options.num_workers.value_or(1),
                                         static_cast<int32_t>(num_models));
  prepared.options.num_threads = EngineThreads(prepared, asked_workers);
  REVLM_ASSIGN_OR_RETURN(
      prepared.max_models_at_once,
      MaxModelsAtOnce(
          options, num_models,
          limit.limit_bytes - memory::ReserveBytes(limit.limit_bytes)));
  prepared.counts = CountsFor(prepared);
  prepared.order = ModelOrder(prepared, num_models);
  prepared.work.resize(num_models);
  REVLM_TRY(DescribeModels(prepared));
  prepared.program_bytes = ProgramBytes(prepared, asked_workers);
  std::vector<uint64_t> floors;
  for (ModelWork& work : prepared.work) {
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
  if (prepared.counts.empty()) {
    prepared.num_workers = MostThatFit(
        prepared, floors, std::min(asked_workers, prepared.max_models_at_once));
  } else {
    ChooseWorkers(floors, prepared);
  }
  return prepared;
}

}  // namespace revlm::run
