#include "revlm/compare.h"

#include <algorithm>
#include <chrono>
#include <new>
#include <numeric>
#include <string_view>
#include <utility>

#include "api/compared_models.h"
#include "api/comparison_directory.h"
#include "api/judge.h"
#include "base/clock.h"
#include "base/error.h"
#include "memory/image.h"
#include "memory/limit.h"
#include "memory/process_memory.h"
#include "run/host.h"
#include "run/model.h"
#include "run/process_heap.h"
#include "stats/divergence.h"
#include "verify/behaviour.h"
#include "verify/evidence.h"
#include "verify/weights.h"

namespace revlm {
namespace {

bool IsEndpoint(std::string_view target) {
  return target.starts_with("http://") || target.starts_with("https://") ||
         target.starts_with("openai:");
}

Status CheckOptions(const CompareOptions& options) {
  if (options.models.size() < 2) {
    return base::MakeError(ErrorCode::kInvalidArgument,
                           "comparing models: found {} of them, at least two "
                           "are needed",
                           options.models.size());
  }
  for (const std::string& model : options.models) {
    const size_t equals = model.find('=');
    if (IsEndpoint(model) ||
        (equals != std::string::npos &&
         IsEndpoint(std::string_view(model).substr(equals + 1)))) {
      return base::MakeError(
          ErrorCode::kUnsupported,
          "comparing {}: endpoints cannot be asked yet; name "
          "a directory or hf:ORG/NAME",
          model);
    }
  }
  // Says what is wrong with the rules, if anything is.
  REVLM_TRY(stats::Divergence::Create(
      {.same_nats = options.same_nats, .alpha = options.alpha}));
  return {};
}

class Comparer {
 public:
  explicit Comparer(const CompareOptions& options) : options_(options) {}

  Result<Comparison> Run();

 private:
  // What of the limit is left for weights and engines.
  Result<uint64_t> BudgetBytes();
  Status TellCosts(memory::Budget& budget);
  Status CompareWeights(memory::Budget& budget);
  Result<PromptTable> CompareBehaviour(memory::Budget& budget);

  verify::BehaviourOptions BehaviourOptions();
  double Seconds() const {
    return std::chrono::duration<double>(clock_.Monotonic() - started_).count();
  }
  void Tell(RunEvent::Kind kind, std::string message) const;
  // `done_seconds`: of what all of it was predicted to take.
  void TellProgress(RunEvent event, double done_seconds) const;

