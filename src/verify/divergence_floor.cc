#include "verify/divergence_floor.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "stats/combine.h"
#include "stats/log_space.h"

namespace revlm::verify {
namespace {

constexpr int kStepsBelow = 16;
constexpr double kStepsEachDoubling = 4;
constexpr double kMostNats = 16;

// Of what is -`range` at least, but for rounding.
double Scaled(double value, double range) {
  return std::max(value / range, -1.0);
}

}  // namespace

Status DivergenceFloor::Step::Add(const Observation& seen) {
  const double allowed = nats_ * seen.num_tokens;
  const double most_allowed = nats_ * max_tokens_;
  const double least = std::log(0.5);
  const double range = most_allowed - least;
  const double gain = std::min(stats::LogAdd(least, seen.gain + least), range);
  REVLM_TRY(gains_.Add(Scaled(gain - allowed, range)));

  const double tilt = std::sqrt(2 * nats_ * sum_of_tokens_ / num_answers_);
  const double cost = tilt / 2 + allowed / tilt;
  const double rank_range = 1 + tilt / 2 + most_allowed / tilt;
  REVLM_TRY(rarer_.Add(Scaled(seen.payoff - cost, rank_range)));
  REVLM_TRY(commoner_.Add(Scaled(-seen.payoff - cost, rank_range)));
  sum_of_tokens_ += seen.num_tokens;
  ++num_answers_;

  REVLM_ASSIGN_OR_RETURN(
      const double log_e,
      stats::LogMean(
          std::array{gains_.e_process().log_e(), rarer_.e_process().log_e(),
                     commoner_.e_process().log_e()},
          std::array{2.0, 1.0, 1.0}));
  return average_.MoveTo(log_e);
}

Result<DivergenceFloor> DivergenceFloor::Create(double same_nats,
                                                int64_t max_tokens,
                                                double alpha) {
  if (!(same_nats > 0 && std::isfinite(same_nats)) || max_tokens < 1 ||
      !(alpha > 0 && alpha < 1)) {
    return base::MakeError(
        ErrorCode::kInvalidArgument,
        "bounding a divergence from below: found a tolerance of {} nats, "
        "answers of at most {} tokens and an error rate of {}; allowed are "
        "finite ones above 0, 1 and more, and between 0 and 1",
        same_nats, max_tokens, alpha);
  }
  REVLM_ASSIGN_OR_RETURN(const stats::Bet bet, stats::Bet::Create(0));
  return DivergenceFloor(same_nats, static_cast<double>(max_tokens), alpha,
                         bet);
}

DivergenceFloor::Step DivergenceFloor::StepAt(int idx) const {
  return {same_nats_ * std::exp2((idx - kStepsBelow) / kStepsEachDoubling),
          max_tokens_, bet_};
}

Status DivergenceFloor::Add(double gain, double payoff, int64_t num_tokens) {
  const Observation seen = {
      .gain = gain,
      .payoff = payoff,
      .num_tokens =
          std::clamp(static_cast<double>(num_tokens), 1.0, max_tokens_)};
  REVLM_TRY(step_.Add(seen));
  seen_.push_back(seen);
  return Climb();
}

Status DivergenceFloor::Climb() {
  while (step_.IsRefuted(alpha_)) {
    nats_ = step_.nats();
    if (nats_ >= std::max(kMostNats, same_nats_)) break;
    step_ = StepAt(++step_idx_);
    for (const Observation& seen : seen_) REVLM_TRY(step_.Add(seen));
  }
  return {};
}

}  // namespace revlm::verify
