// What a plan costs: how long its passes over the weights are predicted to
// take.
//
//   pass = kPassSeconds + max(read, work / cpu_share)
//   read = bytes from disk / bytes a second, more where the ring is shallow
//   work = max(operations / operations a second, weights / memory's bandwidth)
//
// Threads: pure functions. Determinism: of the arguments alone.
#pragma once

#include "engine/memory_plan.h"

namespace revlm::engine {

inline constexpr double kPassSeconds = 2e-3;  // of a pass besides the work

// From 0 to 1: how much the ring lacks of holding enough ahead.
double Shallowness(const Plan& plan);

// Fills in the seconds of a plan that is complete otherwise. Stops adding up
// beyond `most_seconds`: of very many prompts, the plans that hold few of them
// at once have very many passes.
void Predict(const PlanInput& input, double most_seconds, Plan& plan);

}  // namespace revlm::engine
