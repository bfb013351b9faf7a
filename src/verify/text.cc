#include "verify/text.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "base/random.h"
#include "engine/model.h"
#include "verify/rounded_model.h"
#include "verify/token_ratios.h"

namespace revlm::verify {
namespace {

using formats::Checkpoint;

// Scores of many answers by one model, in the order of the exchanges.
using AllLogs = std::vector<AnswerLogs>;

// Of a token of an answer: its id, and what two models say of it.
constexpr uint64_t kTokenBytes = sizeof(int32_t) + 2 * sizeof(float);

class TextComparer {
 public:
  TextComparer(const TextQuestion& question, const TextOptions& options,
               memory::Budget& budget)
      : question_(question), options_(options), budget_(budget) {}

  Result<TextComparison> Compare() {
    REVLM_TRY(ReadSamples());
    REVLM_ASSIGN_OR_RETURN(const memory::Reservation held,
                           budget_.Reserve(HeldBytes(), memory::Use::kResults));
    const TextModel& reference = question_.reference;
    REVLM_ASSIGN_OR_RETURN(own_, Draw(*reference.checkpoint, reference.name,
                                      options_.seed, "own"));
    REVLM_ASSIGN_OR_RETURN(log_ps_,
                           ScoreAnswers(*reference.checkpoint, Exchanges(own_),
                                        ReadWith(reference.name, "reference")));
    ScoreByReference();
    for (size_t i = 0; i < num_alternatives(); ++i) {
      REVLM_ASSIGN_OR_RETURN(const AllLogs log_qs, ScoreByAlternative(i));
      AddAlternative(i, NameOf(i), log_qs);
    }
    REVLM_TRY(ScoreTarget());
    REVLM_ASSIGN_OR_RETURN(comparison_.evidence,
                           WeighTexts(comparison_.scores, options_.rules));
    if (comparison_.evidence.needs_fit) {
      REVLM_TRY(ScoreFit(comparison_.evidence.best_idx));
      REVLM_ASSIGN_OR_RETURN(comparison_.evidence,
                             WeighTexts(comparison_.scores, options_.rules));
    }
    return std::move(comparison_);
  }

  Result<TextPlan> Plan(Reading reading) {
    REVLM_TRY(ReadSamples());
    comparison_.scores.reading = reading;
    REVLM_TRY(PutStandIns());
    TextPlan plan = {
        .num_own_answers = static_cast<int64_t>(own_.size()),
        .num_models = static_cast<int64_t>(1 + num_alternatives())};
    // Refused, the budget is below the floor anyway.
    const Result<memory::Reservation> held =
        budget_.Reserve(HeldBytes(), memory::Use::kResults);
    const Checkpoint& reference = *question_.reference.checkpoint;
    REVLM_TRY(AddDraw(reference, plan));
    REVLM_TRY(AddReading(reference, Exchanges(own_), 1, plan));
    for (const TextModel& other : question_.others) {
      REVLM_TRY(AddReading(*other.checkpoint, ReadByAlternatives(), 1, plan));
    }
    if (!question_.roundings.empty()) REVLM_TRY(AddRoundings(plan));
    plan.floor_bytes += HeldBytes();
    return plan;
  }

 private:
  // ---- The plan -----------------------------------------------------------

  // Own answers, as long as they can be.
  Status PutStandIns() {
    REVLM_ASSIGN_OR_RETURN(
        const engine::ModelSpec spec,
        engine::DescribeModel(*question_.reference.checkpoint));
    for (const TokenIds& prompt : prompts_) {
      const int64_t room = std::clamp<int64_t>(
          spec.max_positions - static_cast<int64_t>(prompt.size()), 0,
          options_.decoding.max_new_tokens);
      own_.insert(own_.end(), options_.num_own_answers,
                  TokenIds(static_cast<size_t>(room)));
    }
    return {};
  }

