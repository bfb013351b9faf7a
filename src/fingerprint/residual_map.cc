#include "fingerprint/residual_map.h"

#include <algorithm>
#include <cmath>

namespace revlm::fingerprint {
namespace {

constexpr int kPowerSteps = 30;
constexpr int kNewtonSteps = 24;

void AddSums(const Matrix& rows, std::vector<double>& sum, double& squares) {
  for (int64_t i = 0; i < rows.rows(); ++i) {
    for (int64_t j = 0; j < rows.columns(); ++j) {
      const double value = rows.row(i)[j];
      sum[static_cast<size_t>(j)] += value;
      squares += value * value;
    }
  }
}

// y = m x, in double; `transposed`: y = m^T x.
std::vector<double> Apply(const Matrix& m, const std::vector<double>& x) {
  std::vector<double> y(static_cast<size_t>(m.rows()));
  for (int64_t i = 0; i < m.rows(); ++i) {
    double sum = 0;
    for (int64_t j = 0; j < m.columns(); ++j) {
      sum += m.row(i)[j] * x[static_cast<size_t>(j)];
    }
    y[static_cast<size_t>(i)] = sum;
  }
  return y;
}

std::vector<double> ApplyTransposed(const Matrix& m,
                                    const std::vector<double>& x) {
  std::vector<double> y(static_cast<size_t>(m.columns()));
  for (int64_t i = 0; i < m.rows(); ++i) {
    for (int64_t j = 0; j < m.columns(); ++j) {
      y[static_cast<size_t>(j)] += m.row(i)[j] * x[static_cast<size_t>(i)];
    }
  }
  return y;
}

double Norm(const std::vector<double>& x) {
  double sum = 0;
  for (const double value : x) sum += value * value;
  return std::sqrt(sum);
}

// About the largest singular value, from below. It starts from the longest row,
// which lies in the span whatever the basis.
double LargestSingularValue(const Matrix& m) {
  int64_t longest = 0;
  double longest_squares = 0;
  for (int64_t i = 0; i < m.rows(); ++i) {
    double squares = 0;
    for (int64_t j = 0; j < m.columns(); ++j) {
      squares += static_cast<double>(m.row(i)[j]) * m.row(i)[j];
    }
    if (squares > longest_squares) {
      longest_squares = squares;
      longest = i;
    }
  }
  if (longest_squares == 0) return 0;
  std::vector<double> x(m.row(longest), m.row(longest) + m.columns());
  double value = 0;
  for (int step = 0; step < kPowerSteps; ++step) {
    const double norm = Norm(x);
    if (norm == 0) return 0;
    for (double& element : x) element /= norm;
    const std::vector<double> y = Apply(m, x);
    value = Norm(y);
    x = ApplyTransposed(m, y);
  }
  return value;
}

void Scale(double factor, Matrix& matrix) {
  for (float& value : matrix.values()) {
    value = static_cast<float>(value * factor);
  }
}

}  // namespace

Result<TokenMoments> TokenMoments::Create(int64_t width_a, int64_t width_b,
                                          memory::Budget& budget) {
  TokenMoments moments;
  REVLM_ASSIGN_OR_RETURN(moments.products_,
                         Matrix::Create(width_a, width_b, budget));
  moments.sum_a_.resize(static_cast<size_t>(width_a));
  moments.sum_b_.resize(static_cast<size_t>(width_b));
  return moments;
}

Status TokenMoments::Add(const Matrix& rows_a, const Matrix& rows_b,
                         memory::Budget& budget, Multiplier& multiplier) {
  REVLM_ASSIGN_OR_RETURN(const Matrix turned, rows_a.Transposed(budget));
  REVLM_ASSIGN_OR_RETURN(
      Matrix block, Matrix::Create(rows_a.columns(), rows_b.columns(), budget));
  REVLM_TRY(multiplier.Multiply(turned, rows_b, block));
  const auto added = block.values();
  const auto total = products_.values();
  for (size_t i = 0; i < total.size(); ++i) total[i] += added[i];
  AddSums(rows_a, sum_a_, squares_a_);
  AddSums(rows_b, sum_b_, squares_b_);
  num_tokens_ += rows_a.rows();
  return {};
}

void TokenMoments::AddTo(Matrix& total) const {
  if (num_tokens_ == 0) return;
  const auto n = static_cast<double>(num_tokens_);
  const auto centred = [&](double squares, const std::vector<double>& sum) {
    const double length = Norm(sum);
    return std::max(0.0, squares - length * length / n);
  };
  const double size = std::sqrt(centred(squares_a_, sum_a_)) *
                      std::sqrt(centred(squares_b_, sum_b_));
  if (size == 0) return;
  for (int64_t i = 0; i < total.rows(); ++i) {
    for (int64_t j = 0; j < total.columns(); ++j) {
      const double product =
          products_.row(i)[j] -
          sum_a_[static_cast<size_t>(i)] * sum_b_[static_cast<size_t>(j)] / n;
      total.row(i)[j] += static_cast<float>(product / size);
    }
  }
}

Result<Matrix> SoftPolar(Matrix matrix, memory::Budget& budget,
                         Multiplier& multiplier) {
  const double largest = LargestSingularValue(matrix);
  if (largest == 0) return matrix;
  Scale(1 / largest, matrix);
  REVLM_ASSIGN_OR_RETURN(
      Matrix gram, Matrix::Create(matrix.columns(), matrix.columns(), budget));
  REVLM_ASSIGN_OR_RETURN(
      Matrix step, Matrix::Create(matrix.rows(), matrix.columns(), budget));
  for (int i = 0; i < kNewtonSteps; ++i) {
    {
      REVLM_ASSIGN_OR_RETURN(const Matrix turned, matrix.Transposed(budget));
      REVLM_TRY(multiplier.Multiply(turned, matrix, gram));
    }
    REVLM_TRY(multiplier.Multiply(matrix, gram, step));
    const auto x = matrix.values();
    const auto cubic = step.values();
    for (size_t j = 0; j < x.size(); ++j) {
      x[j] = 1.5F * x[j] - 0.5F * cubic[j];
    }
  }
  return matrix;
}

Result<Matrix> TokenBasis(const Matrix& tokens, int64_t num_columns,
                          memory::Budget& budget) {
  const int64_t width = tokens.columns();
  REVLM_ASSIGN_OR_RETURN(
      Matrix found,
      Matrix::Create(std::min({num_columns, tokens.rows(), width}), width,
                     budget));
  std::vector<double> mean(static_cast<size_t>(width));
  double squares = 0;
  AddSums(tokens, mean, squares);
  for (double& value : mean) value /= static_cast<double>(tokens.rows());
  // Gram-Schmidt, each row twice, which is enough (Giraud, Langou and
  // Rozloznik 2005). What little remains of a row that others span is rounding.
  constexpr double kSmallest = 1e-3;
  int64_t count = 0;
  std::vector<double> rest(static_cast<size_t>(width));
  for (int64_t i = 0; i < tokens.rows() && count < found.rows(); ++i) {
    for (size_t j = 0; j < rest.size(); ++j) {
      rest[j] = tokens.row(i)[j] - mean[j];
    }
    const double length = Norm(rest);
    if (length == 0) continue;
    for (double& value : rest) value /= length;
    for (int pass = 0; pass < 2; ++pass) {
      for (int64_t k = 0; k < count; ++k) {
        const float* other = found.row(k);
        double along = 0;
        for (size_t j = 0; j < rest.size(); ++j) along += rest[j] * other[j];
        for (size_t j = 0; j < rest.size(); ++j) rest[j] -= along * other[j];
      }
    }
    const double left = Norm(rest);
    if (left < kSmallest) continue;
    for (size_t j = 0; j < rest.size(); ++j) {
      found.row(count)[j] = static_cast<float>(rest[j] / left);
    }
    ++count;
  }
  count -= count % 2;  // halves of equal size
  REVLM_ASSIGN_OR_RETURN(Matrix basis, Matrix::Create(width, count, budget));
  for (int64_t k = 0; k < count; ++k) {
    const int64_t column = k % 2 == 0 ? k / 2 : count / 2 + k / 2;
    for (int64_t j = 0; j < width; ++j) basis.row(j)[column] = found.row(k)[j];
  }
  return basis;
}

}  // namespace revlm::fingerprint
