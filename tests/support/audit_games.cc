#include "support/audit_games.h"

#include <array>
#include <span>
#include <string>

#include "base/random.h"
#include "stats/catalogue.h"
#include "stats/combine.h"
#include "stats/confidence_sequence.h"
#include "stats/typicality.h"
#include "support/audits.h"

namespace revlm::testing {
namespace {

// For the typicality bet, from the reference, before the first look.
constexpr uint64_t kAnswersBefore = 20;

std::vector<std::string> AnswerNames() {
  std::vector<std::string> names;
  for (size_t i = 0; i < ToyModel::kNumAnswers; ++i) {
    names.push_back("answer " + std::to_string(i));
  }
  return names;
}

std::vector<stats::Typicality> AskBefore(const ToyModel& model, uint64_t seed,
                                         std::span<const std::string> names) {
  std::vector<stats::Typicality> typicalities;
  for (size_t context = 0; context < ToyModel::kNumContexts; ++context) {
    std::vector<std::string> answers;
    for (uint64_t i = 0; i < kAnswersBefore; ++i) {
      const double uniform = base::UniformDouble(base::RandomBits(seed, 2),
                                                 context * kAnswersBefore + i);
      answers.push_back(names[model.Draw(context, uniform)]);
    }
    typicalities.emplace_back(answers);
  }
  return typicalities;
}

}  // namespace

Looks AuditBet(double tolerance, uint64_t num_looks, const Values& payoff) {
  auto bet = stats::Bet::Create(tolerance).value();
  return LookUntil(num_looks, [&](uint64_t idx) {
    bet.Add(payoff(idx)).value();
    return bet.e_process().Rejects(kAlpha);
  });
}

Looks AuditInterval(double mean, uint64_t num_looks, const Values& value) {
  auto sequence = stats::ConfidenceSequence::Create(kAlpha).value();
  return LookUntil(num_looks, [&](uint64_t idx) {
    sequence.Add(value(idx)).value();
    const stats::Interval interval = sequence.interval();
    return interval.lower > mean || interval.upper < mean;
  });
}

Looks AuditDivergence(stats::Closeness verdict, uint64_t num_looks,
                      const Values& nats) {
  auto divergence = stats::Divergence::Create({.alpha = kAlpha}).value();
  return LookUntil(num_looks, [&](uint64_t idx) {
    divergence.Add(nats(idx)).value();
    return divergence.closeness() == verdict;
  });
}

Looks AuditPairs(uint64_t seed, size_t num_pairs, uint64_t num_looks) {
  std::vector<stats::Bet> bets(num_pairs, stats::Bet::Create(0).value());
  std::vector<double> log_es(num_pairs);
  return LookUntil(num_looks, [&](uint64_t idx) {
    for (size_t pair = 0; pair < num_pairs; ++pair) {
      const double uniform =
          base::UniformDouble(base::RandomBits(seed, pair), idx);
      bets[pair].Add(uniform < 0.5 ? -1 : 1).value();
      log_es[pair] = bets[pair].e_process().log_e();
    }
    return !stats::RejectedByEBh(log_es, kAlpha)->empty();
  });
}

Looks AuditText(const TextGame& game, TextTest test, uint64_t seed,
                uint64_t num_looks) {
  static const std::vector<std::string> kNames = AnswerNames();
  const std::vector<stats::Alternative> entries(game.alternatives.size(),
                                                {.share = game.share});
  auto catalogue = stats::Catalogue::Create(entries).value();
  auto bet = stats::Bet::Create(0).value();
  stats::EProcess average;
  const auto typicalities = AskBefore(game.claimed, seed, kNames);
  const uint64_t served_seed = base::RandomBits(seed, 0);
  const uint64_t reference_seed = base::RandomBits(seed, 1);
  std::vector<double> log_ratios(entries.size());

  return LookUntil(num_looks, [&](uint64_t idx) {
    const size_t context = idx % ToyModel::kNumContexts;
    const size_t answer =
        game.served.Draw(context, base::UniformDouble(served_seed, idx));
    if (test != TextTest::kTypicality) {
      for (size_t i = 0; i < entries.size(); ++i) {
        log_ratios[i] = game.alternatives[i].log_probability(context, answer) -
                        game.claimed.log_probability(context, answer);
      }
      catalogue.Add(log_ratios).value();
      if (test == TextTest::kCatalogue) {
        return catalogue.e_process().Rejects(kAlpha);
      }
    }
    const size_t reference =
        game.claimed.Draw(context, base::UniformDouble(reference_seed, idx));
    bet.Add(typicalities[context].Payoff(kNames[reference], kNames[answer]))
        .value();
    if (test == TextTest::kTypicality) return bet.e_process().Rejects(kAlpha);
    const std::array log_es = {catalogue.e_process().log_e(),
                               bet.e_process().log_e()};
    average.MoveTo(stats::LogMean(log_es, std::array{1.0, 1.0}).value())
        .value();
    return average.Rejects(kAlpha);
  });
}

}  // namespace revlm::testing
