#include "verify/difference_structure.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "engine/kernels.h"
#include "fingerprint/matrix_testing.h"

namespace revlm::verify {
namespace {

using fingerprint::Matrix;
using fingerprint::Normal;
using fingerprint::RandomMatrix;

class DifferenceStructureTest : public ::testing::Test {
 protected:
  // As a quantiser with a symmetric grid stores it in BF16,
  // above 6 bits in F32.
  static void Quantise(int bits, int64_t group_size, Matrix& rows) {
    const double steps = std::ldexp(1, bits - 1) - 1;
    const int64_t size = group_size == 0 ? rows.columns() : group_size;
    for (int64_t i = 0; i < rows.rows(); ++i) {
      for (int64_t first = 0; first < rows.columns(); first += size) {
        float most = 0;
        for (int64_t j = first; j < first + size; ++j) {
          most = std::max(most, std::abs(rows.row(i)[j]));
        }
        const double step = most / steps;
        for (int64_t j = first; j < first + size; ++j) {
          const auto value =
              static_cast<float>(std::round(rows.row(i)[j] / step) * step);
          rows.row(i)[j] = value;
          if (bits > 6) continue;
          uint16_t half = 0;
          engine::BestKernels().narrow_to_bf16(&value, 1, &half);
          engine::BestKernels().widen(engine::ElementType::kBf16, &half, 1,
                                      &rows.row(i)[j]);
        }
      }
    }
  }

  DifferenceStructure Structure(const Matrix& difference) {
    const Matrix nothing =
        Matrix::Create(difference.rows(), difference.columns(), budget_)
            .value();
    return FindStructure(difference, nothing, difference.columns());
  }

  memory::Budget budget_{uint64_t{1} << 28};
  fingerprint::PlainMultiplier plain_;
};

TEST_F(DifferenceStructureTest, QuantisedRowsAreFoundWithBitsAndGroups) {
  for (const int bits : {2, 3, 4, 5, 8}) {
    for (const int32_t group_size : {0, 32, 64, 128}) {
      if (bits == 8 && group_size != 0) continue;
      Matrix rows = RandomMatrix(7, 16, 512, budget_);
      Quantise(bits, group_size, rows);
      const auto found = FindLattice(rows);
      ASSERT_TRUE(found) << bits << " bits, groups of " << group_size;
      EXPECT_EQ(*found, (Lattice{.bits = bits, .group_size = group_size}));
    }
  }
}

TEST_F(DifferenceStructureTest, WeightsThatWereNotRoundedLieOnNoLattice) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    EXPECT_FALSE(FindLattice(RandomMatrix(seed, 16, 256, budget_)));
    Matrix rows = RandomMatrix(seed, 16, 256, budget_);
    Quantise(4, 32, rows);
    for (float& value : rows.values()) value += 0.02F * value * value;
    EXPECT_FALSE(FindLattice(rows));
  }
}

TEST_F(DifferenceStructureTest, ZerosLieOnNoLattice) {
  const Matrix zeros = Matrix::Create(4, 64, budget_).value();
  EXPECT_FALSE(FindLattice(zeros));
}

TEST_F(DifferenceStructureTest, SingularValuesAreThoseOfTheGramMatrix) {
  // A diagonal, turned on both sides by reflections.
  Matrix matrix = Matrix::Create(5, 3, budget_).value();
  for (int64_t i = 0; i < 3; ++i) matrix.row(i)[i] = static_cast<float>(3 - i);
  const auto reflect = [](std::span<float> x) {
    float sum = 0;
    for (const float value : x) sum += value;
    for (float& value : x) value -= 2 * sum / static_cast<float>(x.size());
  };
  for (int64_t i = 0; i < 5; ++i) reflect({matrix.row(i), 3});
  for (int64_t j = 0; j < 3; ++j) {
    std::vector<float> column;
    for (int64_t i = 0; i < 5; ++i) column.push_back(matrix.row(i)[j]);
    reflect(column);
    for (int64_t i = 0; i < 5; ++i) {
      matrix.row(i)[j] = column[static_cast<size_t>(i)];
    }
  }
  std::vector<std::vector<double>> columns;
  for (int64_t j = 0; j < 3; ++j) {
    columns.emplace_back();
    for (int64_t i = 0; i < 5; ++i) columns.back().push_back(matrix.row(i)[j]);
  }
  const auto values = SingularValues(std::move(columns));
  ASSERT_EQ(values.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(values[i], 3 - static_cast<double>(i), 1e-5);
  }
}

TEST_F(DifferenceStructureTest, NoiseHasNoDirection) {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    EXPECT_EQ(Structure(RandomMatrix(seed, 96, 64, budget_)).shape,
              DifferenceShape::kNoise);
  }
}

TEST_F(DifferenceStructureTest, ALowRankDifferenceIsFoundUnderRounding) {
  const Matrix left = RandomMatrix(1, 128, 8, budget_);
  const Matrix right = RandomMatrix(2, 8, 96, budget_);
  Matrix difference = Matrix::Create(128, 96, budget_).value();
  ASSERT_TRUE(plain_.Multiply(left, right, difference));
  for (size_t i = 0; i < difference.values().size(); ++i) {
    difference.values()[i] += static_cast<float>(0.05 * Normal(3, i));
  }
  const DifferenceStructure found = Structure(difference);
  EXPECT_EQ(found.shape, DifferenceShape::kLowRank);
  EXPECT_EQ(found.rank, 8);
}

TEST_F(DifferenceStructureTest, ASpectrumThatFallsSlowlyIsNeither) {
  Matrix left = RandomMatrix(1, 96, 64, budget_);
  for (int64_t i = 0; i < 96; ++i) {
    for (int64_t j = 0; j < 64; ++j) {
      left.row(i)[j] /= static_cast<float>(1 + j);
    }
  }
  const Matrix right = RandomMatrix(2, 64, 96, budget_);
  Matrix difference = Matrix::Create(96, 96, budget_).value();
  ASSERT_TRUE(plain_.Multiply(left, right, difference));
  EXPECT_EQ(Structure(difference).shape, DifferenceShape::kOther);
}

TEST_F(DifferenceStructureTest, NoDifferenceHasNoStructure) {
  const Matrix zeros = Matrix::Create(4, 4, budget_).value();
  EXPECT_EQ(Structure(zeros).shape, DifferenceShape::kNone);
}

}  // namespace
}  // namespace revlm::verify