  // Of a model that is used `times` times in this way.
  static void Add(const AnswerPlan& part, int64_t times, TextPlan& plan) {
    plan.floor_bytes = std::max(plan.floor_bytes, part.floor_bytes);
    plan.need.thread_bytes =
        std::max(plan.need.thread_bytes, part.need.thread_bytes);
    plan.need.heap_bytes = std::max(plan.need.heap_bytes, part.need.heap_bytes);
    plan.need.library_bytes =
        std::max(plan.need.library_bytes, part.need.library_bytes);
    if (!part.run) return;
    plan.num_passes += times * part.run->num_passes;
    plan.read_bytes += static_cast<uint64_t>(times * part.run->num_passes) *
                       part.need.pass_bytes;
    plan.seconds += static_cast<double>(times) * part.run->seconds;
  }

  Status AddDraw(const Checkpoint& model, TextPlan& plan) {
    REVLM_ASSIGN_OR_RETURN(const AnswerPlan draw,
                           PlanDraw(model, prompts_, options_.num_own_answers,
                                    options_.decoding, Use("planning", "")));
    Add(draw, 1, plan);
    return {};
  }

  Status AddReading(const Checkpoint& model,
                    const std::vector<Exchange>& exchanges, int64_t times,
                    TextPlan& plan) {
    REVLM_ASSIGN_OR_RETURN(const AnswerPlan read,
                           PlanScore(model, exchanges, Use("planning", "")));
    Add(read, times, plan);
    return {};
  }

  Status AddRoundings(TextPlan& plan) {
    const Checkpoint& reference = *question_.reference.checkpoint;
    REVLM_ASSIGN_OR_RETURN(
        const RoundedModel outline,
        RoundedModel::MakeOutline(reference, options_.work_directory));
    const auto num_roundings = static_cast<int64_t>(question_.roundings.size());
    REVLM_TRY(AddReading(outline.checkpoint(), ReadByAlternatives(),
                         num_roundings, plan));
    // The one that fits best is asked, too.
    REVLM_TRY(AddDraw(outline.checkpoint(), plan));
    REVLM_ASSIGN_OR_RETURN(const engine::ModelSpec spec,
                           engine::DescribeModel(reference));
    for (const Rounding& rounding : question_.roundings) {
      plan.floor_bytes = std::max(
          plan.floor_bytes, RoundedModel::MakeBytes(reference, spec, rounding));
    }
    constexpr double kMadeBytesPerSecond = 2e8;  // as seen, with syncing
    plan.seconds += static_cast<double>(num_roundings) *
                    static_cast<double>(outline.checkpoint().weight_bytes()) /
                    kMadeBytesPerSecond;
    return {};
  }

  // -------------------------------------------------------------------------

  size_t num_samples() const { return prompts_.size(); }
  size_t num_alternatives() const {
    return question_.roundings.size() + question_.others.size();
  }

  Status ReadSamples() {
    if (question_.samples.empty() || options_.num_own_answers == 0 ||
        num_alternatives() == 0) {
      return base::MakeError(
          ErrorCode::kInvalidArgument,
          "comparing texts: found {} samples, {} own answers to each and {} "
          "alternatives, at least one of each is needed",
          question_.samples.size(), options_.num_own_answers,
          num_alternatives());
    }
    if (options_.decoding.max_new_tokens < 1) {
      return base::MakeError(ErrorCode::kInvalidArgument,
                             "comparing texts: found answers of at most {} "
                             "tokens, allowed are 1 and more",
                             options_.decoding.max_new_tokens);
    }
    is_text_ = std::holds_alternative<std::string>(question_.samples[0].answer);
    if (is_text_ && question_.reference.tokenizer == nullptr) {
      return base::MakeError(ErrorCode::kInvalidArgument,
                             "comparing texts with {}: it has no tokenizer to "
                             "read them with; give token ids",
                             question_.reference.name);
    }
    for (const TextSample& sample : question_.samples) {
      prompts_.push_back(sample.prompt);
      if (std::holds_alternative<std::string>(sample.answer) != is_text_) {
        return base::MakeError(ErrorCode::kInvalidArgument,
                               "comparing texts: sample {} is {}, the first is "
                               "not; give all as token ids or all as text",
                               prompts_.size() - 1,
                               is_text_ ? "token ids" : "text");
      }
      if (is_text_) {
        REVLM_ASSIGN_OR_RETURN(answers_.emplace_back(),
                               Read(std::get<std::string>(sample.answer)));
      } else {
        answers_.push_back(std::get<TokenIds>(sample.answer));
      }
    }
    const bool is_drawn = !is_text_ && options_.decoding.is_plain();
    comparison_.scores.reading =
        is_drawn ? Reading::kDrawnTokens : Reading::kCompared;
    comparison_.scores.max_tokens = options_.decoding.max_new_tokens;
    return {};
  }

