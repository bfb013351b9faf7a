#include "fingerprint/head_rows.h"

#include <algorithm>
#include <cmath>

namespace revlm::fingerprint {
namespace {

constexpr double kShrinkage = 0.1;
// Of the largest pivot: below it rows are taken for dependent.
constexpr double kSmallestPivot = 1e-10;

double Dot(const float* a, const float* b, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

void ScaleRow(double factor, int64_t n, float* row) {
  for (int64_t i = 0; i < n; ++i) row[i] = static_cast<float>(row[i] * factor);
}

// Lower triangular L with L L^T = `gram` of n by n, in place. Pivots that are
// not above the smallest are set to it.
void Cholesky(int64_t n, std::vector<double>& gram) {
  const auto at = [&](int64_t i, int64_t j) -> double& {
    return gram[static_cast<size_t>(i * n + j)];
  };
  double largest = 0;
  for (int64_t i = 0; i < n; ++i) largest = std::max(largest, at(i, i));
  const double smallest = std::max(largest * kSmallestPivot, 1e-300);
  for (int64_t j = 0; j < n; ++j) {
    double pivot = at(j, j);
    for (int64_t k = 0; k < j; ++k) pivot -= at(j, k) * at(j, k);
    at(j, j) = std::sqrt(std::max(pivot, smallest));
    for (int64_t i = j + 1; i < n; ++i) {
      double sum = at(i, j);
      for (int64_t k = 0; k < j; ++k) sum -= at(i, k) * at(j, k);
      at(i, j) = sum / at(j, j);
    }
  }
}

void NormalisePairs(int64_t head_dim, int64_t rotary_dim, Matrix& rows) {
  const int64_t half = rotary_dim / 2;
  for (int64_t first = 0; first < rows.rows(); first += head_dim) {
    for (int64_t pair = 0; pair < half; ++pair) {
      float* x = rows.row(first + pair);
      float* y = rows.row(first + pair + half);
      const double length =
          std::sqrt(Dot(x, x, rows.columns()) + Dot(y, y, rows.columns()));
      if (length == 0) continue;
      ScaleRow(1 / length, rows.columns(), x);
      ScaleRow(1 / length, rows.columns(), y);
    }
  }
}

// The rows of one key head that are not rotated, made orthonormal: K = L K',
// and Q' = L^T Q in each query head.
void OrthonormaliseKeys(const AttentionShape& shape, int64_t key_head,
                        LayerHeads& heads) {
  const int64_t n = shape.head_dim - shape.rotary_dim;
  const int64_t columns = heads.keys.columns();
  const auto key = [&](int64_t i) {
    return heads.keys.row(key_head * shape.head_dim + shape.rotary_dim + i);
  };
  std::vector<double> factor(static_cast<size_t>(n * n));
  const auto at = [&](int64_t i, int64_t j) -> double& {
    return factor[static_cast<size_t>(i * n + j)];
  };
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j <= i; ++j) at(i, j) = Dot(key(i), key(j), columns);
  }
  Cholesky(n, factor);
  const int64_t group = shape.num_heads / shape.num_kv_heads;
  std::vector<double> column(static_cast<size_t>(n));
  for (int64_t c = 0; c < columns; ++c) {
    for (int64_t i = 0; i < n; ++i) {  // forward substitution
      double sum = key(i)[c];
      for (int64_t k = 0; k < i; ++k) {
        sum -= at(i, k) * column[static_cast<size_t>(k)];
      }
      column[static_cast<size_t>(i)] = sum / at(i, i);
    }
    for (int64_t i = 0; i < n; ++i) {
      key(i)[c] = static_cast<float>(column[static_cast<size_t>(i)]);
    }
  }
  for (int64_t h = key_head * group; h < (key_head + 1) * group; ++h) {
    const auto query = [&](int64_t i) {
      return heads.queries.row(h * shape.head_dim + shape.rotary_dim + i);
    };
    double squares = 0;
    for (int64_t c = 0; c < columns; ++c) {
      for (int64_t i = 0; i < n; ++i) {
        double sum = 0;
        for (int64_t k = i; k < n; ++k) sum += at(k, i) * query(k)[c];
        column[static_cast<size_t>(i)] = sum;
        squares += sum * sum;
      }
      for (int64_t i = 0; i < n; ++i) {
        query(i)[c] = static_cast<float>(column[static_cast<size_t>(i)]);
      }
    }
    if (squares == 0) continue;
    for (int64_t i = 0; i < n; ++i) {
      ScaleRow(std::sqrt(static_cast<double>(n) / squares), columns, query(i));
    }
  }
}

Status AddGram(const Matrix& rows, std::vector<double>& total,
               memory::Budget& budget, Multiplier& multiplier) {
  REVLM_ASSIGN_OR_RETURN(const Matrix turned, rows.Transposed(budget));
  REVLM_ASSIGN_OR_RETURN(
      Matrix gram, Matrix::Create(rows.columns(), rows.columns(), budget));
  REVLM_TRY(multiplier.Multiply(turned, rows, gram));
  for (size_t i = 0; i < total.size(); ++i) total[i] += gram.values()[i];
  return {};
}

}  // namespace

