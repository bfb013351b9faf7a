// Random matrices and heads for tests of this module.
#pragma once

#include <cstdint>

#include "base/normal_testing.h"
#include "fingerprint/head_rows.h"
#include "fingerprint/matrix.h"

namespace revlm::fingerprint {

using testing::Normal;

inline Matrix RandomMatrix(uint64_t seed, int64_t rows, int64_t columns,
                           memory::Budget& budget) {
  Matrix matrix = Matrix::Create(rows, columns, budget).value();
  for (size_t i = 0; i < matrix.values().size(); ++i) {
    matrix.values()[i] = static_cast<float>(Normal(seed, i));
  }
  return matrix;
}

inline Matrix Copy(const Matrix& from, memory::Budget& budget) {
  Matrix matrix = Matrix::Create(from.rows(), from.columns(), budget).value();
  for (size_t i = 0; i < from.values().size(); ++i) {
    matrix.values()[i] = from.values()[i];
  }
  return matrix;
}

// Heads as independent trainings give them: every row has a part along
// directions that all models of one language share.
inline LayerHeads RandomHeads(uint64_t seed, const AttentionShape& shape,
                              int64_t directions, memory::Budget& budget) {
  LayerHeads heads = {
      .queries = RandomMatrix(2 * seed, shape.num_heads * shape.head_dim,
                              directions, budget),
      .keys = RandomMatrix(2 * seed + 1, shape.num_kv_heads * shape.head_dim,
                           directions, budget)};
  for (Matrix* rows : {&heads.queries, &heads.keys}) {
    for (int64_t i = 0; i < rows->rows(); ++i) {
      for (int64_t j = 0; j < 3; ++j) {
        rows->row(i)[j * 5] += static_cast<float>(2 * Normal(1, 100 + 10 * i));
      }
    }
  }
  return heads;
}

}  // namespace revlm::fingerprint
