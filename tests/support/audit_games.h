// The audits of `audits.h`, one at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "stats/bet.h"
#include "stats/divergence.h"
#include "support/toy_models.h"

namespace revlm::testing {

// How many values it took, when it came to that at all.
using Looks = std::optional<uint64_t>;
using Values = std::function<double(uint64_t idx)>;

// Looks `num_looks` times until `is_over` says that the verdict is there.
template <typename IsOver>
Looks LookUntil(uint64_t num_looks, const IsOver& is_over) {
  for (uint64_t idx = 0; idx < num_looks; ++idx) {
    if (is_over(idx)) return idx + 1;
  }
  return std::nullopt;
}

// Until a bet rejects.
Looks AuditBet(double tolerance, uint64_t num_looks, const Values& payoff);

// Until the interval of a confidence sequence does not hold `mean`.
Looks AuditInterval(double mean, uint64_t num_looks, const Values& value);

// Until a divergence gives a verdict.
Looks AuditDivergence(stats::Closeness verdict, uint64_t num_looks,
                      const Values& nats);

// Until e-BH rejects one of `num_pairs` bets on fair coins.
Looks AuditPairs(uint64_t seed, size_t num_pairs, uint64_t num_looks);

enum class TextTest { kCatalogue, kTypicality, kAverage };

// Answers of `served` where `claimed` was promised, prompts (contexts) in turn.
struct TextGame {
  ToyModel claimed;
  ToyModel served;
  std::vector<ToyModel> alternatives;
  double share = 1;  // `stats::Alternative`
};

// Until the test rejects that `claimed` answers.
Looks AuditText(const TextGame& game, TextTest test, uint64_t seed,
                uint64_t num_looks);

}  // namespace revlm::testing
