// Models wider than the directions that are compared, with heads of more rotary
// pairs than are read.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "base/normal_testing.h"
#include "verify/disguises_testing.h"
#include "verify/relation_reader.h"
#include "verify/weights.h"
#include "verify/weights_testing.h"

namespace revlm::verify {
namespace {

constexpr char kAster[] = REVLM_EXAMPLES "/models/aster-s0";
constexpr int64_t kVocabulary = 2048;  // of aster's tokenizer
constexpr LlamaShape kShape = {.width = 320,
                               .num_layers = 3,
                               .num_heads = 8,
                               .num_kv_heads = 4,
                               .head_dim = 48,
                               .intermediate = 96};
static_assert(kShape.width > kMostDirections);
static_assert(kShape.head_dim / 2 > kMostPairs);

class WideWeightsTest : public ::testing::Test {
 protected:
  // Embeddings whose directions are unlike in size, gains that are not 1.
  static Tensors Random(uint64_t seed) {
    Tensors tensors;
    uint64_t at = 0;
    std::vector<double> scales;
    for (int64_t i = 0; i < kShape.width; ++i) {
      scales.push_back(std::exp(-static_cast<double>(i) / 100));
    }
    const auto add = [&](const std::string& name, std::vector<int64_t> shape) {
      TestTensor tensor = {.name = name};
      size_t size = 1;
      for (const int64_t length : shape) {
        tensor.shape.push_back(static_cast<uint64_t>(length));
        size *= static_cast<size_t>(length);
      }
      const bool is_gain = shape.size() == 1;
      const bool is_embedding = name.find("embed") != std::string::npos;
      for (size_t i = 0; i < size; ++i) {
        const double value = testing::Normal(seed, ++at);
        const size_t column = i % static_cast<size_t>(kShape.width);
        tensor.values.push_back(static_cast<float>(is_gain ? 1 + 0.1 * value
                                                   : is_embedding
                                                       ? value * scales[column]
                                                       : 0.05 * value));
      }
      tensors.push_back(std::move(tensor));
    };
    const int64_t queries = kShape.num_heads * kShape.head_dim;
    const int64_t keys = kShape.num_kv_heads * kShape.head_dim;
    add("model.embed_tokens.weight", {kVocabulary, kShape.width});
    for (int64_t i = 0; i < kShape.num_layers; ++i) {
      const std::string layer = fmt::format("model.layers.{}.", i);
      add(layer + "input_layernorm.weight", {kShape.width});
      add(layer + "post_attention_layernorm.weight", {kShape.width});
      add(layer + "self_attn.q_proj.weight", {queries, kShape.width});
      add(layer + "self_attn.k_proj.weight", {keys, kShape.width});
      add(layer + "self_attn.v_proj.weight", {keys, kShape.width});
      add(layer + "self_attn.o_proj.weight", {kShape.width, queries});
      add(layer + "mlp.gate_proj.weight", {kShape.intermediate, kShape.width});
      add(layer + "mlp.up_proj.weight", {kShape.intermediate, kShape.width});
      add(layer + "mlp.down_proj.weight", {kShape.width, kShape.intermediate});
    }
    add("model.norm.weight", {kShape.width});
    return tensors;
  }

