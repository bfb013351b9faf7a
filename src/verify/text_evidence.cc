#include "verify/text_evidence.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <utility>

#include "stats/bet.h"
#include "stats/catalogue.h"
#include "stats/combine.h"
#include "stats/confidence_sequence.h"
#include "stats/e_process.h"
#include "stats/log_space.h"
#include "verify/divergence_floor.h"

namespace revlm::verify {
namespace {

using stats::Closeness;
using stats::EProcess;

double MeanLogP(const AnswerScore& answer) {
  return answer.log_p /
         static_cast<double>(std::max<int64_t>(answer.num_tokens, 1));
}

// Notes when a test rejects first.
class TestLog {
 public:
  TestLog(double alpha, TextTest& test) : alpha_(alpha), test_(test) {}

  void Look(const EProcess& process, int64_t num_requests, int64_t num_tokens) {
    test_.log_e = process.log_e();
    test_.p = process.p();
    if (!test_.rejects() && process.Rejects(alpha_)) {
      test_.num_requests = num_requests;
      test_.num_tokens = num_tokens;
    }
  }

 private:
  const double alpha_;
  TextTest& test_;
};

// The bets on the target's rank among own answers.
class TypicalityBets {
 public:
  static Result<TypicalityBets> Create() {
    REVLM_ASSIGN_OR_RETURN(stats::Bet bet, stats::Bet::Create(0));
    return TypicalityBets(bet);
  }

  Status Add(const RequestScores& request) {
    const double target = MeanLogP(request.target);
    double payoff = 0;
    for (const AnswerScore& own : request.own) {
      const double mean = MeanLogP(own);
      payoff += mean > target ? 1 : mean < target ? -1 : 0;
    }
    payoff_ = payoff / static_cast<double>(request.own.size());
    REVLM_TRY(rarer_.Add(payoff_));
    REVLM_TRY(commoner_.Add(-payoff_));
    REVLM_ASSIGN_OR_RETURN(
        const double log_e,
        stats::LogMean(std::array{rarer_.e_process().log_e(),
                                  commoner_.e_process().log_e()},
                       std::array{1.0, 1.0}));
    return average_.MoveTo(log_e);
  }

  double payoff() const { return payoff_; }  // of the last request
  const EProcess& e_process() const { return average_; }

 private:
  explicit TypicalityBets(const stats::Bet& bet)
      : rarer_(bet), commoner_(bet) {}

  stats::Bet rarer_;
  stats::Bet commoner_;
  EProcess average_;
  double payoff_ = 0;
};

// Alternatives that answer all requests, then, if any, those that answer some.
Result<stats::Catalogue> MakeCatalogue(size_t num_alternatives,
                                       const TextRules& rules) {
  std::vector<stats::Alternative> entries(num_alternatives,
                                          {.prior = 1 - rules.routed_prior});
  if (rules.routed_prior > 0) {
    entries.resize(2 * num_alternatives,
                   {.prior = rules.routed_prior, .share = rules.routed_share});
  }
  return stats::Catalogue::Create(entries);
}

// ln e of one request, for each entry of the catalogue.
std::vector<double> LogRatios(const RequestScores& request, Reading reading,
                              size_t num_entries) {
  std::vector<double> log_ratios = request.target.log_ratios;
  if (reading == Reading::kCompared) {
    const double log_num_answers =
        std::log(static_cast<double>(request.own.size() + 1));
    for (size_t i = 0; i < log_ratios.size(); ++i) {
      double log_sum = log_ratios[i];
      for (const AnswerScore& own : request.own) {
        log_sum = stats::LogAdd(log_sum, own.log_ratios[i]);
      }
      log_ratios[i] += log_num_answers - log_sum;
    }
  }
  const size_t num_alternatives = log_ratios.size();
  log_ratios.resize(num_entries);
  std::copy_n(
      log_ratios.begin(), num_entries - num_alternatives,
      log_ratios.begin() + static_cast<std::ptrdiff_t>(num_alternatives));
  return log_ratios;
}

// Limits of the divergence.
class DivergenceLimits {
 public:
  static Result<DivergenceLimits> Create(const TextScores& scores,
                                         const TextRules& rules) {
    // The lower limit and what excludes dilutions err with half of our alpha.
    REVLM_ASSIGN_OR_RETURN(
        auto floor, DivergenceFloor::Create(rules.same_nats, scores.max_tokens,
                                            rules.alpha / 2));
    REVLM_ASSIGN_OR_RETURN(auto ranks,
                           stats::ConfidenceSequence::Create(rules.alpha / 4));
    return DivergenceLimits(scores.alternatives, scores.reading, rules,
                            std::move(floor), ranks);
  }

