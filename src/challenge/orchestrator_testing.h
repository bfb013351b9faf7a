// What the tests of the orchestrator share.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "challenge/orchestrator.h"

namespace revlm::challenge {

inline OrchestratorOptions Seeded(uint64_t seed) {
  return {.session_key = DeriveSessionKey({.seed = SeedFromNumber(seed)})};
}

inline Orchestrator Make(const OrchestratorOptions& options) {
  auto made = Orchestrator::Create(options);
  EXPECT_TRUE(made) << made.error().message;
  return *std::move(made);
}

inline std::vector<Challenge> Next(Orchestrator& orchestrator, size_t count) {
  auto challenges = orchestrator.Next(count);
  EXPECT_TRUE(challenges) << challenges.error().message;
  return std::move(challenges).value_or(std::vector<Challenge>());
}

}  // namespace revlm::challenge
