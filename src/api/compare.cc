#include "revlm/compare.h"

#include <algorithm>
#include <new>
#include <utility>

#include "api/compare_events.h"
#include "api/compared_models.h"
#include "api/comparison_directory.h"
#include "api/judge.h"
#include "api/kept_findings.h"
#include "api/prompt_asker.h"
#include "api/unfinished_folder.h"
#include "base/error.h"
#include "base/json.h"
#include "memory/process_memory.h"
#include "run/host.h"
#include "run/model.h"
#include "verify/behaviour.h"
#include "verify/evidence.h"
#include "verify/weights.h"

namespace revlm {
namespace {

Status CheckOptions(const CompareOptions& options) {
  if (options.models.size() < 2) {
    return base::MakeError(ErrorCode::kInvalidArgument,
                           "comparing models: found {} of them, at least two "
                           "are needed; name another one beside it",
                           options.models.size());
  }
  if (options.round_size && *options.round_size < 1) {
    return base::MakeError(ErrorCode::kInvalidArgument,
                           "comparing models: found rounds of {} prompts, "
                           "allowed are 1 and more",
                           *options.round_size);
  }
  REVLM_TRY(run::CheckForm(EngineOptionsOf(options)));
  return CheckModelsAndRules(options);
}

class Comparer {
 public:
  explicit Comparer(const CompareOptions& options) : options_(options) {}

  Result<Comparison> Run();

 private:
  Status Open();
  // Finds what there is, judges it and writes it down.
  Status Find(memory::Budget& budget, ComparisonDirectory& directory);
  // What of the limit is left for weights and engines.
  Result<uint64_t> BudgetBytes();
  Status TellCosts(memory::Budget& budget);
  Status CompareWeights(memory::Budget& budget,
                        const UnfinishedFolder& unfinished);
  // `done_seconds`: of what all of it was predicted to take.
  void TellProgress(RunEvent event, double done_seconds) const;

  const CompareOptions& options_;
  const CompareEvents events_ = CompareEvents(options_);
  ComparePrompts prompts_;  // until they are the asker's
  size_t most_prompts_ = 0;
  std::vector<OpenedModel> models_;
  std::vector<verify::BehaviourModel> encoded_;  // as `prompts_`
  PlannedPairs planned_;
  std::optional<PromptAsker> asker_;
  Comparison comparison_;
  double weight_seconds_ = 0;     // predicted
  double behaviour_seconds_ = 0;  // predicted
};

void Comparer::TellProgress(RunEvent event, double done_seconds) const {
  const double all = weight_seconds_ + behaviour_seconds_;
  events_.Progress(std::move(event), all > 0 ? done_seconds / all : 0);
}

Result<uint64_t> Comparer::BudgetBytes() {
  REVLM_ASSIGN_OR_RETURN(const uint64_t floor_bytes, asker_->FloorBytes());
  return BudgetBytesFor(options_, NeedOf(models_), floor_bytes, events_);
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
  REVLM_ASSIGN_OR_RETURN(const PromptAsker::Costs asking,
                         asker_->Predict(budget));
  behaviour_seconds_ = asking.seconds;
  events_.Notice(fmt::format(
      "comparing {} models, {} pair{}, on {} prompts{}: {:.3g} MB of "
      "weights to read, {} passes, about {:.2g} s",
      models_.size(), planned_.pairs.size(),
      planned_.pairs.size() == 1 ? "" : "s", most_prompts_,
      options_.orchestration
          ? " at most, in rounds that read them again; all at once"
          : "",
      static_cast<double>(weight_bytes + asking.read_bytes) / 1e6,
      asking.num_passes, weight_seconds_ + behaviour_seconds_));
  return {};
}

Status Comparer::CompareWeights(memory::Budget& budget,
                                const UnfinishedFolder& unfinished) {
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
    ComparedModel& of_a = comparison_.models[plan.a];
    ComparedModel& of_b = comparison_.models[plan.b];
    const verify::KeptAt at = unfinished.At(fmt::format("weights-{}", i));
    if (auto kept = ReadWeights(at)) {
      pair.weights = std::move(kept->finding);
      of_a.tensor_root = std::move(kept->root_a);
      of_b.tensor_root = std::move(kept->root_b);
      continue;
    }
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
    of_a.tensor_root = evidence->equality.root_a;
    of_b.tensor_root = evidence->equality.root_b;
    REVLM_TRY(KeepWeights(at, {.finding = *pair.weights,
                               .root_a = of_a.tensor_root,
                               .root_b = of_b.tensor_root}));
  }
  return {};
}

Status Comparer::Open() {
  REVLM_TRY(CheckOptions(options_));
  REVLM_ASSIGN_OR_RETURN(prompts_, CollectPrompts(options_));
  most_prompts_ = prompts_.prompts.size();
  REVLM_ASSIGN_OR_RETURN(models_, OpenModels(options_));
  REVLM_ASSIGN_OR_RETURN(std::string form_notice,
                         ChooseForm(options_, prompts_, models_));
  if (!form_notice.empty()) {
    events_.Notice(std::move(form_notice));
  }
  encoded_ = EncodeFor(models_, prompts_, options_);
  planned_ = PlanPairs(models_, encoded_);
  for (const OpenedModel& model : models_) {
    comparison_.models.push_back(Describe(model));
    if (model.model.chat) {
      comparison_.prompt_form = run::PromptFormName(PromptForm::kChat);
    }
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
  Describe(options_, models_.front(), prompts_, comparison_);
  return {};
}

Status Comparer::Find(memory::Budget& budget, ComparisonDirectory& directory) {
  REVLM_ASSIGN_OR_RETURN(const memory::Reservation held_values,
                         asker_->HoldValues(budget));
  REVLM_TRY(TellCosts(budget));
  REVLM_TRY(CompareWeights(budget, directory.unfinished()));
  Evidence evidence;
  REVLM_ASSIGN_OR_RETURN(
      evidence.values,
      asker_->Ask(budget, [this](RunEvent event, double done_seconds) {
        TellProgress(std::move(event), weight_seconds_ + done_seconds);
      }));
  REVLM_TRY(Judge(evidence, comparison_));
  return directory.Write(comparison_, asker_->prompts(), evidence.values);
}

Result<Comparison> Comparer::Run() {
  if (options_.owns_process) memory::TuneHeap();
  REVLM_TRY(Open());
  const base::Json plan = PlanOf(comparison_, options_, models_);
  REVLM_ASSIGN_OR_RETURN(ComparisonDirectory directory,
                         ComparisonDirectory::Open(options_, plan));
  if (std::string notice = GoesOn(directory); !notice.empty()) {
    events_.Notice(std::move(notice));
  }
  asker_.emplace(PromptAsker::Work{.options = options_,
                                   .events = events_,
                                   .models = models_,
                                   .planned = planned_,
                                   .unfinished = directory.unfinished(),
                                   .comparison = comparison_},
                 std::move(prompts_), std::move(encoded_));
  if (options_.orchestration && most_prompts_ > 0) {
    REVLM_TRY(asker_->MakeRoom());
  }
  REVLM_ASSIGN_OR_RETURN(const uint64_t budget_bytes, BudgetBytes());
  memory::Budget budget(budget_bytes);
  if (const Status done = Find(budget, directory); !done) {
    return std::unexpected(TellKept(done.error(), directory));
  }
  comparison_.run_dir = directory.path();
  comparison_.seconds = events_.Seconds();
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
