#include "fingerprint/form_similarity.h"

#include <cmath>
#include <complex>

namespace revlm::fingerprint {
namespace {

// The directions of one half.
struct Columns {
  int64_t first = 0;
  int64_t count = 0;
};

Columns ColumnsOf(const LayerHeads& heads, Half half) {
  const int64_t middle = heads.queries.columns() / 2;
  if (half == Half::kFirst) return {0, middle};
  return {middle, heads.queries.columns() - middle};
}

double Dot(const float* a, const float* b, int64_t n) {
  // Eight sums, so that the compiler may use vectors.
  float sums[8] = {};
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    for (int64_t j = 0; j < 8; ++j) sums[j] += a[i + j] * b[i + j];
  }
  double sum = 0;
  for (; i < n; ++i) sum += static_cast<double>(a[i]) * b[i];
  for (const float part : sums) sum += part;
  return sum;
}

Result<Matrix> Products(const Matrix& a, const Matrix& b,
                        memory::Budget& budget, Multiplier& multiplier) {
  REVLM_ASSIGN_OR_RETURN(Matrix products,
                         Matrix::Create(a.rows(), b.rows(), budget));
  REVLM_TRY(multiplier.MultiplyTransposed(a, b, products));
  return products;
}

// One rotary pair of every head of a layer, as complex rows of unit length: the
// real parts of all heads, then the imaginary ones.
Result<Matrix> PairRows(const Matrix& rows, const AttentionShape& shape,
                        int64_t pair, Columns columns, memory::Budget& budget) {
  const int64_t num_heads = rows.rows() / shape.head_dim;
  REVLM_ASSIGN_OR_RETURN(Matrix result,
                         Matrix::Create(2 * num_heads, columns.count, budget));
  for (int64_t head = 0; head < num_heads; ++head) {
    const float* x = rows.row(head * shape.head_dim + pair) + columns.first;
    const float* y = x + shape.rotary_dim / 2 * rows.columns();
    const double squares = Dot(x, x, columns.count) + Dot(y, y, columns.count);
    const auto scale =
        static_cast<float>(squares > 0 ? 1 / std::sqrt(squares) : 0);
    for (int64_t j = 0; j < columns.count; ++j) {
      result.row(head)[j] = x[j] * scale;
      result.row(num_heads + head)[j] = y[j] * scale;
    }
  }
  return result;
}

// <a, b> of each row of `a` and each of `b`, conjugate in the first.
class PairProducts {
 public:
  static Result<PairProducts> Make(const Matrix& a, const Matrix& b,
                                   const AttentionShape& shape, int64_t pair,
                                   Columns columns, memory::Budget& budget,
                                   Multiplier& multiplier) {
    REVLM_ASSIGN_OR_RETURN(const Matrix rows_a,
                           PairRows(a, shape, pair, columns, budget));
    REVLM_ASSIGN_OR_RETURN(const Matrix rows_b,
                           PairRows(b, shape, pair, columns, budget));
    PairProducts result;
    REVLM_ASSIGN_OR_RETURN(result.parts_,
                           Products(rows_a, rows_b, budget, multiplier));
    return result;
  }
  std::complex<double> At(int64_t a, int64_t b) const {
    const float* real = parts_.row(a) + b;
    const float* imaginary = parts_.row(parts_.rows() / 2 + a) + b;
    const int64_t other = parts_.columns() / 2;
    return {static_cast<double>(real[0]) + imaginary[other],
            static_cast<double>(real[other]) - imaginary[0]};
  }

 private:
  Matrix parts_;
};

Status AddPair(const AttentionShape& shape, const LayerHeads& a,
               const LayerHeads& b, int64_t pair, Columns columns,
               memory::Budget& budget, Multiplier& multiplier,
               std::vector<double>& sums) {
  REVLM_ASSIGN_OR_RETURN(const PairProducts queries,
                         PairProducts::Make(a.queries, b.queries, shape, pair,
                                            columns, budget, multiplier));
  REVLM_ASSIGN_OR_RETURN(const PairProducts keys,
                         PairProducts::Make(a.keys, b.keys, shape, pair,
                                            columns, budget, multiplier));
  const int64_t group = shape.num_heads / shape.num_kv_heads;
  size_t at = 0;
  for (int64_t i = 0; i < shape.num_heads; ++i) {
    for (int64_t j = 0; j < shape.num_heads; ++j, ++at) {
      sums[at] +=
          (queries.At(i, j) * std::conj(keys.At(i / group, j / group))).real();
    }
  }
  return {};
}

// The rows of all heads that are not rotated, over some directions.
Result<Matrix> UnrotatedRows(const AttentionShape& shape, const Matrix& rows,
                             Columns columns, memory::Budget& budget) {
  const int64_t n = shape.head_dim - shape.rotary_dim;
  const int64_t num_heads = rows.rows() / shape.head_dim;
  REVLM_ASSIGN_OR_RETURN(Matrix result,
                         Matrix::Create(num_heads * n, columns.count, budget));
  for (int64_t i = 0; i < result.rows(); ++i) {
    const float* from =
        rows.row(i / n * shape.head_dim + shape.rotary_dim + i % n) +
        columns.first;
    std::copy(from, from + columns.count, result.row(i));
  }
  return result;
}

// <q^T k, q'^T k'> of a head of each of two layers is the sum over i and j of
// (q q'^T)_ij (k k'^T)_ij.
double FormProduct(const Matrix& queries, const Matrix& keys, int64_t n,
                   int64_t query_a, int64_t query_b, int64_t key_a,
                   int64_t key_b) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) {
    sum += Dot(queries.row(query_a * n + i) + query_b * n,
               keys.row(key_a * n + i) + key_b * n, n);
  }
  return sum;
}