  Result<TokenIds> Read(const std::string& text) const {
    return question_.reference.tokenizer->Encode(
        text, tokenizer::SpecialTokens::kOmit);
  }

  // Ids and scores by two models of every answer; own ones at their longest.
  uint64_t HeldBytes() const {
    constexpr uint64_t kAnswerBytes = 3 * (sizeof(AnswerLogs) + 32);
    const uint64_t num_own = num_samples() * options_.num_own_answers;
    uint64_t num_tokens =
        num_own * static_cast<uint64_t>(options_.decoding.max_new_tokens);
    for (const TokenIds& answer : answers_) num_tokens += answer.size();
    return (num_samples() + num_own) *
               (kAnswerBytes + num_alternatives() * sizeof(double)) +
           num_tokens * kTokenBytes;
  }

  // `kept_as`: different for every use, as names of models need not be.
  ModelUse Use(const std::string& step, const std::string& kept_as) const {
    ModelUse use = {
        .budget = budget_, .engine = options_.engine, .stop = options_.stop};
    if (options_.keep_at && !kept_as.empty()) {
      use.kept = options_.keep_at(kept_as);
    }
    if (options_.on_progress) {
      use.on_progress = [this, step](const engine::Progress& progress) {
        options_.on_progress(step, progress);
      };
    }
    return use;
  }

  // The answers of a model to all prompts, read as the target's are.
  Result<std::vector<TokenIds>> Draw(const Checkpoint& model,
                                     const std::string& name, uint64_t seed,
                                     const std::string& kept_as) {
    REVLM_ASSIGN_OR_RETURN(
        std::vector<TokenIds> answers,
        DrawAnswers(model, prompts_, options_.num_own_answers,
                    options_.decoding, seed, Use("asking " + name, kept_as)));
    if (!is_text_) return answers;
    for (TokenIds& answer : answers) {
      REVLM_ASSIGN_OR_RETURN(
          const std::string text,
          AnswerText(model, *question_.reference.tokenizer, std::move(answer)));
      REVLM_ASSIGN_OR_RETURN(answer, Read(text));
    }
    return answers;
  }

  ModelUse ReadWith(const std::string& name, const std::string& kept_as) const {
    return Use("reading with " + name, kept_as);
  }

  std::vector<Exchange> OwnExchanges(const std::vector<TokenIds>& own) const {
    std::vector<Exchange> exchanges;
    exchanges.reserve(own.size());
    for (size_t i = 0; i < own.size(); ++i) {
      exchanges.push_back({&prompts_[i / options_.num_own_answers], &own[i]});
    }
    return exchanges;
  }

  // The target's, then the model's own.
  std::vector<Exchange> Exchanges(const std::vector<TokenIds>& own) const {
    std::vector<Exchange> exchanges;
    exchanges.reserve(answers_.size() + own.size());
    for (size_t i = 0; i < answers_.size(); ++i) {
      exchanges.push_back({&prompts_[i], &answers_[i]});
    }
    const std::vector<Exchange> rest = OwnExchanges(own);
    exchanges.insert(exchanges.end(), rest.begin(), rest.end());
    return exchanges;
  }

