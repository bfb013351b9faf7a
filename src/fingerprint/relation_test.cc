#include "fingerprint/relation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <vector>

#include "fingerprint/form_similarity.h"
#include "fingerprint/matrix_testing.h"
#include "stats/binomial.h"

namespace revlm::fingerprint {
namespace {

constexpr AttentionShape kRotary = {
    .num_heads = 4, .num_kv_heads = 2, .head_dim = 8, .rotary_dim = 8};
constexpr AttentionShape kPartial = {
    .num_heads = 4, .num_kv_heads = 4, .head_dim = 8, .rotary_dim = 4};
constexpr AttentionShape kUnrotated = {
    .num_heads = 4, .num_kv_heads = 4, .head_dim = 8, .rotary_dim = 0};
constexpr AttentionShape kOneKey = {
    .num_heads = 4, .num_kv_heads = 1, .head_dim = 8, .rotary_dim = 8};
constexpr int64_t kDirections = 32;

using Layers = std::vector<LayerHeads>;

class RelationTestTest : public ::testing::Test {
 protected:
  Layers RandomModel(uint64_t seed, const AttentionShape& shape,
                     uint64_t num_layers) {
    Layers layers;
    for (uint64_t i = 0; i < num_layers; ++i) {
      layers.push_back(
          RandomHeads(seed * 1000 + i, shape, kDirections, budget_));
    }
    return layers;
  }
  Layers CopyOf(const Layers& from) {
    Layers layers;
    for (const LayerHeads& heads : from) {
      layers.push_back(
          {Copy(heads.queries, budget_), Copy(heads.keys, budget_)});
    }
    return layers;
  }
  void Blur(uint64_t seed, float size, Layers& layers) {
    uint64_t at = 0;
    for (LayerHeads& heads : layers) {
      for (Matrix* rows : {&heads.queries, &heads.keys}) {
        for (float& value : rows->values()) {
          value += size * static_cast<float>(Normal(seed, at++));
        }
      }
    }
  }
  RelationTest Run(const AttentionShape& shape, const Layers& from_a,
                   const Layers& from_b) {
    Layers a = CopyOf(from_a);
    Layers b = CopyOf(from_b);
    for (Layers* side : {&a, &b}) {
      for (LayerHeads& heads : *side) NormaliseHeads(shape, heads);
    }
    const Matrix whitening = MakeWhitening(a, b, budget_, plain_).value();
    for (Layers* side : {&a, &b}) {
      for (LayerHeads& heads : *side) {
        EXPECT_TRUE(Whiten(whitening, heads, budget_, plain_));
      }
    }
    return TestRelation(shape, a, b, budget_, plain_).value();
  }

