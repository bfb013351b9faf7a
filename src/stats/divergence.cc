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
  return Divergence(rules, sequence);
}

Status Divergence::Add(double nats) {
  if (!(nats >= 0 && std::isfinite(nats))) {
    return base::MakeError(ErrorCode::kInvalidArgument,
                           "adding a prompt to a divergence: found {} nats per "
                           "token, allowed are finite ones of 0 or more; give "
                           "tokens that one model excludes a small probability",
                           nats);
  }
  REVLM_TRY(sequence_.Add(std::min(nats, rules_.most_nats) / rules_.most_nats));
  if (nats > rules_.most_nats) ++num_cut_;
  return {};
}

Interval Divergence::interval() const {
  const Interval scaled = sequence_.interval();
  return {.lower = scaled.lower * rules_.most_nats,
          .upper = scaled.upper * rules_.most_nats};
}

Closeness Divergence::closeness() const {
  const Interval nats = interval();
  if (nats.upper < rules_.same_nats) return Closeness::kSame;
  if (nats.lower > rules_.same_nats) return Closeness::kDifferent;
  return Closeness::kUndecided;
}

double Divergence::LogEDifferent() const {
  return sequence_.LogEAbove(rules_.same_nats / rules_.most_nats);
}

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
