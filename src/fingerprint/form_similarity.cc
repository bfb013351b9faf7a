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

// One rotary pair of every head of a layer, as complex rows.
class PairRows {
 public:
  PairRows(const Matrix& rows, const AttentionShape& shape, int64_t pair,
           Columns columns)
      : rows_(rows), columns_(columns) {
    for (int64_t first = 0; first < rows.rows(); first += shape.head_dim) {
      const int64_t x = first + pair;
      const int64_t y = x + shape.rotary_dim / 2;
      const double squares = DotOf(x, *this, x) + DotOf(y, *this, y);
      heads_.push_back({x, y, squares > 0 ? 1 / std::sqrt(squares) : 0});
    }
  }

  // <a, b> of unit rows, conjugate in the first.
  std::complex<double> Product(size_t head, const PairRows& other,
                               size_t other_head) const {
    const Head& a = heads_[head];
    const Head& b = other.heads_[other_head];
    const double re = DotOf(a.x, other, b.x) + DotOf(a.y, other, b.y);
    const double im = DotOf(a.x, other, b.y) - DotOf(a.y, other, b.x);
    return std::complex<double>(re, im) * (a.scale * b.scale);
  }
  size_t num_heads() const { return heads_.size(); }

 private:
  struct Head {
    int64_t x = 0;
    int64_t y = 0;
    double scale = 0;
  };

  double DotOf(int64_t row, const PairRows& other, int64_t other_row) const {
    return Dot(rows_.row(row) + columns_.first,
               other.rows_.row(other_row) + columns_.first, columns_.count);
  }

  const Matrix& rows_;
  const Columns columns_;
  std::vector<Head> heads_;
};

void AddPair(const AttentionShape& shape, const LayerHeads& a,
             const LayerHeads& b, int64_t pair, Columns columns,
             std::vector<double>& sums) {
  const PairRows queries_a(a.queries, shape, pair, columns);
  const PairRows queries_b(b.queries, shape, pair, columns);
  const PairRows keys_a(a.keys, shape, pair, columns);
  const PairRows keys_b(b.keys, shape, pair, columns);
  std::vector<std::complex<double>> keys;
  for (size_t i = 0; i < keys_a.num_heads(); ++i) {
    for (size_t j = 0; j < keys_b.num_heads(); ++j) {
      keys.push_back(keys_a.Product(i, keys_b, j));
    }
  }
  const auto group = static_cast<size_t>(shape.num_heads / shape.num_kv_heads);
  size_t at = 0;
  for (size_t i = 0; i < queries_a.num_heads(); ++i) {
    for (size_t j = 0; j < queries_b.num_heads(); ++j, ++at) {
      const std::complex<double> key =
          keys[i / group * keys_b.num_heads() + j / group];
      sums[at] += (queries_a.Product(i, queries_b, j) * std::conj(key)).real();
    }
  }
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

Result<Matrix> Products(const Matrix& a, const Matrix& b,
                        memory::Budget& budget, Multiplier& multiplier) {
  REVLM_ASSIGN_OR_RETURN(Matrix products,
                         Matrix::Create(a.rows(), b.rows(), budget));
  REVLM_TRY(multiplier.MultiplyTransposed(a, b, products));
  return products;
}

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
    AddPair(shape, a, b, pair, columns, sums);
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
