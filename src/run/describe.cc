#include "run/describe.h"

#include <sys/socket.h>

#include <algorithm>
#include <optional>
#include <set>
#include <stop_token>
#include <string_view>
#include <utility>

#include "base/file.h"
#include "memory/image.h"
#include "memory/limit.h"
#include "run/needs.h"
#include "sched/retry.h"

namespace revlm::run {
namespace {

std::vector<Operation*> AskableOf(ModelWork& work) {
  std::vector<Operation*> askable;
  for (Operation& operation : work.operations) {
    if (!operation.error) askable.push_back(&operation);
  }
  return askable;
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

// What a worker says of its needs is summed up with what others say.
Status CheckFigures(const ModelDescription& model, uint64_t floor_bytes) {
  constexpr uint64_t kMostBytes = uint64_t{1} << 48;
  const engine::MemoryNeed& need = model.need;
  const ProcessNeed& process = model.process;
  std::vector<uint64_t> figures = {floor_bytes,
                                   need.weight_bytes,
                                   need.pass_bytes,
                                   need.row_bytes,
                                   need.kv_bytes_per_token,
                                   need.heap_bytes,
                                   need.thread_bytes,
                                   need.library_bytes,
                                   need.least_slab_bytes,
                                   process.heap_bytes,
                                   process.loading_bytes,
                                   process.image.mapped_bytes,
                                   process.image.copied_bytes};
  for (const memory::ImageFile& file : process.image.files) {
    figures.push_back(file.mapped_bytes);
    figures.push_back(file.copied_bytes);
  }
  const uint64_t most = *std::ranges::max_element(figures);
  if (most <= kMostBytes) return {};
  return base::MakeError(ErrorCode::kCorrupt,
                         "describing {}: its worker says that it needs {} "
                         "bytes, allowed are {}",
                         model.summary.reference, most, kMostBytes);
}

// Opens models and lists their operations.
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
  // Operations `begin` to `end` - 1, whose prompts go in one message.
  struct Texts {
    size_t begin = 0;
    size_t end = 0;
    uint64_t bytes = 0;
  };
  static Texts NextTexts(const ModelWork& work, size_t begin);
  static Status SendTexts(Worker& worker, const ModelWork& work,
                          const Texts& texts);
  static Status Encode(Worker& worker, ModelWork& work);
  Status PredictTimes(Worker& worker, ModelWork& work) const;
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
  const RunOptions& options = prepared_.options;
  ModelWork& work = prepared_.work[model_idx];
  for (int32_t num_retries = 0;; ++num_retries) {
    work = ModelWork();
    REVLM_ASSIGN_OR_RETURN(work.worker, Worker::Start(prepared_.options));
    const Status described = [&] {
      // Whatever is awaited from it then ends.
      const auto hang_up = [fd = work.worker->fd()] {
        shutdown(fd, SHUT_RDWR);
      };
      const std::stop_callback on_stop(options.stop, hang_up);
      const std::stop_callback on_drain(options.drain, hang_up);
      return DescribeIn(*work.worker, work, reference);
    }();
    if (options.stop.stop_requested() || options.drain.stop_requested()) {
      return base::MakeError(ErrorCode::kCancelled,
                             "opening {}: stopped on request", reference);
    }
    if (described) return {};
    const bool is_dead = work.worker->is_dead();
    const bool may_pass = is_dead || sched::Classify(described.error().code) ==
                                         sched::FailureClass::kTransient;
    if (may_pass && num_retries < prepared_.options.max_retries) continue;
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
  work.description.summary.reference = reference;
  const size_t model_idx = static_cast<size_t>(&work - prepared_.work.data());
  ListOperations(model_idx);
  REVLM_TRY(Encode(worker, work));
  REVLM_TRY(SendRequests(worker, AskableOf(work)));
  REVLM_ASSIGN_OR_RETURN(const FloorBytes floor,
                         worker.Ask<FloorBytes>(AskFloor{}));
  REVLM_TRY(CheckFigures(work.description, floor.floor_bytes));
  work.engine_floor_bytes = floor.floor_bytes;
  work.worker_bytes = WorkerBytes(work, prepared_);
  if (prepared_.counts.size() > 1) REVLM_TRY(PredictTimes(worker, work));
  const uint64_t shared =
      memory::SharedBytes(work.description.process.image, prepared_.image);
  const uint64_t peak = worker.PeakBytes();
  prepared_.workers_peak_bytes =
      std::max(prepared_.workers_peak_bytes, peak - std::min(peak, shared));
  return {};
}

// With a part of the memory for each that runs at once: what others take is not
// known before they are described.
Status Describer::PredictTimes(Worker& worker, ModelWork& work) const {
  if (AskableOf(work).empty()) return {};
  const uint64_t taken =
      memory::ReserveBytes(prepared_.limit_bytes) + ProgramBytes(prepared_, 1);
  const uint64_t left =
      prepared_.limit_bytes - std::min(prepared_.limit_bytes, taken);
  if (left < work.floor_bytes()) return {};  // nor will it be run
  for (const int32_t count : prepared_.counts) {
    const uint64_t lease =
        std::max(left / static_cast<uint64_t>(count), work.floor_bytes());
    REVLM_ASSIGN_OR_RETURN(const engine::RunPlan plan,
                           worker.Ask<engine::RunPlan>(AskPlan{
                               .engine_bytes = lease - work.worker_bytes,
                               .num_threads = prepared_.num_threads / count}));
    work.times.push_back({plan.seconds, plan.read_seconds});
  }
  return {};
}

void Describer::ListOperations(size_t model_idx) {
  ModelWork& work = prepared_.work[model_idx];
  const RunOptions& options = prepared_.options;
  const auto prompts = PromptsFor(options.mode, model_idx,
                                  options.models.size(), prepared_.prompts);
  OperationKeys keys(work.description.identity,
                     work.description.numerics.compute,
                     work.description.chat_template_sha256, options);
  work.operations.reserve(prompts.size());
  for (const PlannedPrompt& prompt : prompts) {
    Operation operation;
    operation.prompt = &prompt;
    operation.key = keys.Of(prompt);
    operation.error = work.cannot_open;
    work.operations.push_back(std::move(operation));
  }
}

// The texts that make a message of usual size, from `begin` on; more when the
// last of them is long.
Describer::Texts Describer::NextTexts(const ModelWork& work, size_t begin) {
  Texts texts = {.begin = begin, .end = begin};
  while (texts.end < work.operations.size() &&
         texts.bytes < kUsualMessageBytes / 4) {  // ids take more than text
    texts.bytes +=
        work.operations[texts.end++].prompt->text.size() + sizeof(uint64_t);
  }
  return texts;
}

Status Describer::SendTexts(Worker& worker, const ModelWork& work,
                            const Texts& texts) {
  if (texts.begin == texts.end) return {};
  EncodePrompts question;
  for (size_t i = texts.begin; i < texts.end; ++i) {
    question.texts.push_back(work.operations[i].prompt->text);
  }
  return worker.Send(question);
}

Status Describer::Encode(Worker& worker, ModelWork& work) {
  Texts asked = NextTexts(work, 0);
  REVLM_TRY(SendTexts(worker, work, asked));
  while (asked.begin < asked.end) {
    // The worker has the next texts while its answer is read. So little fits
    // into the socket as a whole: neither waits for the other to send.
    const Texts next = NextTexts(work, asked.end);
    const bool is_little = asked.bytes + next.bytes <= kUsualMessageBytes;
    if (is_little) REVLM_TRY(SendTexts(worker, work, next));
    REVLM_ASSIGN_OR_RETURN(EncodedPrompts answer,
                           worker.Await<EncodedPrompts>());
    const size_t num_asked = asked.end - asked.begin;
    if (answer.prompts.size() != num_asked) {
      return base::MakeError(ErrorCode::kInternal,
                             "encoding {} prompts: found {} answers", num_asked,
                             answer.prompts.size());
    }
    for (size_t i = 0; i < num_asked; ++i) {
      Operation& operation = work.operations[asked.begin + i];
      operation.token_ids = std::move(answer.prompts[i].token_ids);
      operation.error = std::move(answer.prompts[i].error);
    }
    if (!is_little) REVLM_TRY(SendTexts(worker, work, next));
    asked = next;
  }
  return {};
}

}  // namespace

Status DescribeModels(Preparation& prepared) {
  return Describer(prepared).DescribeAll();
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
          .budget_bytes =
              prepared.limit_bytes - memory::ReserveBytes(prepared.limit_bytes),
          .options = options};
}

namespace {

Status OpenAndTake(Worker& worker, const Preparation& prepared,
                   ModelWork& work) {
  REVLM_TRY(worker.Ask<ModelDescription>(
      MakeOpenModel(prepared, work.description.summary.reference)));
  return SendRequests(worker, AskableOf(work));
}

}  // namespace

Result<engine::RunPlan> PlanModel(const Preparation& prepared,
                                  ModelWork& work) {
  const std::string planning = "planning " + work.alias();
  std::optional<Worker> worker = std::exchange(work.worker, std::nullopt);
  if (!worker) {
    REVLM_ASSIGN_OR_RETURN(worker, Worker::Start(prepared.options));
    const Status opened = OpenAndTake(*worker, prepared, work);
    if (!opened) return base::WithContext(opened.error(), planning);
  }
  auto plan = worker->Ask<engine::RunPlan>(
      AskPlan{.engine_bytes = prepared.EngineBytes(work),
              .num_threads = prepared.threads_each});
  if (!plan) return base::WithContext(std::move(plan).error(), planning);
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

}  // namespace revlm::run
