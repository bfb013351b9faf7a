// What a challenge brought, as an orchestrator learns it.
//
// Threads: pure functions. Errors: kInvalidArgument, which names the challenge.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "challenge/profile.h"

namespace revlm::challenge {

// What one challenge brought.
struct Outcome {
  std::string challenge_id;
  // What it told apart, nats per token, 0 or more: for a comparison, the
  // divergence of the pair that is most apart of those still undecided.
  double information_nats = 0;
  std::vector<ModelObservation> models;
};

// Its numbers are finite and 0 or more, probabilities at most 1.
Status CheckOutcome(const Outcome& outcome);

}  // namespace revlm::challenge
