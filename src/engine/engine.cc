#include "engine/engine.h"

#include <algorithm>
#include <new>
#include <set>
#include <tuple>
#include <utility>

#include "base/check.h"
#include "engine/group_runner.h"
#include "engine/memory_plan.h"
#include "engine/rates.h"
#include "engine/weight_hasher.h"
#include "engine/workspace.h"

namespace revlm::engine {
namespace {

// Below this, plans differ by less than measuring takes.
constexpr uint64_t kWorthMeasuring = uint64_t{256} << 20;

// What an open engine keeps of the heap: the products that it compiled to find
// out what the machine can do, and a description of each layer.
constexpr uint64_t kOpenBytes = 768 << 10;
constexpr uint64_t kOpenLayerBytes = 1 << 10;
// What a thread takes beside its scratch, as measured: the pages of its stack
// that it touches, what malloc keeps for it and rounds up.
constexpr uint64_t kThreadBytes = 56 << 10;

class StreamingEngine : public Engine {
 public:
  StreamingEngine(const formats::Checkpoint& checkpoint, memory::Budget& budget,
                  const EngineOptions& options, ModelSpec spec)
      : checkpoint_(checkpoint),
        budget_(budget),
        options_(options),
        spec_(std::move(spec)),
        pool_(options.num_threads > 0 ? options.num_threads
                                      : ThreadPool::NumUsableCpus()) {}

  Status Start();

  const NumericsClass& numerics() const override { return numerics_; }
  MemoryNeed memory_need() const override;
  int32_t num_layers() const override {
    return static_cast<int32_t>(spec_.num_layers);
  }
  int32_t hidden_size() const override {
    return static_cast<int32_t>(spec_.hidden_size);
  }
  int32_t context_length() const override {
    return static_cast<int32_t>(spec_.max_positions);
  }
  const std::vector<int32_t>& stop_tokens() const override {
    return spec_.stop_tokens;
  }

  uint64_t FloorBytes(std::span<const Request> requests) override;
  Result<RunPlan> Plan(std::span<const Request> requests) override;
  Status Run(std::span<const Request> requests, const RunHooks& hooks) override;
  int32_t num_threads() const override { return pool_.num_threads(); }
  void UseThreads(int32_t num_threads) override { pool_.Use(num_threads); }
  void HashWeights() override {
    hasher_ = std::make_unique<WeightHasher>(checkpoint_);
  }
  Result<std::vector<crypto::Sha256Digest>> TensorDigests(
      std::stop_token stop) override;

 private:
  uint64_t LibraryBytes() const;
  std::optional<Error> CheckRequest(const Request& request) const;
  RequestShape ShapeOf(const Request& request) const;
  // Those that can be run; the others are handed to `refuse`.
  std::vector<PlannedRequest> Accept(
      std::span<const Request> requests,
      const std::function<void(size_t, Error)>& refuse) const;
  PlanInput InputOf(std::span<const RequestShape> shapes) const;
  double cpu_share() const {
    return static_cast<double>(pool_.num_used()) / pool_.num_threads();
  }
  Result<engine::Plan> MakePlan(std::span<const RequestShape> shapes);
  RunPlan Summarize(const engine::Plan& plan) const;
  Status RunPlanned(std::span<const PlannedRequest> planned,
                    const RunHooks& hooks);

