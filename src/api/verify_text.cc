#include "revlm/verify_text.h"

#include <algorithm>
#include <new>
#include <set>
#include <string_view>
#include <utility>

#include "api/answer_checks.h"
#include "api/compare_events.h"
#include "api/compared_models.h"
#include "api/comparison_directory.h"
#include "api/judge.h"
#include "api/kept_findings.h"
#include "api/text_answers.h"
#include "api/unfinished_folder.h"
#include "base/error.h"
#include "base/hex.h"
#include "base/random.h"
#include "formats/checkpoint.h"
#include "memory/limit.h"
#include "memory/process_memory.h"
#include "run/host.h"
#include "run/model.h"
#include "run/operation.h"
#include "run/orchestration.h"
#include "run/plan.h"
#include "verify/evidence.h"
#include "verify/text.h"
#include "verify/weights.h"

namespace revlm {
namespace {

class TextVerifier {
 public:
  explicit TextVerifier(const VerifyTextOptions& options)
      : options_(options), compare_(options.compare) {}

  Result<Comparison> Run();

 private:
  bool is_target_here() const { return compare_.models.size() == 2; }
  int32_t num_own_answers() const {
    return options_.num_own_answers.value_or(kDefaultOwnAnswers);
  }
  const OpenedModel& reference() const { return models_.front(); }
  const OpenedModel& target() const { return models_[1]; }
  std::span<const OpenedModel> alternatives() const {
    return std::span(models_).subspan(is_target_here() ? 2 : 1);
  }

  Status Open();
  Status ReadPrompts();
  Result<verify::TokenIds> Encode(const OpenedModel& model, size_t i) const;
  Status CheckPrompts() const;
  Status MakeSamples();
  void PutStandIns();
  verify::Reading ReadingOfSamples() const;
  verify::TextOptions TextOptions();
  verify::TextQuestion Question() const;
  verify::ModelUse Use(memory::Budget& budget);
  verify::KeptAt KeepAt(const std::string& step) const {
    return unfinished_->At("answers-" + step);
  }

  Result<uint64_t> BudgetBytes();
  Status TellCosts(memory::Budget& budget);
  Status AskTarget(memory::Budget& budget);
  void TellProgress(std::string_view step, const engine::Progress& progress);
  Status CompareWinner(memory::Budget& budget, TextFinding& finding);
  // The comparison before anything is found.
  Comparison Planned() const;
  base::Json Plan(const Comparison& planned) const;
  // Asks, judges, and writes it down.
  Status Judge(memory::Budget& budget, ComparisonDirectory& directory,
               Comparison& comparison);

