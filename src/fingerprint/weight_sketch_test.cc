#include "fingerprint/weight_sketch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <set>
#include <vector>

#include "fingerprint/weight_similarity.h"
#include "fingerprint/weights_testing.h"

namespace revlm::fingerprint {
namespace {

using ::testing::ElementsAre;
using testing::MakeSmallModel;
using ::testing::Pair;
using testing::SketchModel;
using testing::SmallModel;
using testing::WithRandomSigns;

WeightSimilarity Compare(const SmallModel& a, const SmallModel& b) {
  const auto similarity = CompareWeightSketches(SketchModel(a), SketchModel(b));
  EXPECT_TRUE(similarity);
  return similarity.value_or(WeightSimilarity());
}

// The plain way, of models whose layers and heads are in the same order.
double PlainZ(const WeightSketch& a, const WeightSketch& b) {
  double sum = 0;
  double squares = 0;
  for (uint32_t layer = 0; layer < a.num_layers(); ++layer) {
    for (uint32_t key_head = 0; key_head < a.num_key_heads(); ++key_head) {
      size_t row = 0;
      for (const Unit& unit : a.units()) {
        double c = 0;
        for (uint32_t i = 0; i < unit.num_rows(); ++i, ++row) {
          for (uint32_t head = 0; head <= a.shape().queries_per_key; ++head) {
            const RowBits x = a.Get(layer, key_head, head, row);
            const RowBits y = b.Get(layer, key_head, head, row);
            int different = 0;
            for (size_t bit = 0; bit < kRowBits; ++bit) {
              different += static_cast<int>(
                  ((x[bit / 64] ^ y[bit / 64]) >> (bit % 64)) & 1);
            }
            c += (1 - different / 64.0) / unit.num_rows();
          }
        }
        sum += c;
        squares += c * c;
      }
    }
  }
  return sum / std::sqrt(squares);
}

// Weights and embeddings a little changed, as training on does.
SmallModel Changed(SmallModel model, uint64_t seed, float size) {
  const auto change = [&](testing::Matrix& matrix) {
    const auto noise =
        testing::RandomMatrix(seed++, matrix.size(), matrix[0].size());
    for (size_t i = 0; i < matrix.size(); ++i) {
      for (size_t j = 0; j < matrix[i].size(); ++j) {
        matrix[i][j] += size * noise[i][j];
      }
    }
  };
  change(model.embeddings);
  for (SmallModel::Layer& layer : model.layers) {
    change(layer.queries);
    change(layer.keys);
  }
  return model;
}

// Every row of weights and embeddings turned in the plane of two channels.
SmallModel Turned(SmallModel model) {
  const auto turn = [](std::vector<float>& row) {
    for (size_t j = 0; j + 1 < row.size(); j += 2) {
      const float x = row[j];
      const float y = row[row.size() - 1 - j];
      row[j] = 0.6f * x - 0.8f * y;
      row[row.size() - 1 - j] = 0.8f * x + 0.6f * y;
    }
  };
  for (auto& row : model.embeddings) turn(row);
  for (SmallModel::Layer& layer : model.layers) {
    for (auto& row : layer.queries) turn(row);
    for (auto& row : layer.keys) turn(row);
  }
  return model;
}

TEST(WeightSketchTest, UnitsAreRotaryPairsAndSingleRows) {
  std::set<uint32_t> rows;
  int num_pairs = 0;
  for (const Unit& unit :
       UnitsOf({.head_dim = 10, .rotary_dim = 4, .queries_per_key = 1})) {
    rows.insert(unit.first);
    rows.insert(unit.second);
    if (unit.num_rows() == 2) {
      ++num_pairs;
      EXPECT_LT(unit.first, 2U);
      EXPECT_EQ(unit.second, unit.first + 2);
    }
  }
  EXPECT_EQ(rows.size(), 10U);
  EXPECT_EQ(num_pairs, 2);
}

TEST(WeightSketchTest, LargeModelsKeepFewUnitsOfEachHead) {
  const HeadShape shape = {
      .head_dim = 128, .rotary_dim = 128, .queries_per_key = 8};
  const WeightSketch large(shape, 80, 8);
  EXPECT_EQ(large.units_per_head(), 1U);
  EXPECT_LE(large.bits().size() * sizeof(uint64_t), 200'000U);
  const WeightSketch small(shape, 2, 2);
  EXPECT_EQ(small.units_per_head(), 64U);
  // The smaller sketch holds what the larger one begins with.
  EXPECT_EQ(large.rows()[0], small.rows()[0]);
}

TEST(WeightSketchTest, AgreesWithThePlainStatistic) {
  const SmallModel model = MakeSmallModel(1);
  for (const float size : {0.0f, 0.3f, 1.0f}) {
    const SmallModel other = Changed(model, 77, size);
    EXPECT_NEAR(Compare(model, other).z,
                PlainZ(SketchModel(model), SketchModel(other)), 1e-9)
        << size;
  }
}

TEST(WeightSketchTest, AModelAndItsDescendantsAreNear) {
  const SmallModel model = MakeSmallModel(1);
  const WeightSimilarity same = Compare(model, model);
  EXPECT_EQ(same.num_units, 3U * 2 * 4);
  EXPECT_NEAR(same.z, std::sqrt(24), 1e-9);
  EXPECT_NEAR(same.mean_cosine, 1, 1e-9);
  EXPECT_DOUBLE_EQ(same.log_p, -same.z * same.z / 2);
  EXPECT_GT(Compare(model, Changed(model, 5, 0.5f)).z, 0.95 * same.z);
}

TEST(WeightSketchTest, TheBasisAndTheScaleDoNotMatter) {
  const SmallModel model = MakeSmallModel(2);
  EXPECT_GT(Compare(model, Turned(model)).mean_cosine, 0.99);
  // Gains of the norm moved into the weights; queries and keys scaled.
  SmallModel folded = model;
  for (SmallModel::Layer& layer : folded.layers) {
    for (size_t j = 0; j < layer.gain.size(); ++j) {
      layer.gain[j] = 0.25f * static_cast<float>(j + 1);
      for (auto& row : layer.queries) row[j] /= layer.gain[j];
      for (auto& row : layer.keys) row[j] /= layer.gain[j];
    }
    for (float& value : layer.queries[3]) value *= 8;
    for (float& value : layer.keys[3]) value /= 8;
  }
  EXPECT_GT(Compare(model, folded).mean_cosine, 0.99);
}

TEST(WeightSketchTest, AConstantOverChannelsDoesNotMatterToLayerNorm) {
  const SmallModel model = MakeSmallModel(3);
  SmallModel shifted = model;
  for (auto& row : shifted.embeddings) {
    const float shift = 5 * row[0];
    for (float& value : row) value += shift;
  }
  const auto found =
      CompareWeightSketches(SketchModel(model, Centring::kChannels),
                            SketchModel(shifted, Centring::kChannels));
  ASSERT_TRUE(found);
  EXPECT_GT(found->mean_cosine, 0.99);
}

TEST(WeightSketchTest, PermutedHeadsAndDroppedLayersAreFound) {
  const SmallModel model = MakeSmallModel(4, 5);
  SmallModel other = model;
  const uint32_t dim = model.shape.head_dim;
  for (SmallModel::Layer& layer : other.layers) {
    // Key heads change places with their query heads, and those of the first
    // among themselves.
    std::rotate(layer.keys.begin(), layer.keys.begin() + dim, layer.keys.end());
    std::rotate(layer.queries.begin(), layer.queries.begin() + 2 * dim,
                layer.queries.end());
    std::rotate(layer.queries.begin(), layer.queries.begin() + dim,
                layer.queries.begin() + 2 * dim);
  }
  other.layers.erase(other.layers.begin() + 3);
  other.layers.erase(other.layers.begin() + 1);
  const WeightSimilarity found = Compare(model, other);
  EXPECT_THAT(found.layers, ElementsAre(Pair(0, 0), Pair(2, 1), Pair(4, 2)));
  EXPECT_NEAR(found.z, std::sqrt(found.num_units), 1e-9);
}

TEST(WeightSketchTest, MoreTokensChangeLittle) {
  const SmallModel model = MakeSmallModel(5);
  SmallModel extended = model;
  for (size_t t = 0; t < 10; ++t) {
    extended.tokens.push_back("<added " + std::to_string(t) + ">");
    extended.embeddings.push_back(
        testing::RandomMatrix(99 + t, 1, model.width)[0]);
  }
  EXPECT_GT(Compare(model, extended).z, 0.98 * Compare(model, model).z);
}

TEST(WeightSketchTest, ZeroRowsCountNothing) {
  SmallModel a = MakeSmallModel(6);
  SmallModel b = MakeSmallModel(7);
  for (SmallModel* model : {&a, &b}) {
    for (SmallModel::Layer& layer : model->layers) {
      for (auto& row : layer.keys) std::ranges::fill(row, 0.0f);
      for (auto& row : layer.queries) std::ranges::fill(row, 0.0f);
    }
  }
  const WeightSimilarity found = Compare(a, b);
  EXPECT_EQ(found.z, 0);
  EXPECT_EQ(found.log_p, 0);
}

TEST(WeightSketchTest, OtherShapesHaveNothingInCommon) {
  SmallModel other;
  other.shape.queries_per_key = 1;
  EXPECT_FALSE(CompareWeightSketches(SketchModel(MakeSmallModel(1)),
                                     SketchModel(MakeSmallModel(1, 3, other))));
}

// The bound is counted where it is hardest to hold: the same weights but for
// the signs, so that every match is certain and every |c| the largest there is.
TEST(WeightSketchTest, TheBoundHoldsForEqualSizes) {
  constexpr int kNumAudits = 2000;
  const SmallModel model = MakeSmallModel(8);
  const WeightSketch sketch = SketchModel(model);
  std::vector<double> found;
  double sum = 0;
  double squares = 0;
  for (uint64_t audit = 0; audit < kNumAudits; ++audit) {
    const auto similarity = CompareWeightSketches(
        sketch, SketchModel(WithRandomSigns(model, audit)));
    ASSERT_TRUE(similarity);
    found.push_back(similarity->z);
    sum += similarity->z;
    squares += similarity->z * similarity->z;
  }
  EXPECT_NEAR(sum / kNumAudits, 0, 4 / std::sqrt(kNumAudits));
  EXPECT_NEAR(squares / kNumAudits, 1, 0.15);
  for (const double z : {1.0, 1.5, 2.0, 2.5, 3.0}) {
    const double rate = static_cast<double>(std::ranges::count_if(
                            found, [z](double value) { return value >= z; })) /
                        kNumAudits;
    EXPECT_LE(rate, std::exp(-z * z / 2)) << z;
  }
}

// And for models that have nothing in common, where matches are by chance.
TEST(WeightSketchTest, TheBoundHoldsForIndependentModels) {
  constexpr uint64_t kNumModels = 40;
  std::vector<WeightSketch> sketches;
  for (uint64_t i = 0; i < kNumModels; ++i) {
    sketches.push_back(SketchModel(MakeSmallModel(100 + i)));
  }
  std::vector<double> found;
  for (size_t i = 0; i < sketches.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      found.push_back(CompareWeightSketches(sketches[i], sketches[j])->z);
    }
  }
  double sum = 0;
  double squares = 0;
  for (const double z : found) {
    sum += z;
    squares += z * z;
  }
  const double count = static_cast<double>(found.size());
  EXPECT_NEAR(sum / count, 0, 0.15);
  EXPECT_NEAR(squares / count, 1, 0.15);
  EXPECT_LE(static_cast<double>(
                std::ranges::count_if(found, [](double z) { return z >= 2; })) /
                count,
            std::exp(-2.0));
}

}  // namespace
}  // namespace revlm::fingerprint