  // `gain` of the catalogue's ln e, `payoff` of typicality, by this request.
  Status Add(const RequestScores& request, double gain, double payoff,
             double log_e) {
    REVLM_TRY(floor_.Add(gain, payoff, request.target.num_tokens));
    REVLM_TRY(ranks_.Add((1 + payoff) / 2));
    num_tokens_ += request.target.num_tokens;
    if (reading_ == Reading::kCompared) return {};
    const double log_mixture = stats::LogAdd(0, log_e) - std::log(2);
    for (size_t i = 0; i < log_diluted_.size(); ++i) {
      log_diluted_[i] += request.diluted_log_ratios[i];
      if (log_mixture - log_diluted_[i] >= -std::log(rules_.alpha / 2)) {
        is_excluded_[i] = true;
      }
    }
    return {};
  }

  double lower_nats() const { return floor_.nats(); }

  std::optional<double> upper_nats() const {
    if (reading_ == Reading::kCompared || !IsTypical()) return std::nullopt;
    double upper = rules_.same_nats;
    for (size_t i = 0; i < is_excluded_.size(); ++i) {
      const double most =
          alternatives_[i].nats + kErrors * alternatives_[i].nats_error;
      if (!is_excluded_[i]) upper = std::max(upper, most);
    }
    return upper;
  }

  Closeness closeness() const {
    if (lower_nats() >= rules_.same_nats) return Closeness::kDifferent;
    const auto upper = upper_nats();
    return upper && *upper <= rules_.same_nats && CanExclude()
               ? Closeness::kSame
               : Closeness::kUndecided;
  }

  // What excluding a dilution takes at its mean rate, without luck.
  int64_t RequestsForSame() const {
    return static_cast<int64_t>(std::ceil(std::log(4 / rules_.alpha) /
                                          (rules_.same_nats * mean_tokens())));
  }

 private:
  // An estimate that is to be a limit is taken so many standard errors larger.
  static constexpr double kErrors = 3;
  // Answers of many tokens are allowed more nats than a rank can show.
  static constexpr double kMostPayoff = 0.25;

  DivergenceLimits(const std::vector<AlternativeFacts>& alternatives,
                   Reading reading, const TextRules& rules,
                   DivergenceFloor floor,
                   const stats::ConfidenceSequence& ranks)
      : alternatives_(alternatives),
        reading_(reading),
        rules_(rules),
        floor_(std::move(floor)),
        ranks_(ranks),
        log_diluted_(alternatives.size()),
        is_excluded_(alternatives.size()) {}

  // Whether the mean payoff of typicality is small for certain: at most what
  // the tolerance allows an answer, and never so much as a stranger brings.
  bool IsTypical() const {
    const stats::Interval rank = ranks_.interval();
    const double most = std::max(2 * rank.upper - 1, 1 - 2 * rank.lower);
    return most <= std::min(kMostPayoff,
                            std::sqrt(2 * rules_.same_nats * mean_tokens()));
  }

  // Whether any alternative is far enough to be told apart: excluding none says
  // nothing.
  bool CanExclude() const {
    return std::ranges::any_of(alternatives_, [&](const auto& alternative) {
      return alternative.nats > rules_.same_nats;
    });
  }

  double mean_tokens() const {
    const auto num_requests =
        static_cast<double>(std::max<uint64_t>(ranks_.num_values(), 1));
    return std::max(static_cast<double>(num_tokens_) / num_requests, 1.0);
  }

