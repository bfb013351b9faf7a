// How alike the heads of two layers attend: the cosine of their bilinear forms
// q^T k.
//
// Over rotary pairs p, with complex query and key rows of unit length,
//
//   S = mean over p of Re(<q_p, q'_p> conj <k_p, k'_p>)
//
// and over rows that are not rotated S = <q^T k, q'^T k'> / (|q^T k| |q'^T
// k'|), weighted by the number of pairs. Both are 1 for equal forms, whatever
// was multiplied into query and key and cancels, and 0 on average for forms
// whose directions are unrelated.
//
// Directions of the residual stream are used in two halves: heads are matched
// by one and compared by the other, so that matching cannot make unrelated
// heads alike (relation.h).
//
// Where products overflow, S is 0: it is always finite.
//
// Threads: pure function. Memory: reserved in the budget. Errors:
// kBudgetExceeded, and those of the multiplier.
#pragma once

#include <vector>

#include "base/error.h"
#include "fingerprint/head_rows.h"
#include "fingerprint/matrix.h"
#include "memory/budget.h"

namespace revlm::fingerprint {

enum class Half { kFirst, kSecond };

// [heads of a][heads of b]. REQUIRES: both layers are of `shape` and over the
// same directions.
Result<std::vector<float>> FormSimilarity(const AttentionShape& shape,
                                          const LayerHeads& a,
                                          const LayerHeads& b, Half half,
                                          memory::Budget& budget,
                                          Multiplier& multiplier);

}  // namespace revlm::fingerprint
