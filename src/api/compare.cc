#include "revlm/compare.h"

#include <algorithm>
#include <new>
#include <numeric>
#include <utility>

#include "api/compare_events.h"
#include "api/compare_rounds.h"
#include "api/compared_models.h"
#include "api/comparison_directory.h"
#include "api/judge.h"
#include "api/unfinished_comparison.h"
#include "base/error.h"
#include "base/json.h"
#include "memory/process_memory.h"
#include "run/host.h"
#include "run/model.h"
#include "run/op_record.h"
#include "run/orchestration.h"
#include "run/plan.h"
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
  // What an earlier start found.
  void GoOn();
  Result<PromptTable> Find(memory::Budget& budget);
  // Keeps what was found, of a comparison that ends with this error.
  Error Stopped(Error error);
  // What of the limit is left for weights and engines.
  Result<uint64_t> BudgetBytes();
  Status TellCosts(memory::Budget& budget);
  Status CompareWeights(memory::Budget& budget);
  // What these prompts bring, which `encoded_` has, if need be by asking them.
  Result<RoundFinding> AskRound(const std::vector<MadePrompt>& prompts,
                                memory::Budget& budget);
  Result<RoundFinding> CompareBehaviour(memory::Budget& budget);
  // Makes room in what is planned for prompts that are chosen later.
  Status PlanForRounds();
  // What prompts of a round were not answered.
  void CountFailures(const RoundFinding& round);
  void TellFailures();
  Result<PromptTable> AskAll(memory::Budget& budget);
  // Asks what is chosen round after round, until enough was asked.
  Result<PromptTable> AskInRounds(memory::Budget& budget);

  verify::BehaviourOptions BehaviourOptions();
  // `done_seconds`: of what all of it was predicted to take.
  void TellProgress(RunEvent event, double done_seconds) const;

  const CompareOptions& options_;
  const CompareEvents events_ = CompareEvents(options_);
  std::string directory_;
  std::string unfinished_path_;  // in it
  std::optional<UnfinishedComparison> unfinished_;
  ComparePrompts prompts_;  // all; in rounds: those of rounds before
  size_t most_prompts_ = 0;
  size_t num_asked_ = 0;  // in rounds before
  std::vector<OpenedModel> models_;
  std::vector<verify::BehaviourModel> encoded_;  // of all, or of this round
  PlannedPairs planned_;
  Comparison comparison_;
  std::vector<int64_t> num_failed_;         // by model
  std::vector<std::string> first_failure_;  // by model
  double weight_seconds_ = 0;               // predicted
  std::vector<double> behaviour_seconds_;   // predicted, by model
  double read_seconds_ = 0;                 // of it, to read all weights once
};

void Comparer::TellProgress(RunEvent event, double done_seconds) const {
  const double all = std::accumulate(behaviour_seconds_.begin(),
                                     behaviour_seconds_.end(), weight_seconds_);
  events_.Progress(std::move(event), all > 0 ? done_seconds / all : 0);
}

verify::BehaviourOptions Comparer::BehaviourOptions() {
  return {.compute = run::ComputeOf(options_.dtype),
          .num_threads = options_.num_threads,
          .batch_size = options_.batch_size,
          .directory = unfinished_path_,
          .stop = options_.stop,
          .on_plan = {},
          .on_progress = {}};
}

Result<uint64_t> Comparer::BudgetBytes() {
  uint64_t floor_bytes = 0;
  if (!prompts_.prompts.empty()) {
    REVLM_ASSIGN_OR_RETURN(floor_bytes,
                           verify::BehaviourFloorBytes(encoded_, planned_.pairs,
                                                       BehaviourOptions()));
  }
  return BudgetBytesFor(options_, NeedOf(models_), floor_bytes, events_);
}