  const std::vector<AlternativeFacts>& alternatives_;
  Reading reading_;
  TextRules rules_;
  DivergenceFloor floor_;
  stats::ConfidenceSequence ranks_;
  int64_t num_tokens_ = 0;
  std::vector<double> log_diluted_;
  std::vector<bool> is_excluded_;
};

Status CheckScores(const TextScores& scores, const TextRules& rules) {
  if (!(rules.routed_prior >= 0 && rules.routed_prior < 1)) {
    return base::MakeError(ErrorCode::kInvalidArgument,
                           "weighing texts: found a prior of {} for routing, "
                           "allowed is 0 to 1, without 1",
                           rules.routed_prior);
  }
  const size_t num_alternatives = scores.alternatives.size();
  for (size_t i = 0; i < scores.requests.size(); ++i) {
    const RequestScores& request = scores.requests[i];
    bool fits = !request.own.empty() &&
                request.target.log_ratios.size() == num_alternatives;
    if (scores.reading == Reading::kDrawnTokens) {
      fits = fits && request.diluted_log_ratios.size() == num_alternatives;
    } else {
      fits = fits && std::ranges::all_of(request.own, [&](const auto& own) {
               return own.log_ratios.size() == num_alternatives;
             });
    }
    if (!fits) {
      return base::MakeError(ErrorCode::kInvalidArgument,
                             "weighing texts: request {} lacks own answers or "
                             "a ratio for one of {} alternatives",
                             i, num_alternatives);
    }
  }
  return {};
}

// Typicality of the alternative that would win.
Result<TextTest> WeighFit(const Fit& fit, double alpha) {
  TextTest test;
  TestLog log(alpha, test);
  REVLM_ASSIGN_OR_RETURN(TypicalityBets bets, TypicalityBets::Create());
  int64_t num_requests = 0;
  int64_t num_tokens = 0;
  for (const RequestScores& request : fit.requests) {
    if (request.own.empty()) {
      return base::MakeError(ErrorCode::kInvalidArgument,
                             "weighing the fit of alternative {}: request {} "
                             "lacks own answers",
                             fit.alternative_idx, num_requests);
    }
    REVLM_TRY(bets.Add(request));
    num_tokens += request.target.num_tokens;
    log.Look(bets.e_process(), ++num_requests, num_tokens);
  }
  return test;
}

// Who is how probable, by the catalogue's end.
void Apportion(const stats::Catalogue& catalogue, double routed_share,
               TextEvidence& evidence) {
  const std::vector<double> entries = catalogue.Posterior();
  // Of all alternatives together; the reference has the rest.
  const double log_e = catalogue.e_process().log_e();
  const double log_all = log_e - stats::LogAdd(0, log_e);
  const size_t num_alternatives = evidence.alternatives.size();
  double best_log = -INFINITY;
  for (size_t i = 0; i < num_alternatives; ++i) {
    const double routed =
        entries.size() > num_alternatives ? entries[num_alternatives + i] : 0;
    const double posterior = std::exp(log_all) * (entries[i] + routed);
    evidence.alternatives[i] = {
        .posterior = posterior,
        .share = routed > entries[i] ? routed_share : 1};
    const double log_posterior = log_all + std::log(entries[i] + routed);
    if (log_posterior > best_log) {
      best_log = log_posterior;
      evidence.best_idx = i;
    }
  }
  // Against the others and the reference; summed apart, as 1 - posterior would
  // lose what matters, and as logarithms, of which none is too small.
  double log_rest = -stats::LogAdd(0, log_e);
  for (size_t i = 0; i < num_alternatives; ++i) {
    if (i != evidence.best_idx) {
      log_rest =
          stats::LogAdd(log_rest, std::log(evidence.alternatives[i].posterior));
    }
  }
  evidence.best_log_odds = best_log - log_rest;
}

}  // namespace

Result<TextEvidence> WeighTexts(const TextScores& scores,
                                const TextRules& rules) {
  REVLM_TRY(CheckScores(scores, rules));
  REVLM_ASSIGN_OR_RETURN(stats::Catalogue catalogue,
                         MakeCatalogue(scores.alternatives.size(), rules));
  REVLM_ASSIGN_OR_RETURN(TypicalityBets bets, TypicalityBets::Create());
  REVLM_ASSIGN_OR_RETURN(DivergenceLimits limits,
                         DivergenceLimits::Create(scores, rules));
  TextEvidence evidence;
  evidence.alternatives.resize(scores.alternatives.size());
  TestLog catalogue_log(rules.alpha, evidence.catalogue);
  TestLog typicality_log(rules.alpha, evidence.typicality);
  TestLog combined_log(rules.alpha, evidence.combined);
  EProcess combined;
  const size_t num_entries = catalogue.Posterior().size();
  for (const RequestScores& request : scores.requests) {
    const double before = catalogue.e_process().log_e();
    REVLM_TRY(catalogue.Add(LogRatios(request, scores.reading, num_entries)));
    REVLM_TRY(bets.Add(request));
    const double log_e = catalogue.e_process().log_e();
    REVLM_ASSIGN_OR_RETURN(
        const double log_mean,
        stats::LogMean(std::array{log_e, bets.e_process().log_e()},
                       std::array{1.0, 1.0}));
    REVLM_TRY(combined.MoveTo(log_mean));
    const int64_t num_requests = ++evidence.num_requests;
    const int64_t num_tokens = evidence.num_tokens += request.target.num_tokens;
    catalogue_log.Look(catalogue.e_process(), num_requests, num_tokens);
    typicality_log.Look(bets.e_process(), num_requests, num_tokens);
    combined_log.Look(combined, num_requests, num_tokens);
    REVLM_TRY(limits.Add(request, log_e - before, bets.payoff(), log_e));
    const Closeness closeness = limits.closeness();
    const bool is_contradicted =
        closeness == Closeness::kSame && evidence.combined.rejects();
    if (evidence.closeness == Closeness::kUndecided && !is_contradicted) {
      evidence.closeness = closeness;
      evidence.num_decided =
          closeness == Closeness::kUndecided ? 0 : num_requests;
    }
  }
  Apportion(catalogue, rules.routed_share, evidence);
  evidence.lower_nats = limits.lower_nats();
  evidence.upper_nats = limits.upper_nats();
  if (evidence.closeness == Closeness::kUndecided) {
    evidence.num_needed =
        std::max<int64_t>(limits.RequestsForSame() - evidence.num_requests, 1);
  }
  const bool would_win =
      evidence.combined.rejects() && evidence.catalogue.rejects();
  evidence.needs_fit =
      would_win &&
      (!scores.fit || scores.fit->alternative_idx != evidence.best_idx);
  if (would_win && !evidence.needs_fit) {
    REVLM_ASSIGN_OR_RETURN(evidence.fit, WeighFit(*scores.fit, rules.alpha));
    if (!evidence.fit->rejects()) evidence.winner_idx = evidence.best_idx;
  }
  return evidence;
}

}  // namespace revlm::verify
