// Matrices of floats whose memory is reserved first, and their products.
//
// Products go through `Multiplier`, because the fast ones live in a module that
// this one may not include; `PlainMultiplier` is the definition they agree
// with.
//
// Threads: a Matrix is thread-compatible. Lifetime: of the budget. Memory: rows
// times columns floats, reserved as scratch. Errors: kBudgetExceeded. Products:
// each element is summed in an order that depends on the shapes alone.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>

#include "base/error.h"
#include "memory/budget.h"

namespace revlm::fingerprint {

class Matrix {
 public:
  Matrix() = default;
  // Of zeros. REQUIRES: sizes are not negative.
  static Result<Matrix> Create(int64_t rows, int64_t columns,
                               memory::Budget& budget);

  int64_t rows() const { return rows_; }
  int64_t columns() const { return columns_; }
  float* row(int64_t idx) { return values_.get() + idx * columns_; }
  const float* row(int64_t idx) const { return values_.get() + idx * columns_; }
  std::span<float> values() {
    return {values_.get(), static_cast<size_t>(rows_ * columns_)};
  }
  std::span<const float> values() const {
    return {values_.get(), static_cast<size_t>(rows_ * columns_)};
  }
  // Makes it `rows` high, of the rows it was made with.
  void Shrink(int64_t rows) { rows_ = rows; }

  Result<Matrix> Transposed(memory::Budget& budget) const;

 private:
  int64_t rows_ = 0;
  int64_t columns_ = 0;
  memory::Reservation held_;
  struct Free {
    void operator()(float* values) const { std::free(values); }
  };
  std::unique_ptr<float[], Free> values_;
};

class Multiplier {
 public:
  virtual ~Multiplier() = default;
  // out = a b, or a b^T. REQUIRES: shapes fit; `out` is neither a nor b.
  virtual Status Multiply(const Matrix& a, const Matrix& b, Matrix& out) = 0;
  virtual Status MultiplyTransposed(const Matrix& a, const Matrix& b,
                                    Matrix& out) = 0;
};

class PlainMultiplier final : public Multiplier {
 public:
  Status Multiply(const Matrix& a, const Matrix& b, Matrix& out) override;
  Status MultiplyTransposed(const Matrix& a, const Matrix& b,
                            Matrix& out) override;
};

}  // namespace revlm::fingerprint
