// Query and key weights of attention heads in a form that what leaves the
// function unchanged cannot change.
//
// A head attends by the bilinear form q^T k of its query and key rows, over the
// residual stream. Rotary pairs (rows i and i + rotary_dim / 2) are complex
// numbers times a row: both may be multiplied by s e^{i phi} in the query and
// by e^{i phi} / s in the key. Rows that are not rotated may be mixed by any
// invertible matrix in the key and its inverse in the queries.
//
//   NormaliseHeads    rotary pairs to unit length; of the others, the keys'
//                     rows orthonormal and each query head of equal length
//   MakeWhitening     W with (C + shrinkage tr(C) / m) = (W W^T)^-1, C the mean
//                     of r^T r over all rows r of both models; directions that
//                     all heads share, such as that of frequent tokens, would
//                     otherwise make any two heads similar
//
// Threads: thread-compatible. Memory: reserved in the budget. Errors:
// kBudgetExceeded, and those of the multiplier. Determinism: of the arguments
// and the multiplier.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/error.h"
#include "fingerprint/matrix.h"
#include "memory/budget.h"

namespace revlm::fingerprint {

struct AttentionShape {
  int64_t num_heads = 0;
  int64_t num_kv_heads = 0;  // divides num_heads
  int64_t head_dim = 0;
  int64_t rotary_dim = 0;  // even; 0: none

  bool operator==(const AttentionShape&) const = default;
};

// The heads of one layer over some directions of the residual stream.
struct LayerHeads {
  Matrix queries;  // [num_heads * head_dim][directions]
  Matrix keys;     // [num_kv_heads * head_dim][directions]
};

void NormaliseHeads(const AttentionShape& shape, LayerHeads& heads);

Result<Matrix> MakeWhitening(std::span<const LayerHeads> a,
                             std::span<const LayerHeads> b,
                             memory::Budget& budget, Multiplier& multiplier);

// Every row r becomes r W.
Status Whiten(const Matrix& whitening, LayerHeads& heads,
              memory::Budget& budget, Multiplier& multiplier);

}  // namespace revlm::fingerprint