  // Of own answers to drawn tokens, no more than an estimate of the divergence
  // needs.
  size_t num_own_read() const {
    constexpr size_t kEnough = 1024;
    return comparison_.scores.reading == Reading::kCompared
               ? own_.size()
               : std::min(own_.size(), kEnough);
  }

  std::vector<Exchange> ReadByAlternatives() const {
    std::vector<Exchange> exchanges = Exchanges(own_);
    exchanges.resize(num_samples() + num_own_read());
    return exchanges;
  }

  static std::span<const AnswerLogs> TargetLogs(const AllLogs& logs,
                                                size_t num_samples) {
    return std::span(logs).first(num_samples);
  }
  static std::span<const AnswerLogs> OwnLogs(const AllLogs& logs,
                                             size_t num_samples) {
    return std::span(logs).subspan(num_samples);
  }

  static AnswerScore ScoreOf(const AnswerLogs& log_p) {
    AnswerScore score = {.num_tokens = static_cast<int64_t>(log_p.size())};
    for (const float log : log_p) score.log_p += static_cast<double>(log);
    return score;
  }

  void ScoreByReference() {
    for (size_t i = 0; i < num_samples(); ++i) {
      RequestScores& request = comparison_.scores.requests.emplace_back();
      request.target = ScoreOf(log_ps_[i]);
      for (size_t k = 0; k < options_.num_own_answers; ++k) {
        request.own.push_back(
            ScoreOf(log_ps_[num_samples() + i * options_.num_own_answers + k]));
      }
    }
  }

  void AddAlternative(size_t idx, const std::string& name,
                      const AllLogs& log_qs) {
    const auto own_ps = OwnLogs(log_ps_, num_samples()).first(num_own_read());
    const auto own_qs = OwnLogs(log_qs, num_samples());
    const NatsEstimate estimate = EstimateNats(own_ps, own_qs);
    const AlternativeFacts facts = {
        .name = name,
        .derivation = idx < question_.roundings.size()
                          ? Describe(question_.roundings[idx]) + " of " +
                                question_.reference.name
                          : "",
        .nats = estimate.nats,
        .nats_error = estimate.error,
        .dilution = FindDilution(own_ps, own_qs, options_.rules.same_nats)};
    comparison_.scores.alternatives.push_back(facts);
    for (size_t i = 0; i < num_samples(); ++i) {
      RequestScores& request = comparison_.scores.requests[i];
      request.target.log_ratios.push_back(LogRatio(log_ps_[i], log_qs[i]));
      if (comparison_.scores.reading == Reading::kDrawnTokens) {
        request.diluted_log_ratios.push_back(
            LogRatio(log_ps_[i], log_qs[i], facts.dilution));
        continue;
      }
      for (size_t k = 0; k < request.own.size(); ++k) {
        const size_t own = i * options_.num_own_answers + k;
        request.own[k].log_ratios.push_back(LogRatio(own_ps[own], own_qs[own]));
      }
    }
  }

  std::string NameOf(size_t alternative_idx) const {
    const size_t num_roundings = question_.roundings.size();
    return alternative_idx < num_roundings
               ? std::string(question_.roundings[alternative_idx].name)
               : question_.others[alternative_idx - num_roundings].name;
  }

  // Where that is kept, no alternative is made.
  Result<AllLogs> ScoreByAlternative(size_t idx) {
    const std::vector<Exchange> exchanges = ReadByAlternatives();
    const ModelUse use =
        ReadWith(NameOf(idx), fmt::format("alternative-{}", idx));
    REVLM_ASSIGN_OR_RETURN(std::optional<AllLogs> log_qs,
                           KeptScores(exchanges, use));
    if (log_qs) return *std::move(log_qs);
    REVLM_TRY(WithAlternative(idx, [&](const Checkpoint& model) -> Status {
      REVLM_ASSIGN_OR_RETURN(log_qs, ScoreAnswers(model, exchanges, use));
      return {};
    }));
    return *std::move(log_qs);
  }