Status Comparer::TellCosts(memory::Budget& budget) {
  // What a pair of small models, the bytes of large ones, and keeping, reading
  // and comparing logits were seen to take.
  constexpr double kPairSeconds = 0.2;
  constexpr double kWeightBytesPerSecond = 3e8;
  constexpr double kLogitsPerSecond = 4e7;
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
      double num_positions = 0;
      for (const verify::EncodedPrompt& prompt : encoded_[i].prompts) {
        num_positions += static_cast<double>(prompt.ids.size());
      }
      const double num_logits =
          num_positions *
          static_cast<double>(models_[i].model.checkpoint->config().vocab_size);
      behaviour_seconds_.push_back(plans[i].seconds +
                                   num_logits / kLogitsPerSecond);
      read_seconds_ +=
          plans[i].read_seconds /
          static_cast<double>(std::max<int64_t>(plans[i].num_passes, 1));
      seconds += behaviour_seconds_.back();
      num_passes += plans[i].num_passes;
      weight_bytes += static_cast<uint64_t>(plans[i].num_passes) *
                      models_[i].need.pass_bytes;
    }
  }
  events_.Notice(fmt::format(
      "comparing {} models, {} pair{}, on {} prompts{}: {:.3g} MB of "
      "weights to read, {} passes, about {:.2g} s",
      models_.size(), planned_.pairs.size(),
      planned_.pairs.size() == 1 ? "" : "s", most_prompts_,
      options_.orchestration
          ? " at most, in rounds that read them again; all at once"
          : "",
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
    if (pair.weights) continue;  // by an earlier start
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
    REVLM_TRY(unfinished_->Keep(comparison_));
  }
  return {};
}

Result<RoundFinding> Comparer::AskRound(const std::vector<MadePrompt>& prompts,
                                        memory::Budget& budget) {
  std::string lines;
  for (const MadePrompt& prompt : prompts) {
    lines += run::ToLine(run::PromptToJson(prompt));
  }
  std::string prompts_sha256 = run::Sha256Hex(lines);
  if (const RoundFinding* kept = unfinished_->TakeRound(prompts_sha256)) {
    CountFailures(*kept);
    return *kept;
  }
  REVLM_ASSIGN_OR_RETURN(RoundFinding round, CompareBehaviour(budget));
  round.prompts_sha256 = std::move(prompts_sha256);
  CountFailures(round);
  unfinished_->AddRound(round);
  REVLM_TRY(unfinished_->Keep(comparison_));
  return round;
}

Result<RoundFinding> Comparer::CompareBehaviour(memory::Budget& budget) {
  verify::BehaviourOptions behaviour = BehaviourOptions();
  const size_t num_prompts = encoded_.front().prompts.size();
  RoundFinding round = {.num_prompts = static_cast<int64_t>(num_prompts)};
  if (options_.orchestration) {
    round.certainty.assign(
        encoded_.size(),
        std::vector<std::optional<verify::Certainty>>(num_prompts));
    behaviour.on_certainty = [&](size_t model_idx, size_t prompt_idx,
                                 const verify::Certainty& of) {
      round.certainty[model_idx][prompt_idx] = of;
    };
  }
  // In rounds these are some of the prompts that the prediction is for.
  const auto share_of = [&](size_t count) {
    return static_cast<double>(count) / static_cast<double>(most_prompts_);
  };
  const auto first = behaviour_seconds_.begin();
  const double before =
      weight_seconds_ +
      share_of(num_asked_) *
          std::accumulate(first, behaviour_seconds_.end(), 0.0);
  behaviour.on_progress = [&](size_t model_idx,
                              const engine::Progress& progress) {
    const double models_before = std::accumulate(
        first, first + static_cast<std::ptrdiff_t>(model_idx), 0.0);
    const double of_this = behaviour_seconds_[model_idx] *
                           progress.num_complete /
                           std::max(progress.num_requests, 1);
    RunEvent event;
    event.model = models_[model_idx].alias;
    event.phase = "prefill";
    event.layer = progress.slab_idx;
    event.num_layers = progress.num_slabs;
    event.num_finished = static_cast<int64_t>(models_.size() * num_asked_ +
                                              model_idx * num_prompts) +
                         progress.num_complete;
    event.num_total = static_cast<int64_t>(models_.size() * most_prompts_);
    event.unit = "operations";
    TellProgress(std::move(event),
                 before + share_of(num_prompts) * (models_before + of_this));
  };
  behaviour.on_failure = [&](size_t model_idx, size_t prompt_idx,
                             const Error& error) {
    round.failures.push_back({.model = static_cast<int64_t>(model_idx),
                              .prompt_idx = static_cast<int64_t>(prompt_idx),
                              .message = error.message});
  };
  REVLM_ASSIGN_OR_RETURN(
      round.values,
      verify::CompareBehaviour(encoded_, planned_.pairs, behaviour, budget));
  return round;
}

