#include "support/text_games.h"

#include <cmath>
#include <span>
#include <string>

#include "base/random.h"

namespace revlm::testing {
namespace {

using verify::AnswerScore;
using verify::Reading;
using verify::RequestScores;

struct Answer {
  std::vector<size_t> drawn;
  size_t num_more = 0;
};

// Draws of one party, a stream of its own.
class Party {
 public:
  Party(const TextTable& table, const ToyModel& model, uint64_t seed)
      : table_(table), model_(model), seed_(seed) {}

  Answer Next(size_t context) {
    Answer answer;
    for (size_t t = 0; t < table_.tokens_per_answer; ++t) {
      answer.drawn.push_back(model_.Draw(context, Uniform()));
    }
    if (table_.tail_share > 0 && Uniform() < table_.tail_share) {
      answer.num_more = table_.tail_tokens;
    }
    return answer;
  }

 private:
  double Uniform() { return base::UniformDouble(seed_, num_drawn_++); }

  const TextTable& table_;
  const ToyModel& model_;
  const uint64_t seed_;
  uint64_t num_drawn_ = 0;
};

// With the ratios of `alternatives`.
AnswerScore ScoreBy(const ToyModel& model,
                    std::span<const ToyModel> alternatives, size_t context,
                    const Answer& answer) {
  AnswerScore score = {.num_tokens = static_cast<int64_t>(answer.drawn.size() +
                                                          answer.num_more)};
  score.log_ratios.resize(alternatives.size());
  for (const size_t token : answer.drawn) {
    const double log_p = model.log_probability(context, token);
    score.log_p += log_p;
    for (size_t i = 0; i < alternatives.size(); ++i) {
      score.log_ratios[i] +=
          alternatives[i].log_probability(context, token) - log_p;
    }
  }
  return score;
}

// Requests as `model` finds them, who gives the own answers.
std::vector<RequestScores> Play(const TextTable& table, const ToyModel& model,
                                const std::vector<double>& weights,
                                uint64_t target_seed, uint64_t own_seed,
                                size_t num_requests) {
  Party target(table, table.served, target_seed);
  Party own(table, model, own_seed);
  // Nobody asks for the ratios of own answers otherwise.
  const std::span<const ToyModel> compared =
      table.reading == Reading::kCompared
          ? std::span<const ToyModel>(table.alternatives)
          : std::span<const ToyModel>();
  std::vector<RequestScores> requests;
  for (size_t i = 0; i < num_requests; ++i) {
    const size_t context = i % ToyModel::kNumContexts;
    RequestScores& request = requests.emplace_back();
    const Answer answer = target.Next(context);
    request.target = ScoreBy(model, table.alternatives, context, answer);
    for (size_t j = 0; j < weights.size(); ++j) {
      double log_ratio = 0;
      for (const size_t token : answer.drawn) {
        log_ratio += std::log1p(
            weights[j] * (table.alternatives[j].probability(context, token) /
                              model.probability(context, token) -
                          1));
      }
      request.diluted_log_ratios.push_back(log_ratio);
    }
    for (size_t k = 0; k < table.num_own_answers; ++k) {
      request.own.push_back(
          ScoreBy(model, compared, context, own.Next(context)));
    }
  }
  return requests;
}

}  // namespace

double TextTable::ServedNats() const {
  const auto num_drawn = static_cast<double>(tokens_per_answer);
  return num_drawn * served.DivergenceFrom(reference) /
         (num_drawn + tail_share * static_cast<double>(tail_tokens));
}

double ToyDilution(const ToyModel& reference, const ToyModel& other,
                   double nats) {
  if (reference.DivergenceFrom(other) <= nats) return 1;
  double low = 0;
  double high = 1;
  for (int i = 0; i < 50; ++i) {
    const double middle = (low + high) / 2;
    const bool is_less =
        reference.DivergenceFrom(reference.MixedWith(other, middle)) < nats;
    (is_less ? low : high) = middle;
  }
  return high;
}

verify::TextScores PlayTexts(const TextTable& table, uint64_t seed,
                             size_t num_requests, std::optional<size_t> fit) {
  const uint64_t target_seed = base::RandomBits(seed, 0);
  verify::TextScores scores = {
      .reading = table.reading,
      .max_tokens =
          static_cast<int64_t>(table.tokens_per_answer + table.tail_tokens)};
  for (size_t j = 0; j < table.alternatives.size(); ++j) {
    const ToyModel& other = table.alternatives[j];
    scores.alternatives.push_back(
        {.name = "alternative " + std::to_string(j),
         .nats = table.reference.DivergenceFrom(other),
         .dilution = table.dilutions[j]});
  }
  scores.requests = Play(table, table.reference, table.dilutions, target_seed,
                         base::RandomBits(seed, 1), num_requests);
  if (fit) {
    scores.fit = verify::Fit{
        .alternative_idx = *fit,
        .requests = Play(table, table.alternatives[*fit], {}, target_seed,
                         base::RandomBits(seed, 2), num_requests)};
  }
  return scores;
}

verify::TextEvidence AuditTexts(const TextTable& table, uint64_t seed,
                                size_t num_requests,
                                const verify::TextRules& rules) {
  auto evidence =
      verify::WeighTexts(PlayTexts(table, seed, num_requests), rules).value();
  if (!evidence.needs_fit) return evidence;
  return verify::WeighTexts(
             PlayTexts(table, seed, num_requests, evidence.best_idx), rules)
      .value();
}

}  // namespace revlm::testing