  // Makes or finds alternative `idx` for the time of `use`.
  template <typename F>
  Status WithAlternative(size_t idx, const F& use) {
    if (idx >= question_.roundings.size()) {
      return use(
          *question_.others[idx - question_.roundings.size()].checkpoint);
    }
    const Rounding& rounding = question_.roundings[idx];
    REVLM_ASSIGN_OR_RETURN(
        const RoundedModel rounded,
        RoundedModel::Make(*question_.reference.checkpoint, rounding,
                           options_.work_directory, budget_, options_.stop));
    return use(rounded.checkpoint());
  }

  Status ScoreTarget() {
    if (question_.target == nullptr ||
        comparison_.scores.reading == Reading::kCompared) {
      return {};
    }
    std::vector<Exchange> exchanges = Exchanges({});
    REVLM_ASSIGN_OR_RETURN(const AllLogs log_ts,
                           ScoreAnswers(*question_.target, exchanges,
                                        ReadWith("the target", "the-target")));
    const NatsEstimate estimate =
        EstimateNats(log_ts, TargetLogs(log_ps_, num_samples()));
    comparison_.target_nats = estimate.nats;
    comparison_.target_nats_error = estimate.error;
    return {};
  }

  // How typical the target's answers are of the alternative.
  Status ScoreFit(size_t idx) {
    const std::string name = NameOf(idx);
    return WithAlternative(idx, [&](const Checkpoint& model) -> Status {
      REVLM_ASSIGN_OR_RETURN(
          const std::vector<TokenIds> own,
          Draw(model, name, base::RandomBits(options_.seed, 0),
               fmt::format("fit-own-{}", idx)));
      REVLM_ASSIGN_OR_RETURN(
          const AllLogs logs,
          ScoreAnswers(model, OwnExchanges(own),
                       ReadWith(name, fmt::format("fit-{}", idx))));
      Fit fit = {.alternative_idx = idx};
      for (size_t i = 0; i < num_samples(); ++i) {
        RequestScores& request = fit.requests.emplace_back();
        const AnswerScore& target = comparison_.scores.requests[i].target;
        request.target = {.num_tokens = target.num_tokens,
                          .log_p = target.log_p + target.log_ratios[idx]};
        for (size_t k = 0; k < options_.num_own_answers; ++k) {
          request.own.push_back(
              ScoreOf(logs[i * options_.num_own_answers + k]));
        }
      }
      comparison_.scores.fit = std::move(fit);
      return {};
    });
  }

  const TextQuestion& question_;
  const TextOptions& options_;
  memory::Budget& budget_;
  bool is_text_ = false;
  std::vector<TokenIds> prompts_;
  std::vector<TokenIds> answers_;  // of the target
  std::vector<TokenIds> own_;
  AllLogs log_ps_;  // of the target's answers and our own, by the reference
  TextComparison comparison_;
};

}  // namespace

Result<TextComparison> CompareText(const TextQuestion& question,
                                   const TextOptions& options,
                                   memory::Budget& budget) {
  return TextComparer(question, options, budget).Compare();
}

uint64_t LeastTextBytes(size_t num_samples, const TextOptions& options) {
  const auto num_tokens =
      static_cast<uint64_t>(std::max(options.decoding.max_new_tokens, 0));
  std::optional<uint64_t> bytes =
      base::CheckedMultiply(num_samples, options.num_own_answers);
  if (bytes) bytes = base::CheckedMultiply(*bytes, num_tokens);
  // Beside what is held, the request that a token is read by, and its score.
  constexpr uint64_t kReadBytes = sizeof(int32_t) + sizeof(float);
  if (bytes) bytes = base::CheckedMultiply(*bytes, kTokenBytes + kReadBytes);
  return bytes.value_or(UINT64_MAX);
}

Result<TextPlan> PlanText(const TextQuestion& question, Reading reading,
                          const TextOptions& options, memory::Budget& budget) {
  return TextComparer(question, options, budget).Plan(reading);
}

}  // namespace revlm::verify
