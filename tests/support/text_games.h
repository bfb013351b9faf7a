// Texts of toy models, for WeighTexts (verify/text_evidence.h): a request is a
// context, an answer `tokens_per_answer` independent draws in it, and a tail.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "support/toy_models.h"
#include "verify/text_evidence.h"

namespace revlm::testing {

struct TextTable {
  ToyModel reference;
  ToyModel served;
  std::vector<ToyModel> alternatives;
  verify::Reading reading = verify::Reading::kDrawnTokens;
  size_t num_own_answers = 4;
  size_t tokens_per_answer = 8;
  // So many answers, of whoever gives them, go on with tokens that all models
  // are certain of.
  double tail_share = 0;
  size_t tail_tokens = 0;
  std::vector<double> dilutions = {};  // `ToyDilution` of each alternative

  // KL(served || reference) per token of an answer, tails included.
  double ServedNats() const;
};

// The w at which (1 - w) reference + w other diverges by `nats`; at most 1.
double ToyDilution(const ToyModel& reference, const ToyModel& other,
                   double nats);

// What `num_requests` requests give. Facts of alternatives are exact. With
// `fit`, as if alternative `*fit` had been asked, too.
verify::TextScores PlayTexts(const TextTable& table, uint64_t seed,
                             size_t num_requests,
                             std::optional<size_t> fit = std::nullopt);

// PlayTexts, and again with a fit where it is needed, weighed.
verify::TextEvidence AuditTexts(const TextTable& table, uint64_t seed,
                                size_t num_requests,
                                const verify::TextRules& rules = {});

}  // namespace revlm::testing