struct Unrotated {
  Matrix queries;
  Matrix keys;
  std::vector<double> sizes;  // |q^T k| of each head
};

Result<Unrotated> MakeUnrotated(const AttentionShape& shape,
                                const LayerHeads& heads, Columns columns,
                                memory::Budget& budget,
                                Multiplier& multiplier) {
  Unrotated result;
  REVLM_ASSIGN_OR_RETURN(result.queries,
                         UnrotatedRows(shape, heads.queries, columns, budget));
  REVLM_ASSIGN_OR_RETURN(result.keys,
                         UnrotatedRows(shape, heads.keys, columns, budget));
  const int64_t n = shape.head_dim - shape.rotary_dim;
  const int64_t group = shape.num_heads / shape.num_kv_heads;
  REVLM_ASSIGN_OR_RETURN(
      const Matrix queries,
      Products(result.queries, result.queries, budget, multiplier));
  REVLM_ASSIGN_OR_RETURN(const Matrix keys, Products(result.keys, result.keys,
                                                     budget, multiplier));
  for (int64_t h = 0; h < shape.num_heads; ++h) {
    const double squares =
        FormProduct(queries, keys, n, h, h, h / group, h / group);
    result.sizes.push_back(std::sqrt(std::max(squares, 0.0)));
  }
  return result;
}

Status AddUnrotated(const AttentionShape& shape, const LayerHeads& a,
                    const LayerHeads& b, Columns columns,
                    memory::Budget& budget, Multiplier& multiplier,
                    std::vector<double>& sums) {
  REVLM_ASSIGN_OR_RETURN(const Unrotated rows_a,
                         MakeUnrotated(shape, a, columns, budget, multiplier));
  REVLM_ASSIGN_OR_RETURN(const Unrotated rows_b,
                         MakeUnrotated(shape, b, columns, budget, multiplier));
  REVLM_ASSIGN_OR_RETURN(
      const Matrix queries,
      Products(rows_a.queries, rows_b.queries, budget, multiplier));
  REVLM_ASSIGN_OR_RETURN(const Matrix keys, Products(rows_a.keys, rows_b.keys,
                                                     budget, multiplier));
  const int64_t n = shape.head_dim - shape.rotary_dim;
  const int64_t group = shape.num_heads / shape.num_kv_heads;
  size_t at = 0;
  for (int64_t i = 0; i < shape.num_heads; ++i) {
    for (int64_t j = 0; j < shape.num_heads; ++j, ++at) {
      const double size = rows_a.sizes[static_cast<size_t>(i)] *
                          rows_b.sizes[static_cast<size_t>(j)];
      if (size == 0) continue;
      sums[at] += FormProduct(queries, keys, n, i, j, i / group, j / group) /
                  size * static_cast<double>(n) / 2;
    }
  }
  return {};
}

}  // namespace

Result<std::vector<float>> FormSimilarity(const AttentionShape& shape,
                                          const LayerHeads& a,
                                          const LayerHeads& b, Half half,
                                          memory::Budget& budget,
                                          Multiplier& multiplier) {
  const Columns columns = ColumnsOf(a, half);
  std::vector<double> sums(
      static_cast<size_t>(shape.num_heads * shape.num_heads));
  for (int64_t pair = 0; pair < shape.rotary_dim / 2; ++pair) {
    REVLM_TRY(AddPair(shape, a, b, pair, columns, budget, multiplier, sums));
  }
  if (shape.rotary_dim < shape.head_dim) {
    REVLM_TRY(AddUnrotated(shape, a, b, columns, budget, multiplier, sums));
  }
  const double weight = static_cast<double>(shape.head_dim) / 2;
  std::vector<float> similarity;
  for (const double sum : sums) {
    const double value = sum / weight;
    similarity.push_back(std::isfinite(value) ? static_cast<float>(value) : 0);
  }
  return similarity;
}

}  // namespace revlm::fingerprint