void Comparer::CountFailures(const RoundFinding& round) {
  const auto num_prompts = static_cast<size_t>(round.num_prompts);
  std::vector<std::vector<bool>> failed(models_.size(),
                                        std::vector<bool>(num_prompts, false));
  for (const PromptFailure& failure : round.failures) {
    const auto model = static_cast<size_t>(failure.model);
    failed[model][static_cast<size_t>(failure.prompt_idx)] = true;
    if (++num_failed_[model] == 1) first_failure_[model] = failure.message;
  }
  for (size_t i = 0; i < planned_.pairs.size(); ++i) {
    const verify::PairPlan& plan = planned_.pairs[i];
    if (plan.scale == Scale::kNone) continue;
    BehaviourFinding& finding = *comparison_.pairs[i].behaviour;
    for (size_t prompt = 0; prompt < num_prompts; ++prompt) {
      if (failed[plan.a][prompt] || failed[plan.b][prompt]) {
        ++finding.num_failed;
      }
    }
    const auto num_asked = static_cast<int64_t>(num_asked_ + num_prompts);
    const size_t model =
        num_failed_[plan.a] >= num_failed_[plan.b] ? plan.a : plan.b;
    finding.why_none =
        finding.num_failed < num_asked
            ? ""
            : fmt::format("all of {} prompts failed; {}: {}", num_asked,
                          models_[model].alias, first_failure_[model]);
  }
}

void Comparer::TellFailures() {
  for (size_t i = 0; i < models_.size(); ++i) {
    if (num_failed_[i] == 0) continue;
    events_.Notice(fmt::format("{} failed on {} of {} prompts; the first: {}",
                               models_[i].alias, num_failed_[i],
                               comparison_.num_prompts, first_failure_[i]));
  }
}

Status Comparer::PlanForRounds() {
  CompareOptions more = options_;
  more.num_challenges = NumForPlanning(most_prompts_);
  REVLM_ASSIGN_OR_RETURN(const ComparePrompts prompts, CollectPrompts(more));
  std::vector<verify::BehaviourModel> others =
      EncodeFor(models_, prompts, options_);
  // What a model's context does not hold needs no memory.
  std::vector<size_t> context_ids;
  for (const OpenedModel& model : models_) {
    context_ids.push_back(
        static_cast<size_t>(model.model.checkpoint->config().max_positions));
  }
  LeaveOutLonger(context_ids, encoded_);
  LeaveOutLonger(context_ids, others);
  TakeLongest(others, encoded_);
  return {};
}

// Adds a round's values to those of the rounds before.
void Append(const PromptTable& round, PromptTable& values) {
  for (size_t i = 0; i < round.size(); ++i) {
    values[i].insert(values[i].end(), round[i].begin(), round[i].end());
  }
}

Result<PromptTable> Comparer::AskAll(memory::Budget& budget) {
  const size_t round_size =
      options_.round_size
          ? static_cast<size_t>(*options_.round_size)
          : PlainRoundSize(most_prompts_,
                           std::accumulate(behaviour_seconds_.begin(),
                                           behaviour_seconds_.end(), 0.0),
                           read_seconds_);
  const std::vector<verify::BehaviourModel> all = std::move(encoded_);
  PromptTable values(planned_.pairs.size());
  while (num_asked_ < most_prompts_) {
    const size_t count =
        std::min(unfinished_->NextRoundSize().value_or(round_size),
                 most_prompts_ - num_asked_);
    const auto slice = [&](const auto& of) {
      const auto first = of.begin() + static_cast<std::ptrdiff_t>(num_asked_);
      return std::vector(first, first + static_cast<std::ptrdiff_t>(count));
    };
    encoded_.clear();
    for (const verify::BehaviourModel& model : all) {
      encoded_.push_back({.checkpoint = model.checkpoint,
                          .prompts = slice(model.prompts),
                          .first_bytes = model.first_bytes});
    }
    REVLM_ASSIGN_OR_RETURN(const RoundFinding round,
                           AskRound(slice(prompts_.prompts), budget));
    Append(round.values, values);
    num_asked_ += count;
  }
  return values;
}

