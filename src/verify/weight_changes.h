// How the weights of two related models differ, in words and figures: the
// descriptions of `WeightEvidence::changes`. They carry no error rate.
//
// What a value on disk shows (a grid, zeros) is looked for in either model by
// itself. What the difference shows (noise, low rank) is looked for where
// channels, heads and units are in place.
//
// Threads: thread-confined. Memory: some rows of a few tensors. Errors:
// kBudgetExceeded, those of reading.
#pragma once

#include <vector>

#include "base/error.h"
#include "verify/tensor_comparison.h"
#include "verify/tensor_pairs.h"
#include "verify/weight_alignment.h"
#include "verify/weights.h"

namespace revlm::verify {

// Fills `changes`, `relative_difference` and that of each layer. REQUIRES:
// layers and unmatched layers are filled in.
Status DescribeChanges(const TensorPairs& pairs,
                       const TensorComparison& comparison,
                       WeightAlignment& alignment, WeightEvidence& evidence);

// Whether the changes are disguises all, under the same settings.
bool KeepsFunction(const WeightEvidence& evidence);

// "int4 quantisation (groups of 32) of aster-s0, layers identical in order".
std::string ChangeSentence(const WeightSide& a, const WeightSide& b,
                           const WeightEvidence& evidence);

}  // namespace revlm::verify