void NormaliseHeads(const AttentionShape& shape, LayerHeads& heads) {
  NormalisePairs(shape.head_dim, shape.rotary_dim, heads.queries);
  NormalisePairs(shape.head_dim, shape.rotary_dim, heads.keys);
  if (shape.rotary_dim == shape.head_dim) return;
  for (int64_t head = 0; head < shape.num_kv_heads; ++head) {
    OrthonormaliseKeys(shape, head, heads);
  }
}

Result<Matrix> MakeWhitening(std::span<const LayerHeads> a,
                             std::span<const LayerHeads> b,
                             memory::Budget& budget, Multiplier& multiplier) {
  const int64_t m = a.front().queries.columns();
  std::vector<double> gram(static_cast<size_t>(m * m));
  for (const auto& side : {a, b}) {
    for (const LayerHeads& heads : side) {
      REVLM_TRY(AddGram(heads.queries, gram, budget, multiplier));
      REVLM_TRY(AddGram(heads.keys, gram, budget, multiplier));
    }
  }
  double trace = 0;
  for (int64_t i = 0; i < m; ++i) trace += gram[static_cast<size_t>(i * m + i)];
  if (trace == 0) trace = 1;
  for (double& value : gram) value /= trace;
  for (int64_t i = 0; i < m; ++i) {
    gram[static_cast<size_t>(i * m + i)] += kShrinkage / static_cast<double>(m);
  }
  Cholesky(m, gram);
  // W = L^-T, column by column of L^-1.
  REVLM_ASSIGN_OR_RETURN(Matrix whitening, Matrix::Create(m, m, budget));
  std::vector<double> column(static_cast<size_t>(m));
  for (int64_t c = 0; c < m; ++c) {
    for (int64_t i = c; i < m; ++i) {
      double sum = i == c ? 1 : 0;
      for (int64_t k = c; k < i; ++k) {
        sum -= gram[static_cast<size_t>(i * m + k)] *
               column[static_cast<size_t>(k)];
      }
      column[static_cast<size_t>(i)] =
          sum / gram[static_cast<size_t>(i * m + i)];
      whitening.row(c)[i] = static_cast<float>(column[static_cast<size_t>(i)]);
    }
  }
  return whitening;
}

Status Whiten(const Matrix& whitening, LayerHeads& heads,
              memory::Budget& budget, Multiplier& multiplier) {
  for (Matrix* rows : {&heads.queries, &heads.keys}) {
    REVLM_ASSIGN_OR_RETURN(
        Matrix whitened,
        Matrix::Create(rows->rows(), whitening.columns(), budget));
    REVLM_TRY(multiplier.Multiply(*rows, whitening, whitened));
    *rows = std::move(whitened);
  }
  return {};
}

}  // namespace revlm::fingerprint