  static void Widen(std::string& config) {
    const auto set = [&](const std::string& key, int64_t value) {
      const size_t at = config.find("\"" + key + "\"");
      ASSERT_NE(at, std::string::npos) << key;
      const size_t begin = config.find(':', at) + 1;
      config.replace(begin, config.find(',', at) - begin,
                     std::to_string(value));
    };
    set("hidden_size", kShape.width);
    set("num_hidden_layers", kShape.num_layers);
    set("num_attention_heads", kShape.num_heads);
    set("num_key_value_heads", kShape.num_kv_heads);
    set("head_dim", kShape.head_dim);
    set("intermediate_size", kShape.intermediate);
  }
  static TestModel Make(const std::string& name, const Tensors& tensors,
                        const std::function<void(std::string&)>& edit = {}) {
    auto model = MakeTestModel(kAster, name, tensors, [&](std::string& config) {
      Widen(config);
      if (edit) edit(config);
    });
    EXPECT_TRUE(model) << model.error().message;
    return *std::move(model);
  }
  static WeightEvidence Compare(const TestModel& a, const TestModel& b,
                                const WeightOptions& options = {}) {
    memory::Budget budget(uint64_t{1} << 28);
    auto evidence = CompareWeights(a.side(), b.side(), budget, options);
    EXPECT_TRUE(evidence) << evidence.error().message;
    return *std::move(evidence);
  }
  static bool Has(const WeightEvidence& evidence, ChangeKind kind) {
    return std::ranges::any_of(evidence.changes, [&](const auto& change) {
      return change.kind == kind;
    });
  }
};

TEST_F(WideWeightsTest, DisguisesOfADerivedModelMoveNothing) {
  const TestModel parent = Make("parent", Random(1));
  Tensors tensors = Random(1);
  AddNoise(0.3, 2, tensors);
  for (TestTensor& tensor : tensors) {  // embeddings that were trained, too
    if (tensor.name.find("embed") == std::string::npos) continue;
    for (size_t i = 0; i < tensor.values.size(); ++i) {
      tensor.values[i] += 0.3F * std::abs(tensor.values[i]) *
                          static_cast<float>(testing::Normal(3, i));
    }
  }
  const WeightEvidence plain = Compare(parent, Make("plain", tensors));
  ASSERT_TRUE(plain.alignment);
  EXPECT_EQ(plain.relation, WeightRelation::kDerived);
  EXPECT_GT(plain.alignment->z, 25);
  EXPECT_FALSE(Has(plain, ChangeKind::kRotated)) << plain.sentence;
  EXPECT_FALSE(Has(plain, ChangeKind::kPermuted)) << plain.sentence;

  Tensors permuted = tensors;
  Permute(kShape, 4, permuted);
  const WeightEvidence by_permutation =
      Compare(parent, Make("permuted", permuted));
  EXPECT_NEAR(by_permutation.alignment->z, plain.alignment->z,
              0.05 * plain.alignment->z);
  EXPECT_TRUE(Has(by_permutation, ChangeKind::kPermuted))
      << by_permutation.sentence;

  Tensors rotated = tensors;
  // Often enough that little is left in place.
  for (uint64_t i = 0; i < 8; ++i) Rotate(kShape, 5 + i, rotated);
  std::erase_if(rotated, [seen = 0](const TestTensor& tensor) mutable {
    return tensor.name == "lm_head.weight" && ++seen > 1;
  });
  const WeightEvidence by_rotation =
      Compare(parent, Make("rotated", rotated, Untie));
  EXPECT_NEAR(by_rotation.alignment->z, plain.alignment->z,
              0.05 * plain.alignment->z);
  EXPECT_TRUE(Has(by_rotation, ChangeKind::kRotated)) << by_rotation.sentence;
}

TEST_F(WideWeightsTest, IndependentModelsAreNotRelated) {
  for (uint64_t seed = 0; seed < 8; ++seed) {
    const WeightEvidence evidence =
        Compare(Make("one", Random(10 + seed)),
                Make("other", Random(50 + seed)), {.seed = seed});
    EXPECT_EQ(evidence.relation, WeightRelation::kIndependent);
    ASSERT_TRUE(evidence.alignment);
    EXPECT_LT(std::abs(evidence.alignment->z), 4) << seed;
  }
}

TEST(SampleHeadRowsTest, SmallHeadsAreReadWhole) {
  const std::vector<HeadRows> whole = {{0, 32}};
  EXPECT_EQ(SampleHeadRows({4, 2, 32, 32}, 1), whole);
  const std::vector<HeadRows> partly_rotated = {{0, 64}};
  EXPECT_EQ(SampleHeadRows({4, 2, 64, 16}, 1), partly_rotated);
}

TEST(SampleHeadRowsTest, PairsComeFromEachQuarterAndKeepBothRows) {
  for (const int64_t num_pairs : {17, 20, 32, 64}) {
    for (uint64_t seed = 0; seed < 50; ++seed) {
      const auto rows =
          SampleHeadRows({4, 2, 2 * num_pairs + 6, 2 * num_pairs}, seed);
      ASSERT_EQ(rows.size(), 9u);
      for (size_t i = 0; i < 4; ++i) {
        const auto quarter = static_cast<int64_t>(i) * num_pairs / 4;
        const auto next = (static_cast<int64_t>(i) + 1) * num_pairs / 4;
        EXPECT_EQ(rows[i].count, kMostPairs / 4);
        EXPECT_GE(rows[i].first, quarter);
        EXPECT_LE(rows[i].first + rows[i].count, next);
        EXPECT_EQ(rows[i + 4].first, rows[i].first + num_pairs);
        EXPECT_EQ(rows[i + 4].count, rows[i].count);
      }
      EXPECT_EQ(rows[8], (HeadRows{2 * num_pairs, 6}));
    }
  }
}

TEST(SampleHeadRowsTest, TheSeedChooses) {
  EXPECT_NE(SampleHeadRows({4, 2, 128, 128}, 1),
            SampleHeadRows({4, 2, 128, 128}, 2));
}

}  // namespace
}  // namespace revlm::verify