  const formats::Checkpoint& checkpoint_;
  memory::Budget& budget_;
  const EngineOptions options_;
  const ModelSpec spec_;
  ThreadPool pool_;
  NumericsClass numerics_;
  std::unique_ptr<Matmul> matmul_;
  std::unique_ptr<Machine> machine_;
  std::unique_ptr<WeightHasher> hasher_;
  std::optional<Rates> rates_;  // once measured, as of all its threads
  uint64_t library_bytes_ = 0;  // of MemoryNeed
  Progress progress_;
};

ComputeType ChooseCompute(ComputeType asked, const ModelSpec& spec,
                          const formats::Checkpoint& checkpoint) {
  if (asked != ComputeType::kAuto) return asked;
  const int32_t weight = spec.layers.front().attention_output.weight;
  return checkpoint.tensor(weight).dtype == formats::DType::kBf16
             ? ComputeType::kBf16
             : ComputeType::kF32;
}

Status StreamingEngine::Start() {
  const ComputeType compute =
      ChooseCompute(options_.compute, spec_, checkpoint_);
  const Kernels& kernels = BestKernels();
  REVLM_ASSIGN_OR_RETURN(matmul_, Matmul::Create(compute, pool_, kernels));
  numerics_ = matmul_->numerics();
  numerics_.kernels = kernels.name;
  const ElementType kv_type =
      compute == ComputeType::kBf16 ? ElementType::kBf16 : ElementType::kF32;
  machine_ = std::make_unique<Machine>(
      Machine{.spec = spec_,
              .checkpoint = checkpoint_,
              .matmul = *matmul_,
              .pool = pool_,
              .kernels = kernels,
              .kv_pages = {.width = spec_.kv_width(), .type = kv_type}});
  library_bytes_ = LibraryBytes();
  return {};
}

MemoryNeed StreamingEngine::memory_need() const {
  const uint64_t least = MinSlabBytes(spec_, checkpoint_);
  const SlabPlan plan = PlanSlabs(spec_, checkpoint_, least);
  MemoryNeed need = {
      .weight_bytes = checkpoint_.weight_bytes(),
      .pass_bytes = plan.layer_bytes + plan.head_bytes,
      .least_slab_bytes = least,
      .row_bytes = Activations::Lay(spec_, *matmul_, {.num_rows = 64}, nullptr,
                                    nullptr) /
                   64,
      .kv_bytes_per_token = static_cast<uint64_t>(
          spec_.num_layers * machine_->kv_pages.page_bytes() /
          kKvPagePositions),
      .heap_bytes = kOpenBytes +
                    kOpenLayerBytes * static_cast<uint64_t>(spec_.num_layers),
      .thread_bytes =
          kThreadBytes * static_cast<uint64_t>(pool_.num_threads() +
                                               SlabStream::kDefaultReaders)};
  need.library_bytes = library_bytes_;
  return need;
}

uint64_t StreamingEngine::LibraryBytes() const {
  const SlabPlan plan =
      PlanSlabs(spec_, checkpoint_, MinSlabBytes(spec_, checkpoint_));
  const bool by_input = spec_.family->layout == WeightLayout::kInOut;
  std::set<std::tuple<int64_t, int64_t, ElementType>> seen;  // layers are alike
  uint64_t bytes = 0;
  for (int32_t i = 0; i < plan.num_layer_slabs; ++i) {
    for (const SlabPart& part : plan.slabs[static_cast<size_t>(i)].parts) {
      const formats::TensorInfo& info = checkpoint_.tensor(part.tensor_idx);
      const WeightMatrix weight = {
          .type = WeightType(info),
          .layout = spec_.family->layout,
          .out_features = static_cast<int64_t>(info.shape[by_input ? 1 : 0]),
          .in_features = static_cast<int64_t>(info.shape[by_input ? 0 : 1])};
      const bool is_new =
          seen.insert({weight.out_features, weight.in_features, weight.type})
              .second;
      if (is_new) bytes = std::max(bytes, matmul_->FirstUseBytes(weight));
    }
  }
  return bytes;
}

std::optional<Error> StreamingEngine::CheckRequest(
    const Request& request) const {
  auto invalid = [](std::string message) {
    return Error{ErrorCode::kInvalidArgument, std::move(message)};
  };
  if (request.prompt.empty()) {
    return invalid("the prompt has no tokens; try one with text");
  }
  if (static_cast<int64_t>(request.prompt.size()) > spec_.max_positions) {
    return invalid(fmt::format(
        "the prompt has {} tokens, the model's context holds {}; prompts are "
        "never cut",
        request.prompt.size(), spec_.max_positions));
  }
  for (const int32_t id : request.prompt) {
    if (id < 0 || id >= spec_.vocab_size) {
      return invalid(
          fmt::format("the prompt has token id {}, the model's vocabulary ends "
                      "at {}; its tokenizer does not fit",
                      id, spec_.vocab_size - 1));
    }
  }
  if (request.num_top_logprobs < 0) {
    return invalid(fmt::format("num_top_logprobs is {}, allowed is 0 or more",
                               request.num_top_logprobs));
  }
  return std::nullopt;
}

RequestShape StreamingEngine::ShapeOf(const Request& request) const {
  RequestShape shape;
  shape.prompt_tokens = static_cast<int64_t>(request.prompt.size());
  shape.new_tokens =
      std::min<int64_t>(std::max(request.max_new_tokens, 0),
                        spec_.max_positions - shape.prompt_tokens);
  shape.head_rows = ScoresPrompt(request)  ? shape.prompt_tokens
                    : shape.new_tokens > 0 ? 1
                                           : 0;
  const uint64_t length = request.prompt.size();
  const uint64_t vocabulary = static_cast<uint64_t>(spec_.vocab_size);
  const uint64_t alternatives =
      std::min(static_cast<uint64_t>(request.num_top_logprobs), vocabulary) *
      sizeof(Alternative);
  const uint64_t score_bytes = sizeof(TokenScore) + alternatives;
  // Alternatives lie in the head's row and, scored, in the completion.
  uint64_t bytes = sizeof(Sequence) + length * sizeof(int32_t);
  bytes += static_cast<uint64_t>(shape.head_rows) *
           (sizeof(HeadRow) + alternatives + score_bytes);
  bytes +=
      static_cast<uint64_t>(shape.new_tokens) * (score_bytes + sizeof(int32_t));
  if (request.want_prompt_logits) bytes += 2 * length * vocabulary * 4;
  if (request.sampling.temperature > 0) bytes += 2 * vocabulary * 4;
  if (request.capture != Capture::kNone) {
    bytes += static_cast<uint64_t>((spec_.num_layers + 1) * spec_.hidden_size) *
             4 * (request.capture == Capture::kAll ? length : 1);
  }
  shape.result_bytes = bytes;
  return shape;
}

std::vector<PlannedRequest> StreamingEngine::Accept(
    std::span<const Request> requests,
    const std::function<void(size_t, Error)>& refuse) const {
  std::vector<PlannedRequest> planned;
  for (size_t i = 0; i < requests.size(); ++i) {
    if (std::optional<Error> error = CheckRequest(requests[i])) {
      refuse(i, *std::move(error));
    } else {
      planned.push_back({i, &requests[i], ShapeOf(requests[i])});
    }
  }
  return planned;
}

std::vector<RequestShape> ShapesOf(std::span<const PlannedRequest> planned) {
  std::vector<RequestShape> shapes;
  for (const PlannedRequest& request : planned) {
    shapes.push_back(request.shape);
  }
  return shapes;
}

PlanInput StreamingEngine::InputOf(std::span<const RequestShape> shapes) const {
  return {.spec = spec_,
          .checkpoint = checkpoint_,
          .matmul = *matmul_,
          .kv_pages = machine_->kv_pages,
          .num_threads = pool_.num_threads(),
          .batch_size = options_.batch_size.value_or(INT32_MAX),
          .keep_weights = options_.keep_weights,
          .can_spill = !options_.spill_directory.empty() &&
                       base::ScratchFile::IsOnDisk(options_.spill_directory),
          .rates = rates_.value_or(Rates()),
          .cpu_share = cpu_share(),
          .requests = shapes};
}

uint64_t StreamingEngine::FloorBytes(std::span<const Request> requests) {
  const std::vector<RequestShape> shapes =
      ShapesOf(Accept(requests, [](size_t, const Error&) {}));
  return engine::FloorBytes(InputOf(shapes));
}

// Measures the machine first where the plan has a choice, the measure has room
// and it is worth its time.
Result<engine::Plan> StreamingEngine::MakePlan(
    std::span<const RequestShape> shapes) {
  const uint64_t left = budget_.left_bytes();
  if (!rates_ && left >= 2 * kProbeBytes &&
      checkpoint_.weight_bytes() >= kWorthMeasuring &&
      left >= engine::FloorBytes(InputOf(shapes))) {
    rates_ = MeasureRates(checkpoint_, *matmul_, spec_);
    rates_->flops_per_second /= cpu_share();
  }
  return engine::MakePlan(InputOf(shapes), left);
}

RunPlan StreamingEngine::Summarize(const engine::Plan& plan) const {
  const Rates rates = rates_.value_or(Rates());
  RunPlan summary = {.use = plan.use,
                     .floor_bytes = plan.floor_bytes,
                     .num_slabs = static_cast<int32_t>(plan.pinned.size()),
                     .num_pinned_slabs = static_cast<int32_t>(std::count(
                         plan.pinned.begin(), plan.pinned.end(), true)),
                     .rows_per_pass = plan.pass_limits.num_rows,
                     .num_groups = static_cast<int32_t>(plan.groups->size()),
                     .seconds = plan.seconds,
                     .read_seconds = plan.read_seconds,
                     .read_bytes_per_second = rates.read_bytes_per_second,
                     .flops_per_second = rates.flops_per_second};
  for (const GroupShape& group : *plan.groups) {
    summary.sequences_per_group =
        std::max(summary.sequences_per_group, group.num_generating);
    summary.num_passes += static_cast<int64_t>(group.prompt_passes.size()) +
                          group.num_decode_passes;
  }
  return summary;
}

Result<RunPlan> StreamingEngine::Plan(std::span<const Request> requests) {
  REVLM_ASSIGN_OR_RETURN(
      const engine::Plan plan,
      MakePlan(ShapesOf(Accept(requests, [](size_t, const Error&) {}))));
  return Summarize(plan);
}

Status StreamingEngine::Run(std::span<const Request> requests,
                            const RunHooks& hooks) {
  progress_ = {.num_requests = static_cast<int32_t>(requests.size())};
  const std::vector<PlannedRequest> planned =
      Accept(requests, [&](size_t request_idx, Error error) {
        Completion completion;
        completion.error = std::move(error);
        ++progress_.num_complete;
        hooks.on_complete(request_idx, std::move(completion));
      });
  if (planned.empty()) return {};
  try {
    return RunPlanned(planned, hooks);
  } catch (const std::bad_alloc&) {
    return base::MakeError(
        ErrorCode::kBudgetExceeded,
        "running {}: the system gave no more memory; allow less at once",
        checkpoint_.path());
  }
}

Status StreamingEngine::RunPlanned(std::span<const PlannedRequest> planned,
                                   const RunHooks& hooks) {
  REVLM_ASSIGN_OR_RETURN(engine::Plan plan, MakePlan(ShapesOf(planned)));
  if (hooks.on_plan) hooks.on_plan(Summarize(plan));
  REVLM_ASSIGN_OR_RETURN(
      const std::unique_ptr<Workspace> workspace,
      Workspace::Create(std::move(plan), *machine_, budget_, hasher_.get(),
                        options_.spill_directory));
  GroupRunner runner(spec_, machine_->kv_pages, *workspace, hooks, progress_);
  const std::vector<GroupShape>& groups = *workspace->plan().groups;
  for (size_t i = 0; i < groups.size(); ++i) {
    if (hooks.is_draining && hooks.is_draining()) {
      return base::MakeError(ErrorCode::kCancelled,
                             "running {}: drained on request, {} of {} groups "
                             "are complete",
                             checkpoint_.path(), i, groups.size());
    }
    REVLM_TRY(runner.Run(groups[i], planned, i + 1 == groups.size()));
  }
  return {};
}

Result<std::vector<crypto::Sha256Digest>> StreamingEngine::TensorDigests(
    std::stop_token stop) {
  REVLM_CHECK(hasher_ != nullptr);
  return hasher_->Finish(stop);
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::Open(
    const formats::Checkpoint& checkpoint, memory::Budget& budget,
    const EngineOptions& options) {
  REVLM_ASSIGN_OR_RETURN(ModelSpec spec, DescribeModel(checkpoint));
  auto engine = std::make_unique<StreamingEngine>(checkpoint, budget, options,
                                                  std::move(spec));
  REVLM_TRY(engine->Start());
  return engine;
}

std::string_view ComputeTypeName(ComputeType type) {
  switch (type) {
    case ComputeType::kF32:
      return "f32";
    case ComputeType::kBf16:
      return "bf16";
    default:
      return "auto";
  }
}

std::string_view CaptureName(Capture capture) {
  switch (capture) {
    case Capture::kLast:
      return "last";
    case Capture::kMean:
      return "mean";
    case Capture::kAll:
      return "all";
    default:
      return "none";
  }
}

}  // namespace revlm::engine
