#include "verify/engine_multiplier.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "fingerprint/matrix_testing.h"

namespace revlm::verify {
namespace {

using fingerprint::Matrix;
using fingerprint::RandomMatrix;

struct Shape {
  int64_t rows;
  int64_t inner;
  int64_t columns;
};
// Around the height of a tile, and single rows and columns.
constexpr Shape kShapes[] = {{1, 1, 1},    {3, 5, 7},     {128, 64, 32},
                             {129, 33, 1}, {300, 17, 40}, {127, 100, 65}};

class EngineMultiplierTest : public ::testing::Test {
 protected:
  static void ExpectNear(const Matrix& found, const Matrix& expected,
                         int64_t inner) {
    for (size_t i = 0; i < found.values().size(); ++i) {
      ASSERT_NEAR(found.values()[i], expected.values()[i],
                  1e-5 * std::sqrt(static_cast<double>(inner)) * 10);
    }
  }

  memory::Budget budget_{uint64_t{1} << 28};
  fingerprint::PlainMultiplier plain_;
};

TEST_F(EngineMultiplierTest, AgreesWithTheDefinition) {
  engine::ThreadPool pool(2);
  EngineMultiplier fast(pool, budget_);
  for (const Shape& shape : kShapes) {
    const Matrix a = RandomMatrix(1, shape.rows, shape.inner, budget_);
    const Matrix b = RandomMatrix(2, shape.inner, shape.columns, budget_);
    const Matrix turned = b.Transposed(budget_).value();
    Matrix expected =
        Matrix::Create(shape.rows, shape.columns, budget_).value();
    Matrix found = Matrix::Create(shape.rows, shape.columns, budget_).value();
    ASSERT_TRUE(plain_.Multiply(a, b, expected));
    ASSERT_TRUE(fast.Multiply(a, b, found));
    ExpectNear(found, expected, shape.inner);
    ASSERT_TRUE(plain_.MultiplyTransposed(a, turned, expected));
    ASSERT_TRUE(fast.MultiplyTransposed(a, turned, found));
    ExpectNear(found, expected, shape.inner);
  }
}

TEST_F(EngineMultiplierTest, ThreadsChangeNoBit) {
  const Matrix a = RandomMatrix(1, 700, 90, budget_);
  const Matrix b = RandomMatrix(2, 90, 50, budget_);
  engine::ThreadPool one(1);
  engine::ThreadPool three(3);
  Matrix alone = Matrix::Create(700, 50, budget_).value();
  Matrix together = Matrix::Create(700, 50, budget_).value();
  ASSERT_TRUE(EngineMultiplier(one, budget_).Multiply(a, b, alone));
  ASSERT_TRUE(EngineMultiplier(three, budget_).Multiply(a, b, together));
  EXPECT_EQ(std::memcmp(alone.values().data(), together.values().data(),
                        alone.values().size_bytes()),
            0);
}

TEST_F(EngineMultiplierTest, ScratchIsGivenBack) {
  const uint64_t before = budget_.reserved_bytes();
  {
    engine::ThreadPool pool(2);
    EngineMultiplier fast(pool, budget_);
    const Matrix a = RandomMatrix(1, 40, 40, budget_);
    Matrix out = Matrix::Create(40, 40, budget_).value();
    ASSERT_TRUE(fast.Multiply(a, a, out));
  }
  EXPECT_EQ(budget_.reserved_bytes(), before);
}

TEST_F(EngineMultiplierTest, StopsOnRequest) {
  engine::ThreadPool pool(1);
  std::stop_source stop;
  EngineMultiplier fast(pool, budget_, stop.get_token());
  const Matrix a = RandomMatrix(1, 4, 4, budget_);
  Matrix out = Matrix::Create(4, 4, budget_).value();
  ASSERT_TRUE(fast.Multiply(a, a, out));
  stop.request_stop();
  const Status status = fast.Multiply(a, a, out);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kCancelled);
}

}  // namespace
}  // namespace revlm::verify