  const VerifyTextOptions& options_;
  CompareOptions compare_;  // its models, those that are opened besides
  const CompareEvents events_ = CompareEvents(compare_);
  std::optional<TargetAnswers> answers_;  // nothing: the target is here
  verify::Decoding decoding_;
  const UnfinishedFolder* unfinished_ = nullptr;
  ComparePrompts prompts_;
  std::vector<OpenedModel> models_;  // reference, target if here, alternatives
  std::vector<verify::TextModel> others_;
  std::vector<verify::TokenIds> target_prompts_;  // as the target reads them
  std::vector<verify::TextSample> samples_;
  std::vector<GivenAnswer> kept_;  // for the directory
  std::string step_;
  int64_t num_steps_done_ = -1;
};

Status TextVerifier::Open() {
  if (compare_.models.empty() || compare_.models.size() > 2 ||
      is_target_here() ==
          (!options_.answers.empty() || !options_.given.empty())) {
    return base::MakeError(
        ErrorCode::kInvalidArgument,
        "verifying by text: found {} models{}; allowed are a reference with "
        "answers, or with a target that is asked here",
        compare_.models.size(),
        options_.answers.empty() && options_.given.empty() ? ""
                                                           : " and answers");
  }
  if (num_own_answers() < 1 || num_own_answers() > kMostOwnAnswers) {
    return base::MakeError(ErrorCode::kInvalidArgument,
                           "--own-answers: found {}, allowed are 1 to {}",
                           num_own_answers(), kMostOwnAnswers);
  }
  REVLM_TRY(CheckPrompts());
  if (!is_target_here()) {
    REVLM_ASSIGN_OR_RETURN(answers_, ReadTargetAnswers(options_));
    if (!compare_.special_tokens && answers_->special_tokens.value_or(false)) {
      return base::MakeError(
          ErrorCode::kInvalidArgument,
          "verifying the answers in {}: the run was asked with special tokens; "
          "leave out --no-special-tokens",
          answers_->reference);
    }
    compare_.special_tokens =
        answers_->special_tokens.value_or(compare_.special_tokens);
  }
  REVLM_ASSIGN_OR_RETURN(decoding_,
                         DecodingOf(options_, answers_ ? &*answers_ : nullptr));
  CompareOptions all = compare_;
  all.models.insert(all.models.end(), options_.alternatives.begin(),
                    options_.alternatives.end());
  REVLM_TRY(CheckModelsAndRules(all));
  REVLM_ASSIGN_OR_RETURN(models_, OpenModels(all));
  std::set<std::string> taken;
  for (const OpenedModel& model : models_) taken.insert(model.alias);
  if (answers_) answers_->alias = run::MakeAlias(answers_->alias, taken);
  for (const OpenedModel& other : alternatives()) {
    if (!ShareTokens(reference(), other)) {
      return base::MakeError(
          ErrorCode::kInvalidArgument,
          "verifying against {}: the alternative {} has other tokens; name "
          "one with the reference's tokenizer",
          reference().alias, other.alias);
    }
    if (std::ranges::any_of(verify::Roundings(),
                            [&](const verify::Rounding& rounding) {
                              return rounding.name == other.alias;
                            })) {
      return base::MakeError(
          ErrorCode::kInvalidArgument,
          "verifying against {}: the alternative {} is called as a rounding of "
          "the reference is; name it otherwise, as in other={}",
          reference().alias, other.alias, other.model.reference);
    }
    others_.push_back({.checkpoint = other.model.checkpoint.get(),
                       .tokenizer = nullptr,
                       .name = other.alias});
  }
  return {};
}

// What would have no effect is refused.
Status TextVerifier::CheckPrompts() const {
  if (compare_.full_matching) {
    return base::MakeError(
        ErrorCode::kInvalidArgument,
        "verifying by text: weights are not compared; leave out "
        "--full-matching");
  }
  const bool is_asked = compare_.num_challenges || !compare_.prompts.empty() ||
                        !compare_.prompt_file.empty() || compare_.orchestration;
  if (is_target_here() || !is_asked) return {};
  return base::MakeError(
      ErrorCode::kInvalidArgument,
      "verifying answers that are there: they say what was asked; leave out "
      "--challenges, --prompt, --prompts and the flags of orchestration");
}

Status TextVerifier::ReadPrompts() {
  if (is_target_here()) {
    if (!compare_.num_challenges && compare_.prompts.empty() &&
        compare_.prompt_file.empty()) {
      compare_.num_challenges = kDefaultTextChallenges;
    }
    REVLM_ASSIGN_OR_RETURN(prompts_, CollectPrompts(compare_));
    for (std::string& notice : run::FailureNotices(prompts_.systems)) {
      events_.Notice(std::move(notice));
    }
    if (!prompts_.prompts.empty()) return {};
    return base::MakeError(ErrorCode::kInvalidArgument,
                           "verifying by text: found no prompts; give "
                           "--challenges 1 or more");
  }
  std::vector<run::PlannedPrompt> planned;
  for (const GivenAnswer& answer : answers_->answers) {
    const std::string id = std::to_string(planned.size() + 1);
    planned.push_back({.id = id,
                       .text = answer.prompt,
                       .text_sha256 = run::Sha256Hex(answer.prompt),
                       .max_tokens = decoding_.max_new_tokens});
    prompts_.prompts.push_back({.id = id, .text = answer.prompt});
  }
  prompts_.source = run::PromptSetSha256(planned);
  return {};
}

Result<verify::TokenIds> TextVerifier::Encode(const OpenedModel& model,
                                              size_t i) const {
  const MadePrompt& prompt = prompts_.prompts[i];
  auto ids =
      run::EncodePrompt(model.model, prompt.text, compare_.special_tokens);
  if (ids && !ids->empty()) return ids;
  return base::MakeError(
      ErrorCode::kInvalidArgument, "reading prompt {} with {}: {}", prompt.id,
      model.alias, ids ? "found no tokens" : ids.error().message);
}

// Whether the token ids of a run are the reference's.
bool HasTokenizer(const OpenedModel& model, const std::string& sha256) {
  return std::ranges::any_of(model.model.checkpoint->small_files(),
                             [&](const formats::SmallFile& file) {
                               return file.name == formats::kTokenizerName &&
                                      base::ToHex(file.sha256) == sha256;
                             });
}

Status TextVerifier::MakeSamples() {
  const size_t num_samples = prompts_.prompts.size();
  bool use_ids = false;
  if (answers_) {
    use_ids = options_.known == Known::kTokens && answers_->have_ids &&
              (!answers_->decoding ||
               HasTokenizer(reference(), answers_->tokenizer_sha256));
  }
  for (size_t i = 0; i < num_samples; ++i) {
    verify::TextSample& sample = samples_.emplace_back();
    REVLM_ASSIGN_OR_RETURN(sample.prompt, Encode(reference(), i));
    if (!answers_) {
      REVLM_ASSIGN_OR_RETURN(target_prompts_.emplace_back(),
                             Encode(target(), i));
      continue;
    }
    GivenAnswer& answer = kept_.emplace_back(answers_->answers[i]);
    // Without a run to say what text they are, ids alone.
    const bool is_ids =
        use_ids || (!answers_->decoding && !answer.token_ids.empty());
    if (is_ids) {
      sample.answer = answer.token_ids;
      answer.text.clear();
    } else {
      sample.answer = answer.text;
      answer.token_ids.clear();
    }
  }
  // Of whatever is allowed, no more than the context holds is ever drawn.
  size_t shortest = SIZE_MAX;
  for (const verify::TextSample& sample : samples_) {
    shortest = std::min(shortest, sample.prompt.size());
  }
  if (answers_) {
    REVLM_TRY(CheckAnswers(reference(), *answers_, samples_, decoding_));
  }
  decoding_.max_new_tokens =
      std::max(RoomFor(reference(), shortest, decoding_.max_new_tokens), 1);
  return {};
}

// Of a target that has not answered yet.
void TextVerifier::PutStandIns() {
  for (verify::TextSample& sample : samples_) {
    const int32_t num_tokens =
        RoomFor(reference(), sample.prompt.size(), decoding_.max_new_tokens);
    sample.answer = verify::TokenIds(static_cast<size_t>(num_tokens));
  }
}

verify::Reading TextVerifier::ReadingOfSamples() const {
  const bool is_drawn =
      answers_ && decoding_.is_plain() &&
      std::holds_alternative<verify::TokenIds>(samples_.front().answer);
  return is_drawn ? verify::Reading::kDrawnTokens : verify::Reading::kCompared;
}

verify::TextOptions TextVerifier::TextOptions() {
  return {.decoding = decoding_,
          .rules = {.alpha = compare_.alpha, .same_nats = compare_.same_nats},
          .num_own_answers = static_cast<size_t>(num_own_answers()),
          .seed = base::RandomBits(compare_.seed, 1),
          .engine = {.compute = run::ComputeOf(compare_.dtype),
                     .num_threads = compare_.num_threads,
                     .batch_size = compare_.batch_size,
                     .spill_directory = unfinished_->path()},
          .work_directory = unfinished_->path(),
          .keep_at = [this](const std::string& step) { return KeepAt(step); },
          .stop = compare_.stop,
          .on_progress =
              [this](std::string_view step, const engine::Progress& progress) {
                TellProgress(step, progress);
              }};
}

verify::TextQuestion TextVerifier::Question() const {
  return {.reference = {.checkpoint = reference().model.checkpoint.get(),
                        .tokenizer = reference().model.tokenizer.get(),
                        .name = reference().alias},
          .samples = samples_,
          .others = others_};
}

verify::ModelUse TextVerifier::Use(memory::Budget& budget) {
  return {.budget = budget,
          .engine = TextOptions().engine,
          .stop = compare_.stop,
          .on_progress =
              [this](const engine::Progress& progress) {
                TellProgress("asking " + target().alias, progress);
              },
          .kept = KeepAt("target")};
}

Result<uint64_t> TextVerifier::BudgetBytes() {
  // Before anything of that size is made.
  const uint64_t least_bytes =
      verify::LeastTextBytes(samples_.size(), TextOptions());
  REVLM_ASSIGN_OR_RETURN(
      const memory::Limit limit,
      run::ProcessLimit(compare_.memory_limit_bytes, compare_.memory_strict));
  if (least_bytes > limit.limit_bytes) {
    return base::MakeError(
        ErrorCode::kBudgetExceeded,
        "the memory limit is {} bytes, {} prompts with {} own answers of up to "
        "{} tokens to each need {} bytes or more; lower --own-answers or "
        "--max-tokens, or raise --parallel-memory-limit",
        limit.limit_bytes, samples_.size(), num_own_answers(),
        decoding_.max_new_tokens, least_bytes);
  }
  if (is_target_here()) PutStandIns();
  memory::Budget nothing(0);  // models are described, not run
  REVLM_ASSIGN_OR_RETURN(
      const verify::TextPlan plan,
      verify::PlanText(Question(), ReadingOfSamples(), TextOptions(), nothing));
  engine::MemoryNeed need = NeedOf(models_);
  AddNeed(plan.need, need);
  uint64_t floor_bytes = plan.floor_bytes;
  if (is_target_here()) {
    REVLM_ASSIGN_OR_RETURN(
        const verify::AnswerPlan asked,
        verify::PlanDraw(*target().model.checkpoint, target_prompts_, 1,
                         decoding_, Use(nothing)));
    floor_bytes = std::max(floor_bytes, asked.floor_bytes);
  }
  return BudgetBytesFor(compare_, need, floor_bytes, events_);
}

Status TextVerifier::TellCosts(memory::Budget& budget) {
  REVLM_ASSIGN_OR_RETURN(
      verify::TextPlan plan,
      verify::PlanText(Question(), ReadingOfSamples(), TextOptions(), budget));
  if (is_target_here()) {
    REVLM_ASSIGN_OR_RETURN(
        const verify::AnswerPlan asked,
        verify::PlanDraw(*target().model.checkpoint, target_prompts_, 1,
                         decoding_, Use(budget)));
    if (asked.run) plan.seconds += asked.run->seconds;
  }
  if (answers_ && answers_->num_failed > 0) {
    events_.Notice(fmt::format("{} operations of {} failed and are left out",
                               answers_->num_failed, answers_->reference));
  }
  events_.Notice(fmt::format(
      "{} answers of {}, {} of {} to compare with, read by {} models: {:.3g} "
      "MB of weights to read, {} passes, about {:.2g} s",
      samples_.size(), answers_ ? answers_->alias : target().alias,
      plan.num_own_answers, reference().alias, plan.num_models,
      static_cast<double>(plan.read_bytes) / 1e6, plan.num_passes,
      plan.seconds));
  return {};
}

void TextVerifier::TellProgress(std::string_view step,
                                const engine::Progress& progress) {
  if (step != step_) {
    step_ = step;
    ++num_steps_done_;
  }
  // The target asked, the reference asked and reading, each alternative.
  const auto num_steps = static_cast<double>(
      is_target_here() + 2 + verify::Roundings().size() + others_.size());
  RunEvent event;
  event.model = step;
  event.phase = progress.phase == engine::Progress::Phase::kPrefill ? "prefill"
                                                                    : "decode";
  event.layer = progress.slab_idx;
  event.num_layers = progress.num_slabs;
  event.num_finished = progress.num_complete;
  event.num_total = progress.num_requests;
  event.unit = "answers";
  const double part = static_cast<double>(progress.num_complete) /
                      static_cast<double>(std::max(progress.num_requests, 1));
  events_.Progress(std::move(event),
                   (static_cast<double>(num_steps_done_) + part) / num_steps);
}

// Of what it says, only the text is kept.
Status TextVerifier::AskTarget(memory::Budget& budget) {
  const formats::Checkpoint& model = *target().model.checkpoint;
  REVLM_ASSIGN_OR_RETURN(
      std::vector<verify::TokenIds> drawn,
      verify::DrawAnswers(model, target_prompts_, 1, decoding_,
                          base::RandomBits(compare_.seed, 2), Use(budget)));
  for (size_t i = 0; i < drawn.size(); ++i) {
    REVLM_ASSIGN_OR_RETURN(std::string text,
                           verify::AnswerText(model, *target().model.tokenizer,
                                              std::move(drawn[i])));
    kept_.push_back({.prompt = prompts_.prompts[i].text, .text = text});
    samples_[i].answer = std::move(text);
  }
  return {};
}

// How the weights of a winner that is no rounding are related to the
// reference's.
Status TextVerifier::CompareWinner(memory::Budget& budget,
                                   TextFinding& finding) {
  const auto winner =
      std::ranges::find(alternatives(), finding.winner, &OpenedModel::alias);
  if (winner == alternatives().end()) return {};
  verify::WeightOptions weights;
  weights.num_threads = compare_.num_threads > 0 ? compare_.num_threads
                                                 : run::DescribeHost().num_cpus;
  weights.stop = compare_.stop;
  const auto model_of = [](const OpenedModel& opened) {
    return verify::WeightSide{.checkpoint = opened.model.checkpoint.get(),
                              .tokenizer = opened.model.tokenizer.get(),
                              .name = opened.alias};
  };
  const Result<verify::WeightEvidence> evidence = verify::CompareWeights(
      model_of(reference()), model_of(*winner), budget, weights);
  if (evidence) {
    finding.winner_weights = verify::SumUp(*evidence, weights);
  } else if (evidence.error().code == ErrorCode::kBudgetExceeded) {
    // The texts were judged all the same.
    finding.winner_weights = {.sentence = "no memory to compare its weights: " +
                                          evidence.error().message};
  } else {
    return std::unexpected(evidence.error());
  }
  return {};
}

Comparison TextVerifier::Planned() const {
  Comparison comparison;
  comparison.models.push_back(Describe(reference()));
  comparison.models.push_back(
      answers_ ? ComparedModel{.alias = answers_->alias,
                               .reference = answers_->reference}
               : Describe(target()));
  PairComparison& pair = comparison.pairs.emplace_back();
  pair.a = comparison.models[0].alias;
  pair.b = comparison.models[1].alias;
  Describe(compare_, reference(), prompts_, comparison);
  if (compare_.orchestration) {
    comparison.adaptive = {
        .systems = prompts_.systems,
        .strategy =
            std::string(PromptStrategyName(compare_.orchestration->strategy)),
        .focus =
            std::string(ChallengeFocusName(compare_.orchestration->focus))};
  }
  return comparison;
}

// What is asked of whom is in the keys of what is kept, too.
base::Json TextVerifier::Plan(const Comparison& planned) const {
  base::Json plan = PlanOf(planned, compare_, models_);
  plan["temperature"] = decoding_.temperature;
  plan["top_k"] = decoding_.top_k;
  plan["top_p"] = decoding_.top_p;
  plan["max_tokens"] = decoding_.max_new_tokens;
  plan["own_answers"] = num_own_answers();
  base::Json others = base::Json::array();
  for (const OpenedModel& other : alternatives()) {
    others.push_back({{"alias", other.alias},
                      {"reference", other.model.reference},
                      {"identity", other.model.identity}});
  }
  plan["alternatives"] = std::move(others);
  return plan;
}

Status TextVerifier::Judge(memory::Budget& budget,
                           ComparisonDirectory& directory,
                           Comparison& comparison) {
  if (is_target_here()) REVLM_TRY(AskTarget(budget));
  REVLM_ASSIGN_OR_RETURN(
      const verify::TextComparison texts,
      verify::CompareText(Question(), TextOptions(), budget));
  TextFinding& finding = comparison.pairs[0].texts.emplace(
      verify::SumUp(texts.evidence, texts.scores));
  if (!finding.winner.empty()) REVLM_TRY(CompareWinner(budget, finding));
  const Evidence evidence = {.values = PromptTable(1), .texts = texts.scores};
  REVLM_TRY(revlm::Judge(evidence, comparison));
  return directory.WriteTexts(comparison, kept_, texts.scores);
}

Result<Comparison> TextVerifier::Run() {
  if (compare_.owns_process) memory::TuneHeap();
  REVLM_TRY(Open());
  REVLM_TRY(ReadPrompts());
  REVLM_TRY(MakeSamples());
  Comparison comparison = Planned();
  const base::Json plan = Plan(comparison);
  REVLM_ASSIGN_OR_RETURN(ComparisonDirectory directory,
                         ComparisonDirectory::Open(compare_, plan));
  unfinished_ = &directory.unfinished();
  if (std::string notice = GoesOn(directory); !notice.empty()) {
    events_.Notice(std::move(notice));
  }
  REVLM_ASSIGN_OR_RETURN(const uint64_t budget_bytes, BudgetBytes());
  memory::Budget budget(budget_bytes);
  REVLM_TRY(TellCosts(budget));
  if (const Status judged = Judge(budget, directory, comparison); !judged) {
    return std::unexpected(TellKept(judged.error(), directory));
  }
  comparison.run_dir = directory.path();
  comparison.seconds = events_.Seconds();
  return comparison;
}

}  // namespace

Result<Comparison> VerifyText(const VerifyTextOptions& options) {
  try {
    return TextVerifier(options).Run();
  } catch (const std::bad_alloc&) {
    return base::MakeError(
        ErrorCode::kBudgetExceeded,
        "verifying: the system gave no more memory, the limit is reached; ask "
        "for less at once");
  }
}

}  // namespace revlm
