// What a verdict about two models may rest on, however it was come by.
//
// Evidence is small and complete: a verdict is a function of it alone
// (verify/verdict.h), so whoever has it can form the verdict again without the
// models.
//
// Threads: plain data; a pure function.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "revlm/compare.h"
#include "verify/text_evidence.h"
#include "verify/weights.h"

namespace revlm::verify {

// What evidence from weights, found with `options`, comes to.
WeightFinding SumUp(const WeightEvidence& evidence,
                    const WeightOptions& options);

// What texts come to, all but `winner_weights`.
TextFinding SumUp(const TextEvidence& evidence, const TextScores& scores);

struct PairEvidence {
  std::optional<WeightFinding> weights;  // when both checkpoints are here
  std::optional<BehaviourFinding> behaviour;
  std::optional<TextFinding> texts;  // when one side gives only text
};

}  // namespace revlm::verify
