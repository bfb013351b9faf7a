// How the residual stream of one model lies in that of another, from the tokens
// both know.
//
// Channels of the residual stream can be permuted, or rotated once the gains of
// the norms are folded into what follows them, and the function stays the same.
// What undoes it is the orthogonal Procrustes solution (Schoenemann 1966, "A
// generalized solution of the orthogonal Procrustes problem", Psychometrika
// 31): the polar factor of
//
//   M = sum over shared tokens of (a_t - mean a)^T (b_t - mean b)
//
// for the rows a_t and b_t of the embeddings, over the channels or over some
// directions, plus the same of the unembeddings, each divided by its size. The
// polar factor is approached by Newton and Schulz steps X <- (3 X - X X^T X) /
// 2, which need products only and treat all bases alike. A fixed number of them
// leaves directions in which M is smaller than some thousandth of its largest
// shrunk: what tokens say nothing of, counts less.
//
// Threads: thread-compatible. Memory: reserved in the budget; SoftPolar takes
// three times its argument. Errors: kBudgetExceeded, and those of the
// multiplier. Determinism: of the arguments and the multiplier.
#pragma once

#include <cstdint>
#include <vector>

#include "base/error.h"
#include "fingerprint/matrix.h"
#include "memory/budget.h"

namespace revlm::fingerprint {

// M of one pair of tables, gathered block by block.
class TokenMoments {
 public:
  static Result<TokenMoments> Create(int64_t width_a, int64_t width_b,
                                     memory::Budget& budget);

  // One row for each token, the same tokens in both.
  Status Add(const Matrix& rows_a, const Matrix& rows_b, memory::Budget& budget,
             Multiplier& multiplier);
  // Adds M, divided by the size of the tables, to `total`.
  void AddTo(Matrix& total) const;

 private:
  Matrix products_;
  std::vector<double> sum_a_;
  std::vector<double> sum_b_;
  double squares_a_ = 0;
  double squares_b_ = 0;
  int64_t num_tokens_ = 0;
};

// The polar factor of `matrix`, approached. Zero stays zero.
Result<Matrix> SoftPolar(Matrix matrix, memory::Budget& budget,
                         Multiplier& multiplier);

// At most `num_columns` orthonormal columns that span the rows of `tokens`,
// less their mean: a basis that depends on tokens and not on channels. Fewer
// where the rows span less. Those from even and odd places of the order of
// tokens come in two halves, one after the other.
Result<Matrix> TokenBasis(const Matrix& tokens, int64_t num_columns,
                          memory::Budget& budget);

}  // namespace revlm::fingerprint
