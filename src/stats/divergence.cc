#include "stats/divergence.h"

#include <algorithm>
#include <cmath>

namespace revlm::stats {

Result<Divergence> Divergence::Create(const DivergenceRules& rules) {
  if (!(rules.same_nats > 0 && rules.same_nats < rules.most_nats &&
        std::isfinite(rules.most_nats))) {
    return base::MakeError(
        ErrorCode::kInvalidArgument,
        "setting up a divergence: found SAME below {} nats and values cut at "
        "{}, allowed is 0 < SAME < cut, both finite",
        rules.same_nats, rules.most_nats);
  }
  if (!(rules.alpha > 0 && rules.alpha < 1)) {
    return base::MakeError(ErrorCode::kInvalidArgument,
                           "setting up a divergence: found an error rate of "
                           "{}, allowed are those above 0 and below 1",
                           rules.alpha);
  }
  REVLM_ASSIGN_OR_RETURN(const MeanBet different,
                         MeanBet::Create(rules.same_nats));
  REVLM_ASSIGN_OR_RETURN(const MeanBet same,
                         MeanBet::Create(rules.most_nats - rules.same_nats));
  return Divergence(rules, different, same);
}

Status Divergence::Add(double nats) {
  if (!(nats >= 0 && std::isfinite(nats))) {
    return base::MakeError(ErrorCode::kInvalidArgument,
                           "adding a prompt to a divergence: found {} nats per "
                           "token, allowed are finite ones of 0 or more; give "
                           "tokens that one model excludes a small probability",
                           nats);
  }
  const double cut = std::min(nats, rules_.most_nats);
  REVLM_TRY(different_.Add(cut));
  REVLM_TRY(same_.Add(rules_.most_nats - cut));
  values_.push_back(nats);
  if (nats > rules_.most_nats) ++num_cut_;
  return {};
}

Interval Divergence::interval() const {
  const double log_enough = std::log(2 / rules_.alpha);
  std::vector<double> cut = values_;
  std::vector<double> below_cut = values_;
  for (size_t i = 0; i < values_.size(); ++i) {
    cut[i] = std::min(values_[i], rules_.most_nats);
    below_cut[i] = rules_.most_nats - cut[i];
  }
  return {.lower = LowerMeanLimit(cut, log_enough),
          .upper = rules_.most_nats - LowerMeanLimit(below_cut, log_enough)};
}

Closeness Divergence::closeness() const {
  const double log_enough = std::log(2 / rules_.alpha);
  if (LogEDifferent() > log_enough) return Closeness::kDifferent;
  return LogESame() > log_enough ? Closeness::kSame : Closeness::kUndecided;
}

double Divergence::LogEDifferent() const { return different_.log_e(); }

double Divergence::LogESame() const { return same_.log_e(); }

uint64_t Divergence::FewestPromptsForSame() const {
  return FewestValues(rules_.most_nats - rules_.same_nats, rules_.most_nats,
                      std::log(2 / rules_.alpha));
}

}  // namespace revlm::stats
