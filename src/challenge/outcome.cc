#include "challenge/outcome.h"

#include <limits>
#include <string_view>

#include "base/quote.h"

namespace revlm::challenge {
namespace {

bool IsWithin(double value, double most) {
  return value >= 0 && value <= most;  // false for NaN
}

}  // namespace

Status CheckOutcome(const Outcome& outcome) {
  constexpr double kMost = std::numeric_limits<double>::max();
  const auto refuse = [&](std::string_view what, double found,
                          std::string_view allowed) {
    return base::MakeError(
        ErrorCode::kInvalidArgument,
        "learning from prompt {}: found {} {}, allowed is {}",
        base::Quote(outcome.challenge_id), what, found, allowed);
  };
  if (!IsWithin(outcome.information_nats, kMost)) {
    return refuse("an information of", outcome.information_nats,
                  "a finite number of 0 or more");
  }
  for (const ModelObservation& observation : outcome.models) {
    if (!IsWithin(observation.mean_entropy_nats, kMost)) {
      return refuse("an entropy of", observation.mean_entropy_nats,
                    "a finite number of 0 or more");
    }
    if (!IsWithin(observation.mean_top_probability, 1)) {
      return refuse("a probability of", observation.mean_top_probability,
                    "0 to 1");
    }
  }
  return {};
}

}  // namespace revlm::challenge