  const CompareOptions& options_;
  const base::Clock& clock_ = base::SystemClock();
  const std::chrono::nanoseconds started_ = clock_.Monotonic();
  std::string directory_;
  ComparePrompts prompts_;
  std::vector<OpenedModel> models_;
  std::vector<verify::BehaviourModel> encoded_;
  PlannedPairs planned_;
  Comparison comparison_;
  double weight_seconds_ = 0;              // predicted
  std::vector<double> behaviour_seconds_;  // predicted, by model
};

void Comparer::Tell(RunEvent::Kind kind, std::string message) const {
  if (!options_.on_event) return;
  RunEvent event;
  event.kind = kind;
  event.message = std::move(message);
  event.seconds = Seconds();
  options_.on_event(event);
}

void Comparer::TellProgress(RunEvent event, double done_seconds) const {
  if (!options_.on_event) return;
  const double all = std::accumulate(behaviour_seconds_.begin(),
                                     behaviour_seconds_.end(), weight_seconds_);
  event.fraction = all > 0 ? std::clamp(done_seconds / all, 0.0, 1.0) : 0;
  event.seconds = Seconds();
  options_.on_event(event);
}

verify::BehaviourOptions Comparer::BehaviourOptions() {
  return {.compute = run::ComputeOf(options_.dtype),
          .num_threads = options_.num_threads,
          .batch_size = options_.batch_size,
          .directory = directory_,
          .stop = options_.stop,
          .on_plan = {},
          .on_progress = {}};
}

Result<uint64_t> Comparer::BudgetBytes() {
  REVLM_ASSIGN_OR_RETURN(
      const memory::Limit limit,
      run::ProcessLimit(options_.memory_limit_bytes, options_.memory_strict));
  if (options_.memory_limit_bytes && limit.is_reduced) {
    Tell(RunEvent::Kind::kNotice, limit.notice);
  }
  // Beside the budget: code, what is loaded, and what engines take while they
  // are open or leave behind.
  uint64_t beside =
      memory::ReadImage().size_bytes() + run::PrivateBytes(run::HeapInUse(0));
  uint64_t while_open = 0;
  for (const OpenedModel& model : models_) {
    beside += model.need.library_bytes;
    while_open =
        std::max(while_open, model.need.thread_bytes + model.need.heap_bytes);
  }
  beside += while_open;
  uint64_t floor_bytes = 0;
  if (!prompts_.prompts.empty()) {
    REVLM_ASSIGN_OR_RETURN(floor_bytes,
                           verify::BehaviourFloorBytes(encoded_, planned_.pairs,
                                                       BehaviourOptions()));
  }
  const uint64_t least = memory::LimitFor(beside + floor_bytes);
  if (limit.limit_bytes < least) {
    return base::MakeError(
        ErrorCode::kBudgetExceeded,
        "the memory limit is {} bytes, the floor is {} bytes ({:.3f} GiB) for "
        "these models and prompts; raise --parallel-memory-limit, or ask for "
        "shorter prompts",
        limit.limit_bytes, least, static_cast<double>(least) / (1 << 30));
  }
  return limit.limit_bytes - memory::ReserveBytes(limit.limit_bytes) - beside;
}

Status Comparer::TellCosts(memory::Budget& budget) {
  // What a pair of small models and the bytes of large ones were seen to take.
  constexpr double kPairSeconds = 0.2;
  constexpr double kWeightBytesPerSecond = 3e8;
  uint64_t weight_bytes = 0;
  for (const verify::PairPlan& pair : planned_.pairs) {
    weight_bytes += models_[pair.a].model.checkpoint->weight_bytes() +
                    models_[pair.b].model.checkpoint->weight_bytes();
  }
  weight_seconds_ = kPairSeconds * static_cast<double>(planned_.pairs.size()) +
                    static_cast<double>(weight_bytes) / kWeightBytesPerSecond;
  double seconds = weight_seconds_;
  int64_t num_passes = 0;
  if (!prompts_.prompts.empty()) {
    REVLM_ASSIGN_OR_RETURN(const std::vector<engine::RunPlan> plans,
                           verify::PlanBehaviour(encoded_, planned_.pairs,
                                                 BehaviourOptions(), budget));
    for (size_t i = 0; i < plans.size(); ++i) {
      behaviour_seconds_.push_back(plans[i].seconds);
      seconds += plans[i].seconds;
      num_passes += plans[i].num_passes;
      weight_bytes += static_cast<uint64_t>(plans[i].num_passes) *
                      models_[i].need.pass_bytes;
    }
  }
  Tell(RunEvent::Kind::kNotice,
       fmt::format(
           "comparing {} models, {} pair{}, on {} prompts: {:.3g} MB of "
           "weights to read, {} passes, about {:.2g} s",
           models_.size(), planned_.pairs.size(),
           planned_.pairs.size() == 1 ? "" : "s", prompts_.prompts.size(),
           static_cast<double>(weight_bytes) / 1e6, num_passes, seconds));
  return {};
}

Status Comparer::CompareWeights(memory::Budget& budget) {
  verify::WeightOptions weights;
  weights.num_threads = options_.num_threads > 0 ? options_.num_threads
                                                 : run::DescribeHost().num_cpus;
  weights.seed = options_.seed;
  weights.full_matching = options_.full_matching;
  weights.stop = options_.stop;
  const auto num_pairs = static_cast<int64_t>(planned_.pairs.size());
  for (int64_t i = 0; i < num_pairs; ++i) {
    const verify::PairPlan& plan = planned_.pairs[static_cast<size_t>(i)];
    PairComparison& pair = comparison_.pairs[static_cast<size_t>(i)];
    const OpenedModel& a = models_[plan.a];
    const OpenedModel& b = models_[plan.b];
    weights.on_progress = [&](uint64_t done_bytes, uint64_t total_bytes) {
      RunEvent event;
      event.model = pair.a + "~" + pair.b;
      event.phase = "weights";
      event.num_finished = i;
      event.num_total = num_pairs;
      event.unit = "pairs";
      const double part =
          static_cast<double>(done_bytes) /
          static_cast<double>(std::max<uint64_t>(total_bytes, 1));
      TellProgress(std::move(event), weight_seconds_ *
                                         (static_cast<double>(i) + part) /
                                         static_cast<double>(num_pairs));
    };
    const Result<verify::WeightEvidence> evidence =
        verify::CompareWeights({.checkpoint = a.model.checkpoint.get(),
                                .tokenizer = a.model.tokenizer.get(),
                                .name = a.alias},
                               {.checkpoint = b.model.checkpoint.get(),
                                .tokenizer = b.model.tokenizer.get(),
                                .name = b.alias},
                               budget, weights);
    if (!evidence) {
      return base::WithContext(
          evidence.error(),
          fmt::format("comparing the weights of {} and {}", a.alias, b.alias));
    }
    pair.weights = verify::SumUp(*evidence, weights);
    comparison_.models[plan.a].tensor_root = evidence->equality.root_a;
    comparison_.models[plan.b].tensor_root = evidence->equality.root_b;
  }
  return {};
}

Result<PromptTable> Comparer::CompareBehaviour(memory::Budget& budget) {
  verify::BehaviourOptions behaviour = BehaviourOptions();
  const auto num_prompts = static_cast<int64_t>(prompts_.prompts.size());
  behaviour.on_progress = [&](size_t model_idx,
                              const engine::Progress& progress) {
    const auto model = static_cast<std::ptrdiff_t>(model_idx);
    const double done =
        std::accumulate(behaviour_seconds_.begin(),
                        behaviour_seconds_.begin() + model, weight_seconds_);
    RunEvent event;
    event.model = models_[model_idx].alias;
    event.phase = "prefill";
    event.layer = progress.slab_idx;
    event.num_layers = progress.num_slabs;
    event.num_finished = model * num_prompts + progress.num_complete;
    event.num_total = static_cast<int64_t>(models_.size()) * num_prompts;
    event.unit = "operations";
    TellProgress(std::move(event),
                 done + behaviour_seconds_[model_idx] * progress.num_complete /
                            std::max(progress.num_requests, 1));
  };
  return verify::CompareBehaviour(encoded_, planned_.pairs, behaviour, budget);
}

Result<Comparison> Comparer::Run() {
  if (options_.owns_process) memory::TuneHeap();
  REVLM_TRY(CheckOptions(options_));
  REVLM_ASSIGN_OR_RETURN(prompts_, CollectPrompts(options_));
  REVLM_ASSIGN_OR_RETURN(models_, OpenModels(options_));
  REVLM_ASSIGN_OR_RETURN(ComparisonDirectory directory,
                         ComparisonDirectory::Create(options_));
  directory_ = directory.path();
  encoded_ = EncodeFor(models_, prompts_, options_);
  planned_ = PlanPairs(models_, encoded_);
  for (const OpenedModel& model : models_) {
    comparison_.models.push_back(
        {.alias = model.alias,
         .reference = model.model.reference,
         .commit = model.model.resolved.commit.value_or(""),
         .tensor_root = "",
         .identity = model.model.identity});
  }
  for (size_t i = 0; i < planned_.pairs.size(); ++i) {
    PairComparison& pair = comparison_.pairs.emplace_back();
    pair.a = models_[planned_.pairs[i].a].alias;
    pair.b = models_[planned_.pairs[i].b].alias;
    if (prompts_.prompts.empty()) continue;
    pair.behaviour.emplace();
    pair.behaviour->scale = planned_.pairs[i].scale;
    pair.behaviour->why_none = planned_.why_none[i];
  }
  const engine::NumericsClass& numerics = models_.front().numerics;
  comparison_.num_prompts = static_cast<int64_t>(prompts_.prompts.size());
  comparison_.prompt_source = prompts_.source;
  comparison_.seed = options_.seed;
  comparison_.same_nats = options_.same_nats;
  comparison_.most_nats = stats::DivergenceRules().most_nats;
  comparison_.alpha = options_.alpha;
  comparison_.compute = numerics.compute;
  comparison_.numerics = fmt::format("{} by {} on {}", numerics.compute,
                                     numerics.products, numerics.isa);

  REVLM_ASSIGN_OR_RETURN(const uint64_t budget_bytes, BudgetBytes());
  memory::Budget budget(budget_bytes);
  REVLM_TRY(TellCosts(budget));
  REVLM_TRY(CompareWeights(budget));
  PromptTable values(planned_.pairs.size());
  if (!prompts_.prompts.empty()) {
    REVLM_ASSIGN_OR_RETURN(values, CompareBehaviour(budget));
  }
  REVLM_TRY(Judge(values, comparison_));
  REVLM_TRY(directory.Write(comparison_, prompts_, values));
  comparison_.run_dir = directory_;
  comparison_.seconds = Seconds();
  return std::move(comparison_);
}

}  // namespace

Result<Comparison> Compare(const CompareOptions& options) {
  try {
    return Comparer(options).Run();
  } catch (const std::bad_alloc&) {
    return base::MakeError(
        ErrorCode::kBudgetExceeded,
        "comparing: the system gave no more memory, the limit is reached; ask "
        "for less at once");
  }
}

}  // namespace revlm
