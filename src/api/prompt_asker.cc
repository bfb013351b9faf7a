#include "api/prompt_asker.h"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <optional>
#include <utility>

#include "api/judge.h"
#include "challenge/orchestrator.h"
#include "run/model.h"
#include "run/op_record.h"
#include "run/orchestration.h"
#include "run/plan.h"

namespace revlm {
namespace {

// Adds a round's values to those of the rounds before.
void Append(const PromptTable& round, PromptTable& values) {
  for (size_t i = 0; i < round.size(); ++i) {
    values[i].insert(values[i].end(), round[i].begin(), round[i].end());
  }
}

}  // namespace

PromptAsker::PromptAsker(Work work, ComparePrompts prompts,
                         std::vector<verify::BehaviourModel> encoded)
    : work_(std::move(work)),
      prompts_(std::move(prompts)),
      most_prompts_(prompts_.prompts.size()),
      encoded_(std::move(encoded)),
      num_failed_(work_.models.size(), 0),
      first_failure_(work_.models.size()) {}

verify::BehaviourOptions PromptAsker::BehaviourOptions() const {
  return {.compute = run::ComputeOf(work_.options.dtype),
          .num_threads = work_.options.num_threads,
          .batch_size = work_.options.batch_size,
          .directory = work_.unfinished.path(),
          .stop = work_.options.stop,
          .on_plan = {},
          .on_progress = {}};
}

double PromptAsker::SecondsOfModels(size_t num_models) const {
  return std::accumulate(
      seconds_.begin(),
      seconds_.begin() + static_cast<std::ptrdiff_t>(num_models), 0.0);
}

Status PromptAsker::MakeRoom() {
  CompareOptions more = work_.options;
  more.num_challenges = NumForPlanning(most_prompts_);
  REVLM_ASSIGN_OR_RETURN(const ComparePrompts prompts, CollectPrompts(more));
  std::vector<verify::BehaviourModel> others =
      EncodeFor(work_.models, prompts, work_.options);
  // What a model's context does not hold needs no memory.
  std::vector<size_t> context_ids;
  for (const OpenedModel& model : work_.models) {
    context_ids.push_back(
        static_cast<size_t>(model.model.checkpoint->config().max_positions));
  }
  LeaveOutLonger(context_ids, encoded_);
  LeaveOutLonger(context_ids, others);
  TakeLongest(others, encoded_);
  return {};
}

uint64_t PromptAsker::ValueBytes() const {
  // Those of a round are there twice for a moment.
  const uint64_t prompt_bytes =
      2 * work_.planned.pairs.size() * sizeof(verify::PromptDivergence) +
      work_.models.size() * sizeof(std::optional<verify::Certainty>);
  return most_prompts_ * prompt_bytes;
}

Result<uint64_t> PromptAsker::FloorBytes() const {
  if (most_prompts_ == 0) return 0;
  REVLM_ASSIGN_OR_RETURN(
      const uint64_t round_bytes,
      verify::BehaviourFloorBytes(encoded_, work_.planned.pairs,
                                  BehaviourOptions()));
  return round_bytes + ValueBytes();
}

Result<memory::Reservation> PromptAsker::HoldValues(
    memory::Budget& budget) const {
  return budget.Reserve(ValueBytes(), memory::Use::kResults);
}

Result<PromptAsker::Costs> PromptAsker::Predict(memory::Budget& budget) {
  // Keeping, reading and comparing logits, as seen.
  constexpr double kLogitsPerSecond = 4e7;
  Costs costs;
  if (most_prompts_ == 0) return costs;
  REVLM_ASSIGN_OR_RETURN(const std::vector<engine::RunPlan> plans,
                         verify::PlanBehaviour(encoded_, work_.planned.pairs,
                                               BehaviourOptions(), budget));
  for (size_t i = 0; i < plans.size(); ++i) {
    const OpenedModel& model = work_.models[i];
    double num_positions = 0;
    for (const verify::EncodedPrompt& prompt : encoded_[i].prompts) {
      num_positions += static_cast<double>(prompt.ids.size());
    }
    const double num_logits =
        num_positions *
        static_cast<double>(model.model.checkpoint->config().vocab_size);
    seconds_.push_back(plans[i].seconds + num_logits / kLogitsPerSecond);
    read_seconds_ +=
        plans[i].read_seconds /
        static_cast<double>(std::max<int64_t>(plans[i].num_passes, 1));
    costs.seconds += seconds_.back();
    costs.num_passes += plans[i].num_passes;
    costs.read_bytes +=
        static_cast<uint64_t>(plans[i].num_passes) * model.need.pass_bytes;
  }
  return costs;
}

Result<PromptTable> PromptAsker::Ask(memory::Budget& budget, const Tell& tell) {
  if (most_prompts_ == 0) return PromptTable(work_.planned.pairs.size());
  REVLM_ASSIGN_OR_RETURN(PromptTable values, work_.options.orchestration
                                                 ? AskChosen(budget, tell)
                                                 : AskAll(budget, tell));
  TellFailures();
  return values;
}

Result<RoundFinding> PromptAsker::AskRound(
    const std::vector<MadePrompt>& prompts, memory::Budget& budget,
    const Tell& tell) {
  std::string lines;
  for (const MadePrompt& prompt : prompts) {
    lines += run::ToLine(run::PromptToJson(prompt));
  }
  verify::KeptAt at =
      work_.unfinished.At(fmt::format("round-{}", num_rounds_++));
  at.key += " " + run::Sha256Hex(lines);
  const RoundSizes sizes = {
      .num_pairs = work_.planned.pairs.size(),
      .num_models = work_.models.size(),
      .num_prompts = prompts.size(),
      .has_certainty = work_.options.orchestration.has_value()};
  std::optional<RoundFinding> round = ReadRound(at, sizes, budget);
  if (!round) {
    REVLM_ASSIGN_OR_RETURN(round, CompareBehaviour(budget, tell));
    REVLM_TRY(KeepRound(at, *round, budget));
  }
  CountFailures(*round, prompts.size());
  return *std::move(round);
}

Result<RoundFinding> PromptAsker::CompareBehaviour(memory::Budget& budget,
                                                   const Tell& tell) {
  verify::BehaviourOptions behaviour = BehaviourOptions();
  const size_t num_prompts = encoded_.front().prompts.size();
  RoundFinding round;
  if (work_.options.orchestration) {
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
  const double before = share_of(num_asked_) * SecondsOfModels(seconds_.size());
  behaviour.on_progress = [&](size_t model_idx,
                              const engine::Progress& progress) {
    const double of_this = seconds_[model_idx] * progress.num_complete /
                           std::max(progress.num_requests, 1);
    RunEvent event;
    event.model = work_.models[model_idx].alias;
    event.phase = "prefill";
    event.layer = progress.slab_idx;
    event.num_layers = progress.num_slabs;
    event.num_finished = static_cast<int64_t>(work_.models.size() * num_asked_ +
                                              model_idx * num_prompts) +
                         progress.num_complete;
    event.num_total = static_cast<int64_t>(work_.models.size() * most_prompts_);
    event.unit = "operations";
    tell(std::move(event), before + share_of(num_prompts) *
                                        (SecondsOfModels(model_idx) + of_this));
  };
  behaviour.on_failure = [&](size_t model_idx, size_t prompt_idx,
                             const Error& error) {
    round.failures.push_back({.model = static_cast<int64_t>(model_idx),
                              .prompt_idx = static_cast<int64_t>(prompt_idx),
                              .message = error.message});
  };
  REVLM_ASSIGN_OR_RETURN(round.values,
                         verify::CompareBehaviour(encoded_, work_.planned.pairs,
                                                  behaviour, budget));
  // In an order that does not depend on who was asked together.
  std::ranges::sort(round.failures, {}, [](const PromptFailure& failure) {
    return std::pair(failure.model, failure.prompt_idx);
  });
  return round;
}

// What is predicted is not the same again; what is kept is of rounds of one
// size.
Result<size_t> PromptAsker::SizeOfRounds() {
  const verify::KeptAt at = work_.unfinished.At("_round-size");
  std::optional<size_t> size = ReadRoundSize(at);
  if (work_.options.round_size) {
    size = static_cast<size_t>(*work_.options.round_size);
  } else if (!size) {
    size = PlainRoundSize(most_prompts_, SecondsOfModels(seconds_.size()),
                          read_seconds_);
    if (*size < most_prompts_) REVLM_TRY(KeepRoundSize(at, *size));
  }
  return *size;
}

Result<PromptTable> PromptAsker::AskAll(memory::Budget& budget,
                                        const Tell& tell) {
  REVLM_ASSIGN_OR_RETURN(const size_t round_size, SizeOfRounds());
  const std::vector<verify::BehaviourModel> all = std::move(encoded_);
  PromptTable values(work_.planned.pairs.size());
  while (num_asked_ < most_prompts_) {
    const size_t count = std::min(round_size, most_prompts_ - num_asked_);
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
                           AskRound(slice(prompts_.prompts), budget, tell));
    Append(round.values, values);
    num_asked_ += count;
  }
  return values;
}

Result<PromptTable> PromptAsker::AskChosen(memory::Budget& budget,
                                           const Tell& tell) {
  REVLM_ASSIGN_OR_RETURN(
      challenge::Orchestrator orchestrator,
      run::MakeOrchestrator(*work_.options.orchestration, work_.options.seed));
  const std::vector<size_t> most_ids = MostIds(encoded_);
  prompts_.prompts.clear();  // they were for planning
  AdaptivePrompts& adaptive = work_.comparison.adaptive.emplace();
  adaptive.strategy = PromptStrategyName(work_.options.orchestration->strategy);
  adaptive.focus = ChallengeFocusName(work_.options.orchestration->focus);
  Evidence evidence = {.values = PromptTable(work_.planned.pairs.size()),
                       .texts = std::nullopt};
  size_t num_undecided = NumUndecided(work_.comparison);
  while (num_undecided > 0 && num_asked_ < most_prompts_) {
    REVLM_ASSIGN_OR_RETURN(
        std::vector<challenge::Challenge> challenges,
        orchestrator.Next(RoundSize(num_asked_, most_prompts_)));
    ComparePrompts round;
    for (challenge::Challenge& made : challenges) {
      round.prompts.push_back(run::FromChallenge(std::move(made)));
    }
    encoded_ = EncodeFor(work_.models, round, work_.options);
    adaptive.num_left_out +=
        static_cast<int64_t>(LeaveOutLonger(most_ids, encoded_));
    REVLM_ASSIGN_OR_RETURN(const RoundFinding found,
                           AskRound(round.prompts, budget, tell));
    Append(found.values, evidence.values);
    REVLM_TRY(Judge(evidence, work_.comparison));
    num_undecided = NumUndecided(work_.comparison);
    REVLM_TRY(orchestrator.Observe(OutcomesOf(work_.comparison, round.prompts,
                                              found.values, found.certainty)));
    num_asked_ += round.prompts.size();
    adaptive.rounds.push_back(
        {.num_prompts = static_cast<int64_t>(round.prompts.size()),
         .num_undecided = static_cast<int64_t>(num_undecided)});
    std::ranges::move(round.prompts, std::back_inserter(prompts_.prompts));
  }
  if (adaptive.num_left_out > 0) {
    work_.events.Notice(fmt::format(
        "{} of {} prompts were longer than memory was planned for and have no "
        "value",
        adaptive.num_left_out, num_asked_));
  }
  adaptive.profiles = ProfilesOf(orchestrator);
  adaptive.systems = run::ReportsOf(orchestrator, run::Told::kOutcomes);
  for (std::string& notice : run::FailureNotices(adaptive.systems)) {
    work_.events.Notice(std::move(notice));
  }
  work_.comparison.num_prompts = static_cast<int64_t>(num_asked_);
  return std::move(evidence.values);
}

void PromptAsker::CountFailures(const RoundFinding& round, size_t num_prompts) {
  std::vector<std::vector<bool>> failed(work_.models.size(),
                                        std::vector<bool>(num_prompts, false));
  for (const PromptFailure& failure : round.failures) {
    const auto model = static_cast<size_t>(failure.model);
    failed[model][static_cast<size_t>(failure.prompt_idx)] = true;
    if (++num_failed_[model] == 1) first_failure_[model] = failure.message;
  }
  for (size_t i = 0; i < work_.planned.pairs.size(); ++i) {
    const verify::PairPlan& plan = work_.planned.pairs[i];
    if (plan.scale == Scale::kNone) continue;
    BehaviourFinding& finding = *work_.comparison.pairs[i].behaviour;
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
                          work_.models[model].alias, first_failure_[model]);
  }
}

void PromptAsker::TellFailures() const {
  for (size_t i = 0; i < work_.models.size(); ++i) {
    if (num_failed_[i] == 0) continue;
    work_.events.Notice(fmt::format(
        "{} failed on {} of {} prompts; the first: {}", work_.models[i].alias,
        num_failed_[i], work_.comparison.num_prompts, first_failure_[i]));
  }
}

}  // namespace revlm
