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
  REVLM_ASSIGN_OR_RETURN(const ConfidenceSequence sequence,
                         ConfidenceSequence::Create(rules.alpha));
  REVLM_ASSIGN_OR_RETURN(const MeanBet different,
                         MeanBet::Create(rules.same_nats));
  return Divergence(rules, sequence, different);
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
  REVLM_TRY(sequence_.Add(cut / rules_.most_nats));
  REVLM_TRY(different_.Add(cut));
  values_.push_back(nats);
  if (nats > rules_.most_nats) ++num_cut_;
  return {};
}

Interval Divergence::interval() const {
  std::vector<double> cut = values_;
  for (double& nats : cut) nats = std::min(nats, rules_.most_nats);
  return {.lower = LowerMeanLimit(cut, std::log(2 / rules_.alpha)),
          .upper = UpperNats()};
}

double Divergence::UpperNats() const {
  return sequence_.interval().upper * rules_.most_nats;
}

Closeness Divergence::closeness() const {
  if (LogEDifferent() > std::log(2 / rules_.alpha)) {
    return Closeness::kDifferent;
  }
  return UpperNats() < rules_.same_nats ? Closeness::kSame
                                        : Closeness::kUndecided;
}

double Divergence::LogEDifferent() const { return different_.log_e(); }

double Divergence::LogESame() const {
  return sequence_.LogEBelow(rules_.same_nats / rules_.most_nats);
}

uint64_t Divergence::FewestPromptsForSame() const {
  // The half-width after t values is at least ln(2/alpha) / (kMostWeight t).
  const double prompts = std::log(2 / rules_.alpha) * rules_.most_nats /
                         (ConfidenceSequence::kMostWeight * rules_.same_nats);
  // Where more than that are needed, none will do.
  constexpr double kMost = 0x1p62;
  return static_cast<uint64_t>(std::min(std::ceil(prompts), kMost));
}

}  // namespace revlm::stats
