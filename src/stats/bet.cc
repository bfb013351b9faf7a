#include "stats/bet.h"

#include <algorithm>
#include <cmath>

namespace revlm::stats {
namespace {

constexpr double kMostStake = 0.5;
constexpr double kStep = 2 / (2 - 1.0986122886681098);  // ln 3

}  // namespace

Result<Bet> Bet::Create(double tolerance) {
  if (!(tolerance >= 0 && tolerance < 1)) {
    return base::MakeError(ErrorCode::kInvalidArgument,
                           "setting up a bet: found a tolerance of {}, allowed "
                           "are 0 to below 1",
                           tolerance);
  }
  return Bet(tolerance);
}

Status Bet::Add(double payoff) {
  if (!(payoff >= -1 && payoff <= 1)) {
    return base::MakeError(ErrorCode::kInvalidArgument,
                           "adding a payoff to a bet: found {}, allowed are -1 "
                           "to 1; scale it by its largest possible size",
                           payoff);
  }
  const double scaled = (payoff - tolerance_) / (1 + tolerance_);
  // At least 1/2: nothing is lost for good.
  const double factor = 1 + stake_ * scaled;
  REVLM_TRY(
      e_process_.MoveTo(e_process_.log_e() + std::log1p(stake_ * scaled)));
  const double slope = -scaled / factor;
  sum_of_squares_ += slope * slope;
  stake_ =
      std::clamp(stake_ - kStep * slope / sum_of_squares_, 0.0, kMostStake);
  return {};
}

}  // namespace revlm::stats
