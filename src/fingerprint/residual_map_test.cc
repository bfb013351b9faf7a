#include "fingerprint/residual_map.h"

#include <gtest/gtest.h>

#include <cmath>

#include "fingerprint/matrix_testing.h"

namespace revlm::fingerprint {
namespace {

constexpr int64_t kWidth = 24;
constexpr int64_t kTokens = 200;

class ResidualMapTest : public ::testing::Test {
 protected:
  // Rows of unlike length and with a mean, as embeddings are.
  Matrix Tokens(uint64_t seed) {
    Matrix tokens = RandomMatrix(seed, kTokens, kWidth, budget_);
    for (int64_t i = 0; i < kTokens; ++i) {
      for (int64_t j = 0; j < kWidth; ++j) {
        tokens.row(i)[j] = tokens.row(i)[j] / static_cast<float>(1 + j / 6) + 3;
      }
    }
    return tokens;
  }
  // An orthogonal matrix: Gram-Schmidt of a random one.
  Matrix Rotation(uint64_t seed) {
    Matrix rows = RandomMatrix(seed, kWidth, kWidth, budget_);
    for (int64_t i = 0; i < kWidth; ++i) {
      for (int64_t k = 0; k <= i; ++k) {
        double along = 0;
        for (int64_t j = 0; j < kWidth; ++j) {
          along += static_cast<double>(rows.row(i)[j]) * rows.row(k)[j];
        }
        for (int64_t j = 0; j < kWidth; ++j) {
          rows.row(i)[j] =
              k == i
                  ? static_cast<float>(rows.row(i)[j] / std::sqrt(along))
                  : static_cast<float>(rows.row(i)[j] - along * rows.row(k)[j]);
        }
      }
    }
    return rows;
  }
  Matrix Product(const Matrix& a, const Matrix& b) {
    Matrix out = Matrix::Create(a.rows(), b.columns(), budget_).value();
    EXPECT_TRUE(plain_.Multiply(a, b, out));
    return out;
  }
  Matrix MapBetween(const Matrix& a, const Matrix& b) {
    TokenMoments moments =
        TokenMoments::Create(kWidth, kWidth, budget_).value();
    EXPECT_TRUE(moments.Add(a, b, budget_, plain_));
    Matrix total = Matrix::Create(kWidth, kWidth, budget_).value();
    moments.AddTo(total);
    return SoftPolar(std::move(total), budget_, plain_).value();
  }
  static double Distance(const Matrix& a, const Matrix& b) {
    double squares = 0;
    for (size_t i = 0; i < a.values().size(); ++i) {
      const double difference = a.values()[i] - b.values()[i];
      squares += difference * difference;
    }
    return std::sqrt(squares);
  }

  memory::Budget budget_{uint64_t{1} << 26};
  PlainMultiplier plain_;
};

TEST_F(ResidualMapTest, ARotationIsFoundFromTheTokens) {
  const Matrix a = Tokens(1);
  const Matrix rotation = Rotation(2);
  EXPECT_LT(Distance(MapBetween(a, Product(a, rotation)), rotation), 1e-3);
}

TEST_F(ResidualMapTest, NoiseOnTheTokensHardlyMovesIt) {
  const Matrix a = Tokens(1);
  const Matrix rotation = Rotation(2);
  Matrix b = Product(a, rotation);
  for (size_t i = 0; i < b.values().size(); ++i) {
    b.values()[i] += static_cast<float>(0.05 * Normal(3, i));
  }
  EXPECT_LT(Distance(MapBetween(a, b), rotation), 0.3);
}

// The polar factor maximises tr(X^T M): no other orthogonal matrix does better.
TEST_F(ResidualMapTest, NoRotationFitsBetterThanThePolarFactor) {
  const Matrix m = RandomMatrix(4, kWidth, kWidth, budget_);
  const Matrix polar = SoftPolar(Copy(m, budget_), budget_, plain_).value();
  const auto fit = [&](const Matrix& x) {
    double sum = 0;
    for (size_t i = 0; i < x.values().size(); ++i) {
      sum += static_cast<double>(x.values()[i]) * m.values()[i];
    }
    return sum;
  };
  for (uint64_t seed = 0; seed < 50; ++seed) {
    EXPECT_LE(fit(Rotation(seed)), fit(polar));
  }
}

TEST_F(ResidualMapTest, NothingInCommonGivesAMapOfZeros) {
  Matrix nothing = Matrix::Create(kWidth, kWidth, budget_).value();
  const Matrix map = SoftPolar(std::move(nothing), budget_, plain_).value();
  for (const float value : map.values()) EXPECT_EQ(value, 0);
}

TEST_F(ResidualMapTest, TheBasisIsOrthonormalAndTurnsWithTheTokens) {
  const Matrix tokens = Tokens(5);
  const Matrix rotation = Rotation(6);
  const Matrix basis = TokenBasis(tokens, kWidth, budget_).value();
  ASSERT_EQ(basis.columns(), kWidth);
  for (int64_t x = 0; x < kWidth; ++x) {
    for (int64_t y = 0; y < kWidth; ++y) {
      double sum = 0;
      for (int64_t i = 0; i < kWidth; ++i) {
        sum += static_cast<double>(basis.row(i)[x]) * basis.row(i)[y];
      }
      EXPECT_NEAR(sum, x == y ? 1 : 0, 1e-5);
    }
  }
  const Matrix turned =
      TokenBasis(Product(tokens, rotation), kWidth, budget_).value();
  const Matrix back = Product(rotation, turned);
  EXPECT_LT(Distance(back, basis), 1e-2);
}

TEST_F(ResidualMapTest, TheBasisLeavesOutWhatNoTokenSpans) {
  Matrix tokens = Tokens(7);
  for (int64_t i = 0; i < kTokens; ++i) {
    tokens.row(i)[3] = tokens.row(i)[4];
    tokens.row(i)[9] = 0;
  }
  EXPECT_EQ(TokenBasis(tokens, kWidth, budget_).value().columns(), kWidth - 2);
}

}  // namespace
}  // namespace revlm::fingerprint
