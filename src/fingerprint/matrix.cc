#include "fingerprint/matrix.h"

#include <algorithm>
#include <cstdlib>

#include "base/bytes.h"
#include "base/check.h"

namespace revlm::fingerprint {

Result<Matrix> Matrix::Create(int64_t rows, int64_t columns,
                              memory::Budget& budget) {
  REVLM_CHECK(rows >= 0 && columns >= 0);
  const auto count = base::CheckedMultiply(static_cast<uint64_t>(rows),
                                           static_cast<uint64_t>(columns));
  const auto bytes =
      count ? base::CheckedMultiply(*count, sizeof(float)) : count;
  if (!bytes) {
    return base::MakeError(ErrorCode::kBudgetExceeded,
                           "making a matrix of {} by {}: more than any memory",
                           rows, columns);
  }
  Matrix matrix;
  REVLM_ASSIGN_OR_RETURN(matrix.held_,
                         budget.Reserve(*bytes, memory::Use::kScratch));
  // Zeros from calloc cost nothing where the system has just given the pages.
  matrix.values_.reset(static_cast<float*>(
      std::calloc(std::max<size_t>(*count, 1), sizeof(float))));
  if (matrix.values_ == nullptr) {
    return base::MakeError(ErrorCode::kBudgetExceeded,
                           "making a matrix of {} by {}: the system has no "
                           "{} bytes",
                           rows, columns, *bytes);
  }
  matrix.rows_ = rows;
  matrix.columns_ = columns;
  return matrix;
}

Result<Matrix> Matrix::Transposed(memory::Budget& budget) const {
  REVLM_ASSIGN_OR_RETURN(Matrix result, Create(columns_, rows_, budget));
  constexpr int64_t kBlock = 32;  // so that both sides stay in cache
  for (int64_t i0 = 0; i0 < rows_; i0 += kBlock) {
    for (int64_t j0 = 0; j0 < columns_; j0 += kBlock) {
      for (int64_t i = i0; i < std::min(i0 + kBlock, rows_); ++i) {
        for (int64_t j = j0; j < std::min(j0 + kBlock, columns_); ++j) {
          result.row(j)[i] = row(i)[j];
        }
      }
    }
  }
  return result;
}

Status PlainMultiplier::Multiply(const Matrix& a, const Matrix& b,
                                 Matrix& out) {
  REVLM_CHECK(a.columns() == b.rows() && out.rows() == a.rows() &&
              out.columns() == b.columns());
  std::ranges::fill(out.values(), 0.0F);
  for (int64_t i = 0; i < a.rows(); ++i) {
    float* sum = out.row(i);
    for (int64_t k = 0; k < a.columns(); ++k) {
      const float factor = a.row(i)[k];
      const float* terms = b.row(k);
      for (int64_t j = 0; j < b.columns(); ++j) sum[j] += factor * terms[j];
    }
  }
  return {};
}

Status PlainMultiplier::MultiplyTransposed(const Matrix& a, const Matrix& b,
                                           Matrix& out) {
  REVLM_CHECK(a.columns() == b.columns() && out.rows() == a.rows() &&
              out.columns() == b.rows());
  for (int64_t i = 0; i < a.rows(); ++i) {
    for (int64_t j = 0; j < b.rows(); ++j) {
      double sum = 0;
      for (int64_t k = 0; k < a.columns(); ++k) {
        sum += static_cast<double>(a.row(i)[k]) * b.row(j)[k];
      }
      out.row(i)[j] = static_cast<float>(sum);
    }
  }
  return {};
}

}  // namespace revlm::fingerprint
