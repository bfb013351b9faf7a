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
#include "verify/weights.h"

namespace revlm::verify {

// What evidence from weights, found with `options`, comes to.
WeightFinding SumUp(const WeightEvidence& evidence,
                    const WeightOptions& options);

// What the texts of a side that gives nothing else say.
struct TextFinding {
  Closeness closeness = Closeness::kUndecided;
  // The entry of the catalogue that won at the error rate asked for.
  std::optional<std::string> catalogue_entry;
  int64_t num_needed = 0;  // as in BehaviourFinding
};

struct PairEvidence {
  std::optional<WeightFinding> weights;  // when both checkpoints are here
  std::optional<BehaviourFinding> behaviour;
  std::optional<TextFinding> text;  // when one side gives only text
};

}  // namespace revlm::verify