Result<PromptTable> Comparer::AskInRounds(memory::Budget& budget) {
  REVLM_ASSIGN_OR_RETURN(
      challenge::Orchestrator orchestrator,
      run::MakeOrchestrator(*options_.orchestration, options_.seed));
  const std::vector<size_t> most_ids = MostIds(encoded_);
  prompts_.prompts.clear();  // they were for planning
  AdaptivePrompts& adaptive = comparison_.adaptive.emplace();
  adaptive.strategy = PromptStrategyName(options_.orchestration->strategy);
  adaptive.focus = ChallengeFocusName(options_.orchestration->focus);
  Evidence evidence = {.values = PromptTable(planned_.pairs.size()),
                       .texts = std::nullopt};
  size_t num_undecided = NumUndecided(comparison_);
  while (num_undecided > 0 && num_asked_ < most_prompts_) {
    REVLM_ASSIGN_OR_RETURN(
        std::vector<challenge::Challenge> challenges,
        orchestrator.Next(RoundSize(num_asked_, most_prompts_)));
    ComparePrompts round;
    for (challenge::Challenge& made : challenges) {
      round.prompts.push_back(run::FromChallenge(std::move(made)));
    }
    encoded_ = EncodeFor(models_, round, options_);
    adaptive.num_left_out +=
        static_cast<int64_t>(LeaveOutLonger(most_ids, encoded_));
    REVLM_ASSIGN_OR_RETURN(const RoundFinding found,
                           AskRound(round.prompts, budget));
    Append(found.values, evidence.values);
    REVLM_TRY(Judge(evidence, comparison_));
    num_undecided = NumUndecided(comparison_);
    REVLM_TRY(orchestrator.Observe(
        OutcomesOf(comparison_, round.prompts, found.values, found.certainty)));
    num_asked_ += round.prompts.size();
    adaptive.rounds.push_back(
        {.num_prompts = static_cast<int64_t>(round.prompts.size()),
         .num_undecided = static_cast<int64_t>(num_undecided)});
    std::ranges::move(round.prompts, std::back_inserter(prompts_.prompts));
  }
  if (adaptive.num_left_out > 0) {
    events_.Notice(fmt::format(
        "{} of {} prompts were longer than memory was planned for and have no "
        "value",
        adaptive.num_left_out, num_asked_));
  }
  adaptive.profiles = ProfilesOf(orchestrator);
  adaptive.systems = run::ReportsOf(orchestrator, run::Told::kOutcomes);
  for (std::string& notice : run::FailureNotices(adaptive.systems)) {
    events_.Notice(std::move(notice));
  }
  comparison_.num_prompts = static_cast<int64_t>(num_asked_);
  return std::move(evidence.values);
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
  num_failed_.assign(models_.size(), 0);
  first_failure_.resize(models_.size());
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

void Comparer::GoOn() {
  for (size_t i = 0; i < planned_.pairs.size(); ++i) {
    unfinished_->TakeWeights(i, {planned_.pairs[i].a, planned_.pairs[i].b},
                             comparison_);
  }
  if (!unfinished_->is_saved()) return;
  events_.Notice(fmt::format(
      "going on in {}: the weights of {} of {} pairs were compared, and {} of "
      "{} prompts asked",
      directory_, unfinished_->num_kept_pairs(), planned_.pairs.size(),
      unfinished_->num_kept_prompts(), most_prompts_));
}

Result<PromptTable> Comparer::Find(memory::Budget& budget) {
  REVLM_TRY(TellCosts(budget));
  REVLM_TRY(CompareWeights(budget));
  if (most_prompts_ == 0) return PromptTable(planned_.pairs.size());
  return options_.orchestration ? AskInRounds(budget) : AskAll(budget);
}

Error Comparer::Stopped(Error error) {
  const bool has_found =
      unfinished_->num_kept_prompts() > 0 ||
      std::ranges::any_of(comparison_.pairs, [](const PairComparison& pair) {
        return pair.weights.has_value();
      });
  if (has_found && unfinished_->Save(comparison_)) {
    error.message += KeptIn(directory_);
  }
  return error;
}

Result<Comparison> Comparer::Run() {
  if (options_.owns_process) memory::TuneHeap();
  REVLM_TRY(Open());
  const base::Json plan = PlanOf(comparison_, options_, models_);
  REVLM_ASSIGN_OR_RETURN(ComparisonDirectory directory,
                         ComparisonDirectory::Open(options_, plan));
  directory_ = directory.path();
  unfinished_path_ = directory.unfinished_path();
  REVLM_ASSIGN_OR_RETURN(unfinished_, UnfinishedComparison::Open(
                                          unfinished_path_, plan, comparison_));
  if (options_.orchestration && most_prompts_ > 0) REVLM_TRY(PlanForRounds());
  REVLM_ASSIGN_OR_RETURN(const uint64_t budget_bytes, BudgetBytes());
  memory::Budget budget(budget_bytes);
  GoOn();
  const Status done = [&]() -> Status {
    REVLM_ASSIGN_OR_RETURN(PromptTable values, Find(budget));
    TellFailures();
    const Evidence evidence = {.values = std::move(values),
                               .texts = std::nullopt};
    REVLM_TRY(Judge(evidence, comparison_));
    return directory.Write(comparison_, prompts_, evidence.values);
  }();
  if (!done) return std::unexpected(Stopped(done.error()));
  comparison_.run_dir = directory_;
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
