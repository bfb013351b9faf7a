// Whether two models were trained independently, from their attention heads.
//
// Heads of corresponding layers are matched one to one (assignment.h) by one
// half of the directions of the residual stream and compared by the other
// (form_similarity.h), then the other way round. With
//
//   m   the mean similarity of matched heads
//   o   the mean similarity of heads of the same layers that belong to key
//       heads that were not matched, and s their standard deviation
//   n   the number of key heads matched
//
//   z = (m - o) / sqrt((3 s / 2)^2 / n + (o / 4)^2).
//
// Heads that were not matched say what chance and what all models of a language
// have in common amount to at this width, depth and tokenizer; no table of
// other models is needed. The two constants are for what remains: heads of one
// layer that depend on each other, and heads of independent models that take
// the same part. They were fixed on the 496 pairs of 32 independently trained
// models of one shape, where z then has a deviation of 0.44 (`make
// weight-null`): the tail of the standard normal is an upper bound there.
// docs/method-identity.md has the figures, of other shapes too.
//
// Where depths differ, or layers in order show nothing, layers are aligned in
// order (layer_path.h), by the half that matched the heads.
//
// Threads: pure function. Memory: reserved in the budget. Errors:
// kBudgetExceeded, and those of the multiplier.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/error.h"
#include "fingerprint/head_rows.h"
#include "fingerprint/layer_path.h"
#include "fingerprint/matrix.h"
#include "memory/budget.h"

namespace revlm::fingerprint {

struct MatchedLayers {
  LayerPair layers;
  double similarity = 0;       // mean of matched heads
  double z = 0;                // as above, of these layers alone
  std::vector<int32_t> heads;  // of b, for each head of a
};

struct RelationTest {
  double z = 0;
  double log_p = 0;       // of the normal distribution's tail above z
  double matched = 0;     // m
  double unmatched = 0;   // o
  double spread = 0;      // s
  int64_t num_heads = 0;  // n
  std::vector<MatchedLayers> layers;
};

// Rows are normalised and whitened (head_rows.h), over the same directions.
// REQUIRES: at least one layer on each side; more than one key head or layer.
Result<RelationTest> TestRelation(const AttentionShape& shape,
                                  std::span<const LayerHeads> a,
                                  std::span<const LayerHeads> b,
                                  memory::Budget& budget,
                                  Multiplier& multiplier);

}  // namespace revlm::fingerprint
