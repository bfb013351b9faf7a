#include "verify/pair_divergence.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "stats/combine.h"

namespace revlm::verify {

namespace {

DivergenceFinding MeanOf(double sum, size_t num_values) {
  return {.nats = num_values == 0 ? 0 : sum / static_cast<double>(num_values),
          .lower = 0,
          .upper = 0};
}

void AddLimits(const stats::Divergence& divergence,
               DivergenceFinding& finding) {
  const stats::Interval interval = divergence.interval();
  finding.lower = interval.lower;
  finding.upper = interval.upper;
}

}  // namespace

Result<PairDivergence> PairDivergence::Create(
    const stats::DivergenceRules& rules, size_t num_pairs) {
  if (num_pairs == 0) {
    return base::MakeError(ErrorCode::kInvalidArgument,
                           "comparing pairs of models: found none; name two "
                           "models");
  }
  REVLM_ASSIGN_OR_RETURN(const stats::Divergence empty,
                         stats::Divergence::Create(rules));
  return PairDivergence(
      rules, std::log(static_cast<double>(num_pairs)) - std::log(rules.alpha),
      empty);
}

Status PairDivergence::Add(double nats, double mirror_nats) {
  if (!(mirror_nats >= 0 && std::isfinite(mirror_nats))) {
    return base::MakeError(ErrorCode::kInvalidArgument,
                           "adding a prompt to a comparison: found a mirror of "
                           "{} nats per token, allowed are finite ones of 0 or "
                           "more",
                           mirror_nats);
  }
  REVLM_TRY(forward_.Add(nats));
  REVLM_TRY(mirror_.Add(mirror_nats));
  sum_ += nats;
  mirror_sum_ += mirror_nats;

  const auto num_prompts = static_cast<int64_t>(forward_.values().size());
  const Closeness look = Look();
  if (look == Closeness::kSame && same_after_ == 0) same_after_ = num_prompts;
  if (look == Closeness::kDifferent && different_after_ == 0) {
    different_after_ = num_prompts;
  }
  if (is_enough_) return {};
  const std::array log_es = {forward_.LogEDifferent(), mirror_.LogEDifferent()};
  REVLM_ASSIGN_OR_RETURN(log_e_, stats::LogMean(log_es, std::array{1.0, 1.0}));
  is_enough_ = log_e_ >= log_enough_;
  return {};
}

Closeness PairDivergence::Look() const {
  const stats::Closeness forward = forward_.closeness();
  const stats::Closeness mirror = mirror_.closeness();
  if (forward == stats::Closeness::kDifferent ||
      mirror == stats::Closeness::kDifferent) {
    return Closeness::kDifferent;
  }
  return forward == stats::Closeness::kSame && mirror == forward
             ? Closeness::kSame
             : Closeness::kUndecided;
}

BehaviourFinding PairDivergence::Finding(Scale scale) const {
  BehaviourFinding finding = Decision(scale);
  AddLimits(forward_, finding.divergence);
  AddLimits(mirror_, finding.mirror);
  return finding;
}

BehaviourFinding PairDivergence::Decision(Scale scale) const {
  BehaviourFinding finding;
  finding.scale = scale;
  const size_t num_values = forward_.values().size();
  finding.num_prompts = static_cast<int64_t>(num_values);
  finding.num_used = finding.num_prompts;
  const int64_t same_after = scale == Scale::kTokens ? same_after_ : 0;
  if (different_after_ != 0 &&
      (same_after == 0 || different_after_ < same_after)) {
    finding.closeness = Closeness::kDifferent;
    finding.num_used = different_after_;
  } else if (same_after != 0) {
    finding.closeness = Closeness::kSame;
    finding.num_used = same_after;
  }
  finding.num_cut = static_cast<int64_t>(forward_.num_cut());
  finding.divergence = MeanOf(sum_, num_values);
  finding.mirror = MeanOf(mirror_sum_, num_values);
  finding.log_e = log_e_;
  return finding;
}

int64_t PairDivergence::NumNeeded(Scale scale) const {
  constexpr size_t kMostPrompts = 100'000;
  const size_t num_values = forward_.values().size();
  if (num_values == 0) return 0;
  PairDivergence more = *this;
  for (size_t i = num_values; i < kMostPrompts; ++i) {
    if (!more.forward_.Add(forward_.values()[i % num_values]) ||
        !more.mirror_.Add(mirror_.values()[i % num_values])) {
      return 0;
    }
    const Closeness look = more.Look();
    if (look == Closeness::kDifferent ||
        (look == Closeness::kSame && scale == Scale::kTokens)) {
      return static_cast<int64_t>(i + 1);
    }
  }
  return 0;
}

}  // namespace revlm::verify