  memory::Budget budget_{uint64_t{1} << 28};
  PlainMultiplier plain_;
};

// The forms themselves, as matrices over the directions of one half.
double ReferenceSimilarity(const AttentionShape& shape, const LayerHeads& a,
                           int64_t head_a, const LayerHeads& b, int64_t head_b,
                           int64_t first, int64_t count) {
  using Complex = std::complex<double>;
  const int64_t group = shape.num_heads / shape.num_kv_heads;
  const int64_t half = shape.rotary_dim / 2;
  const auto pair_form = [&](const LayerHeads& layer, int64_t head, int64_t p) {
    const int64_t q = head * shape.head_dim + p;
    const int64_t k = head / group * shape.head_dim + p;
    std::vector<Complex> form;
    double squares = 0;
    for (int64_t i = first; i < first + count; ++i) {
      for (int64_t j = first; j < first + count; ++j) {
        form.push_back(
            Complex(layer.queries.row(q)[i], layer.queries.row(q + half)[i]) *
            std::conj(
                Complex(layer.keys.row(k)[j], layer.keys.row(k + half)[j])));
        squares += std::norm(form.back());
      }
    }
    for (Complex& value : form) value /= std::sqrt(squares);
    return form;
  };
  const auto plain_form = [&](const LayerHeads& layer, int64_t head) {
    std::vector<Complex> form;
    double squares = 0;
    for (int64_t i = first; i < first + count; ++i) {
      for (int64_t j = first; j < first + count; ++j) {
        double sum = 0;
        for (int64_t r = shape.rotary_dim; r < shape.head_dim; ++r) {
          sum += static_cast<double>(
                     layer.queries.row(head * shape.head_dim + r)[i]) *
                 layer.keys.row(head / group * shape.head_dim + r)[j];
        }
        form.emplace_back(sum);
        squares += sum * sum;
      }
    }
    for (Complex& value : form) value /= std::sqrt(squares);
    return form;
  };
  const auto product = [](const std::vector<Complex>& x,
                          const std::vector<Complex>& y) {
    double sum = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      sum += (std::conj(x[i]) * y[i]).real();
    }
    return sum;
  };
  double sum = 0;
  for (int64_t p = 0; p < half; ++p) {
    sum += product(pair_form(a, head_a, p), pair_form(b, head_b, p));
  }
  const int64_t rest = shape.head_dim - shape.rotary_dim;
  if (rest > 0) {
    sum += product(plain_form(a, head_a), plain_form(b, head_b)) *
           static_cast<double>(rest) / 2;
  }
  return sum / (static_cast<double>(shape.head_dim) / 2);
}

TEST_F(RelationTestTest, SimilarityIsTheCosineOfTheForms) {
  for (const AttentionShape& shape : {kRotary, kPartial, kUnrotated, kOneKey}) {
    const LayerHeads a = RandomHeads(1, shape, kDirections, budget_);
    const LayerHeads b = RandomHeads(2, shape, kDirections, budget_);
    for (const Half half : {Half::kFirst, Half::kSecond}) {
      const auto found =
          FormSimilarity(shape, a, b, half, budget_, plain_).value();
      for (int64_t i = 0; i < shape.num_heads; ++i) {
        for (int64_t j = 0; j < shape.num_heads; ++j) {
          EXPECT_NEAR(
              found[static_cast<size_t>(i * shape.num_heads + j)],
              ReferenceSimilarity(shape, a, i, b, j,
                                  half == Half::kFirst ? 0 : kDirections / 2,
                                  kDirections / 2),
              1e-5);
        }
      }
    }
  }
}

TEST_F(RelationTestTest, IndependentModelsAreRarelyCalledRelated) {
  for (const AttentionShape& shape : {kRotary, kPartial, kUnrotated, kOneKey}) {
    constexpr uint64_t kPairs = 100;
    uint64_t errors = 0;
    for (uint64_t i = 0; i < kPairs; ++i) {
      const RelationTest test = Run(shape, RandomModel(2 * i + 1, shape, 2),
                                    RandomModel(2 * i + 2, shape, 2));
      errors += test.log_p <= std::log(0.01) ? 1 : 0;
      EXPECT_LT(std::abs(test.z), 4) << i;
    }
    EXPECT_LE(stats::LowerRateLimit(errors, kPairs, 0.05).value(), 0.01);
  }
}

TEST_F(RelationTestTest, ACopyIsFoundWhateverItsHeadsAreCalled) {
  for (const AttentionShape& shape : {kRotary, kPartial, kUnrotated}) {
    const Layers a = RandomModel(5, shape, 3);
    Layers b = CopyOf(a);
    const double clear = Run(shape, a, b).z;
    EXPECT_GT(clear, 25);
    // The two halves of the heads change places, keys with their queries.
    for (LayerHeads& heads : b) {
      for (Matrix* rows : {&heads.queries, &heads.keys}) {
        const int64_t middle = rows->rows() / 2;
        for (int64_t i = 0; i < middle; ++i) {
          std::swap_ranges(rows->row(i), rows->row(i) + kDirections,
                           rows->row(i + middle));
        }
      }
    }
    const RelationTest test = Run(shape, a, b);
    EXPECT_NEAR(test.z, clear, 0.01 * clear);
    EXPECT_EQ(test.layers[0].heads, (std::vector<int32_t>{2, 3, 0, 1}));
  }
}

// What cancels between queries and keys changes nothing.
TEST_F(RelationTestTest, ScalesAnglesAndMixedRowsChangeNothing) {
  for (const AttentionShape& shape : {kRotary, kPartial, kUnrotated, kOneKey}) {
    const Layers a = RandomModel(6, shape, 3);
    Layers b = CopyOf(a);
    const int64_t half = shape.rotary_dim / 2;
    uint64_t at = 0;
    for (LayerHeads& heads : b) {
      const int64_t group = shape.num_heads / shape.num_kv_heads;
      for (int64_t g = 0; g < shape.num_kv_heads; ++g) {
        for (int64_t p = 0; p < half; ++p) {
          ++at;
          const std::complex<double> factor =
              std::polar(std::exp(Normal(3, at)), 3 * Normal(4, at));
          const auto turn = [&](std::complex<double> by, int64_t row,
                                Matrix& rows) {
            for (int64_t j = 0; j < kDirections; ++j) {
              const auto value =
                  by * std::complex<double>(rows.row(row)[j],
                                            rows.row(row + half)[j]);
              rows.row(row)[j] = static_cast<float>(value.real());
              rows.row(row + half)[j] = static_cast<float>(value.imag());
            }
          };
          turn(1.0 / std::conj(factor), g * shape.head_dim + p, heads.keys);
          for (int64_t h = g * group; h < (g + 1) * group; ++h) {
            turn(factor, h * shape.head_dim + p, heads.queries);
          }
        }
        // Rows that are not rotated: one is added to another in the key, and
        // taken off the other way round in the queries.
        if (shape.rotary_dim == shape.head_dim) continue;
        const int64_t x = shape.head_dim - 2;
        const int64_t y = shape.head_dim - 1;
        for (int64_t j = 0; j < kDirections; ++j) {
          heads.keys.row(g * shape.head_dim + x)[j] +=
              2 * heads.keys.row(g * shape.head_dim + y)[j];
          for (int64_t h = g * group; h < (g + 1) * group; ++h) {
            heads.queries.row(h * shape.head_dim + y)[j] -=
                2 * heads.queries.row(h * shape.head_dim + x)[j];
          }
        }
      }
    }
    const double plain = Run(shape, a, CopyOf(a)).z;
    const RelationTest test = Run(shape, a, b);
    EXPECT_NEAR(test.matched, 1, 1e-3);
    EXPECT_NEAR(test.z, plain, 0.05 * plain);
  }
}

TEST_F(RelationTestTest, NoiseLowersSimilarityAsMuchAsItShould) {
  const Layers a = RandomModel(8, kRotary, 3);
  Layers b = CopyOf(a);
  Blur(9, 0.5F, b);
  const RelationTest test = Run(kRotary, a, b);
  EXPECT_GT(test.z, 25);
  EXPECT_LT(test.matched, 0.9);
  EXPECT_GT(test.matched, 0.6);
}

TEST_F(RelationTestTest, DroppedLayersAreNamed) {
  const Layers a = RandomModel(10, kRotary, 6);
  Layers b = CopyOf(a);
  Blur(11, 0.3F, b);
  b.erase(b.begin() + 4);
  b.erase(b.begin() + 2);
  const RelationTest test = Run(kRotary, a, b);
  EXPECT_GT(test.z, 25);
  std::vector<LayerPair> found;
  for (const MatchedLayers& layers : test.layers) {
    found.push_back(layers.layers);
  }
  EXPECT_EQ(found, (std::vector<LayerPair>{{0, 0}, {1, 1}, {3, 2}, {5, 3}}));
}

}  // namespace
}  // namespace revlm::fingerprint
