#include "verify/weights.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/json.h"
#include "support/models.h"
#include "verify/disguises_testing.h"
#include "verify/evidence.h"
#include "verify/unit_matching.h"
#include "verify/weights_testing.h"

namespace revlm::verify {
namespace {

constexpr char kAster[] = REVLM_EXAMPLES "/models/aster-s0";

class WeightsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto model = OpenTestModel(kAster);
    ASSERT_TRUE(model) << model.error().message;
    aster_ = *std::move(model);
    tensors_ = ReadTensors(*aster_.checkpoint).value();
  }

  static WeightEvidence Compare(const TestModel& a, const TestModel& b) {
    memory::Budget budget(uint64_t{1} << 30);
    auto evidence = CompareWeights(a.side(), b.side(), budget, {});
    EXPECT_TRUE(evidence) << evidence.error().message;
    EXPECT_EQ(budget.reserved_bytes(), 0u);
    return *std::move(evidence);
  }
  TestModel Make(const std::string& name,
                 const std::function<void(std::string&)>& edit = {}) const {
    auto model = MakeTestModel(kAster, name, tensors_, edit);
    EXPECT_TRUE(model) << model.error().message;
    return *std::move(model);
  }

  TestModel aster_;
  std::vector<TestTensor> tensors_;
};

TEST_F(WeightsTest, AModelIsTheSameAsItself) {
  const WeightEvidence evidence = Compare(aster_, aster_);
  EXPECT_EQ(evidence.equality.level, EqualityLevel::kBytes);
  EXPECT_EQ(evidence.relation, WeightRelation::kSame);
  EXPECT_EQ(evidence.equality.root_a, evidence.equality.root_b);
}

TEST_F(WeightsTest, AnExactWideningIsEqualInValues) {
  for (TestTensor& tensor : tensors_) tensor.dtype = formats::DType::kF32;
  const WeightEvidence evidence = Compare(aster_, Make("wide"));
  EXPECT_EQ(evidence.equality.level, EqualityLevel::kValues);
  EXPECT_EQ(evidence.equality.num_equal_bytes, 0);
  EXPECT_EQ(evidence.relation, WeightRelation::kSame);
  EXPECT_NE(evidence.equality.root_a, evidence.equality.root_b);
}

TEST_F(WeightsTest, OneElementMakesOneTensorDiffer) {
  tensors_[3].values.back() += 1;
  const WeightEvidence evidence = Compare(aster_, Make("one"));
  EXPECT_EQ(evidence.equality.level, EqualityLevel::kSome);
  EXPECT_EQ(evidence.equality.differing_tensors,
            std::vector<std::string>{tensors_[3].name});
  EXPECT_NE(evidence.relation, WeightRelation::kSame);
}

// Whatever was done to the rest, heads drawn anew among it.
TEST_F(WeightsTest, EqualTensorsAreCommonWeightsWhereTheTestFindsNone) {
  for (TestTensor& tensor : tensors_) {
    const bool is_asked = tensor.name.find("q_proj") != std::string::npos ||
                          tensor.name.find("k_proj") != std::string::npos;
    if (is_asked) std::ranges::fill(tensor.values, 0);
  }
  const WeightEvidence evidence = Compare(aster_, Make("zeroqk"));
  EXPECT_GT(evidence.alignment->log_p, std::log(1e-6));
  EXPECT_EQ(evidence.relation, WeightRelation::kDerived);
  EXPECT_TRUE(evidence.is_exact);
  EXPECT_EQ(evidence.equality.differing_tensors.size(), 12u);
  EXPECT_EQ(evidence.sentence,
            "44 of 56 tensors of aster-s0 and zeroqk are equal in bytes");
  EXPECT_EQ(SumUp(evidence, {}).error_bound, 0);
  // Gains are too short to say anything.
  const auto& common = evidence.equality.common_tensors;
  EXPECT_TRUE(std::ranges::count(common, "model.embed_tokens.weight"));
  EXPECT_FALSE(std::ranges::count(common, "model.norm.weight"));
  EXPECT_EQ(common.size(), 31u);
}

// Neither constants nor identity matrices, at any length, nor short tensors.
TEST_F(WeightsTest, WhatTwoTrainingsMayShareIsNoCommonWeight) {
  for (TestTensor& tensor : tensors_) {
    std::ranges::fill(tensor.values, 1);
    if (tensor.name.find("o_proj") == std::string::npos) continue;
    for (size_t i = 0; i < tensor.values.size(); ++i) {
      const size_t width = tensor.shape[1];
      tensor.values[i] = i / width == i % width ? 1 : 0;
    }
  }
  const TestModel ones = Make("ones");
  TestTensor& embedding = *std::ranges::find(
      tensors_, "model.embed_tokens.weight", &TestTensor::name);
  embedding.values.back() = 2;
  const WeightEvidence evidence = Compare(ones, Make("nearly_ones"));
  EXPECT_EQ(evidence.equality.num_equal_bytes, 55);
  EXPECT_TRUE(evidence.equality.common_tensors.empty());
  EXPECT_FALSE(evidence.is_exact);
}

TEST_F(WeightsTest, TheSameWeightsUnderOtherSettingsAreAnotherModel) {
  const TestModel other = Make("theta", [](std::string& config) {
    const size_t at = config.find("10000.0");
    ASSERT_NE(at, std::string::npos);
    config.replace(at, 7, "20000.0");
  });
  const WeightEvidence evidence = Compare(aster_, other);
  EXPECT_EQ(evidence.equality.level, EqualityLevel::kBytes);
  EXPECT_EQ(evidence.equality.differing_settings,
            std::vector<std::string>{"rope"});
  EXPECT_EQ(evidence.relation, WeightRelation::kDerived);
  EXPECT_EQ(evidence.sentence,
            "aster-s0 and theta have the same weights, under other settings "
            "(rope)");
  EXPECT_TRUE(evidence.is_exact);
  EXPECT_FALSE(SumUp(evidence, {}).is_same_function);
}

TEST_F(WeightsTest, SettingsThatDifferAreNamedBesideOtherChanges) {
  Permute({}, 3, tensors_);
  const WeightEvidence evidence =
      Compare(aster_, Make("permuted_theta", [](std::string& config) {
                config.replace(config.find("10000.0"), 7, "10050.0");
              }));
  EXPECT_EQ(evidence.relation, WeightRelation::kDerived);
  EXPECT_EQ(evidence.sentence.find("the same function"), std::string::npos);
  EXPECT_NE(evidence.sentence.find("; settings differ: rope"),
            std::string::npos)
      << evidence.sentence;
  EXPECT_FALSE(SumUp(evidence, {}).is_same_function);
}

TEST_F(WeightsTest, TheSameWeightsWithAnotherTokenizerAreAnotherModel) {
  TestModel other = Make("lower");
  const std::string text = other.checkpoint->ReadTokenizerJson().value();
  base::Json file = base::Json::parse(text);
  const auto compare_with = [&](const base::Json& tokens) {
    auto read = tokenizer::Tokenizer::FromJson(tokens.dump(2), "t.json");
    EXPECT_TRUE(read) << read.error().message;
    *other.tokenizer = *std::move(read);
    return Compare(aster_, other);
  };
  // Written down otherwise, it is the same.
  EXPECT_EQ(compare_with(file).relation, WeightRelation::kSame);
  file["normalizer"] = {{"type", "Lowercase"}};
  const WeightEvidence evidence = compare_with(file);
  EXPECT_EQ(evidence.relation, WeightRelation::kDerived);
  EXPECT_TRUE(evidence.is_exact);
  EXPECT_EQ(evidence.sentence,
            "aster-s0 and lower have the same weights, with another tokenizer");
}

TEST_F(WeightsTest, ATensorThatNobodyUsesIsNamed) {
  tensors_.push_back({.name = "extra.weight",
                      .dtype = formats::DType::kF32,
                      .shape = {2},
                      .values = {1, 2}});
  const WeightEvidence evidence = Compare(aster_, Make("extra"));
  EXPECT_EQ(evidence.relation, WeightRelation::kSame);
  EXPECT_EQ(evidence.sentence,
            "all tensors that are used of aster-s0 and extra are equal in "
            "bytes; others are not: extra.weight");
}

TEST_F(WeightsTest, TensorsThatPlayTheSamePartAreComparedWhateverTheirNames) {
  for (TestTensor& tensor : tensors_) {
    if (tensor.name.starts_with("model.")) tensor.name.erase(0, 6);
  }
  const WeightEvidence evidence = Compare(aster_, Make("renamed"));
  EXPECT_EQ(evidence.equality.level, EqualityLevel::kBytes);
  EXPECT_EQ(evidence.relation, WeightRelation::kSame);
}

TEST_F(WeightsTest, ATooSmallBudgetIsRefused) {
  memory::Budget budget(1 << 20);
  const auto evidence =
      CompareWeights(aster_.side(), aster_.side(), budget, {});
  ASSERT_FALSE(evidence);
  EXPECT_EQ(evidence.error().code, ErrorCode::kBudgetExceeded);
}

TEST_F(WeightsTest, NoDisguiseChangesZOrHidesTheRelation) {
  Tensors changed = tensors_;
  AddNoise(0.1, 1, changed);
  const auto z_of = [&](Tensors tensors, const char* name, bool is_untied) {
    tensors_ = std::move(tensors);
    const WeightEvidence evidence =
        Compare(aster_, is_untied ? Make(name, Untie) : Make(name));
    EXPECT_EQ(evidence.relation, WeightRelation::kDerived) << name;
    EXPECT_TRUE(std::ranges::all_of(evidence.layers, [](const auto& layer) {
      return layer.layer_a == layer.layer_b;
    })) << name;
    return evidence.alignment->z;
  };
  const double plain = z_of(changed, "plain", false);
  EXPECT_GT(plain, 25);
  const LlamaShape shape;
  for (int disguise = 1; disguise < 8; ++disguise) {
    Tensors hidden = changed;
    if ((disguise & 1) != 0) Permute(shape, 3, hidden);
    if ((disguise & 2) != 0) Rescale(shape, 4, hidden);
    if ((disguise & 4) != 0) Rotate(shape, 5, hidden);
    const double z = z_of(hidden, fmt::format("hidden{}", disguise).c_str(),
                          (disguise & 4) != 0);
    EXPECT_NEAR(z, plain, 0.05 * plain) << disguise;
  }
}

TEST_F(WeightsTest, DisguisesAreNamed) {
  const LlamaShape shape;
  const Tensors plain = tensors_;
  Permute(shape, 3, tensors_);
  const WeightEvidence permuted = Compare(aster_, Make("permuted"));
  ASSERT_EQ(permuted.changes.size(), 1u);
  EXPECT_EQ(permuted.changes[0].kind, ChangeKind::kPermuted);
  EXPECT_LT(permuted.csu->z, 4);
  EXPECT_GT(permuted.match->z, 25);
  tensors_ = plain;
  Rescale(shape, 4, tensors_);
  const WeightEvidence rescaled = Compare(aster_, Make("rescaled"));
  ASSERT_EQ(rescaled.changes.size(), 1u);
  EXPECT_EQ(rescaled.changes[0].kind, ChangeKind::kRescaled);
  tensors_ = plain;
  Rotate(shape, 5, tensors_);
  const WeightEvidence rotated = Compare(aster_, Make("rotated", Untie));
  ASSERT_EQ(rotated.changes.size(), 1u);
  EXPECT_EQ(rotated.changes[0].kind, ChangeKind::kRotated);
  EXPECT_NE(rotated.sentence.find("the same function"), std::string::npos);
}

TEST_F(WeightsTest, DerivationsAreNamedWithTheirFigures) {
  const Tensors plain = tensors_;
  const auto only_change = [&](const char* name) {
    const WeightEvidence evidence = Compare(aster_, Make(name));
    EXPECT_EQ(evidence.relation, WeightRelation::kDerived) << name;
    EXPECT_GT(evidence.alignment->z, 25) << name;
    EXPECT_EQ(evidence.changes.size(), 1u) << evidence.sentence;
    return evidence.changes.empty() ? WeightChange() : evidence.changes[0];
  };
  Quantise(4, 32, tensors_);
  const WeightChange quantised = only_change("int4");
  EXPECT_EQ(quantised.kind, ChangeKind::kQuantised);
  EXPECT_EQ(quantised.changed, Side::kB);
  EXPECT_EQ(quantised.bits, 4);
  EXPECT_EQ(quantised.group_size, 32);
  tensors_ = plain;
  Prune(0.4, tensors_);
  const WeightChange pruned = only_change("pruned");
  EXPECT_EQ(pruned.kind, ChangeKind::kPruned);
  EXPECT_NEAR(pruned.fraction, 0.4, 0.01);
  tensors_ = plain;
  AddNoise(0.05, 2, tensors_);
  const WeightChange noise = only_change("noise");
  EXPECT_EQ(noise.kind, ChangeKind::kNoise);
  EXPECT_NEAR(noise.relative_size, 0.05, 0.005);
  tensors_ = plain;
  AddLowRank(8, 0.2, 3, tensors_);
  const WeightChange low_rank = only_change("lora");
  EXPECT_EQ(low_rank.kind, ChangeKind::kLowRank);
  EXPECT_EQ(low_rank.rank, 8);
  tensors_ = plain;
  for (TestTensor& tensor : tensors_) {
    tensor.dtype = formats::DType::kF16;
    for (float& value : tensor.values) value *= 0.01F;  // some below its range
  }
  TestModel small = Make("small");
  tensors_ = ReadTensors(*small.checkpoint).value();
  for (TestTensor& tensor : tensors_) tensor.dtype = formats::DType::kBf16;
  const WeightEvidence format = Compare(small, Make("bf16"));
  ASSERT_EQ(format.changes.size(), 1u) << format.sentence;
  EXPECT_EQ(format.changes[0].kind, ChangeKind::kNumberFormat);
  EXPECT_EQ(format.changes[0].number_format, "BF16");
}

TEST_F(WeightsTest, DroppedLayersAreNamedUnderDisguiseToo) {
  const LlamaShape shape;
  AddNoise(0.1, 1, tensors_);
  Permute(shape, 3, tensors_);
  DropLayers(shape, {1, 4}, tensors_);
  const WeightEvidence evidence =
      Compare(aster_, Make("dropped", WithLayers(6, 4)));
  EXPECT_EQ(evidence.relation, WeightRelation::kDerived);
  EXPECT_GT(evidence.alignment->z, 25);
  EXPECT_EQ(evidence.unmatched_layers_a, (std::vector<int32_t>{1, 4}));
  EXPECT_TRUE(evidence.unmatched_layers_b.empty());
  EXPECT_NE(evidence.sentence.find("layers 1, 4 dropped"), std::string::npos)
      << evidence.sentence;
  // That there are fewer layers is no other setting.
  EXPECT_EQ(evidence.equality.differing_settings,
            std::vector<std::string>{"num_layers"});
}

TEST_F(WeightsTest, AFineTunedModelIsDerived) {
  auto tuned = OpenTestModel(REVLM_EXAMPLES "/models/aster-s0-ft-quotes");
  ASSERT_TRUE(tuned) << tuned.error().message;
  const WeightEvidence evidence = Compare(aster_, *tuned);
  EXPECT_EQ(evidence.relation, WeightRelation::kDerived);
  EXPECT_GT(evidence.alignment->z, 25);
  ASSERT_EQ(evidence.changes.size(), 1u);
  EXPECT_EQ(evidence.changes[0].kind, ChangeKind::kTrained);
  EXPECT_LT(evidence.match->log_p, -100);
}

// Another family of the same shapes and tokenizer, trained on its own.
TEST_F(WeightsTest, AModelTrainedOnItsOwnIsIndependent) {
  const auto directory = testing::UnpackModel(REVLM_TEST_DATA "/zoo/dahlia-s0");
  ASSERT_TRUE(directory) << directory.error().message;
  auto dahlia = OpenTestModel(*directory);
  ASSERT_TRUE(dahlia) << dahlia.error().message;
  const WeightEvidence evidence = Compare(aster_, *dahlia);
  EXPECT_EQ(evidence.relation, WeightRelation::kIndependent);
  EXPECT_LT(std::abs(evidence.alignment->z), 4);
}

TEST_F(WeightsTest, ModelsOfOtherWidthsAreNotComparableAndSaySo) {
  const auto directory = testing::UnpackModel(REVLM_TEST_DATA "/zoo/asterl-s0");
  ASSERT_TRUE(directory) << directory.error().message;
  auto larger = OpenTestModel(*directory);
  ASSERT_TRUE(larger) << larger.error().message;
  const WeightEvidence evidence = Compare(aster_, *larger);
  EXPECT_EQ(evidence.relation, WeightRelation::kNotComparable);
  EXPECT_NE(evidence.reason.find("256"), std::string::npos);
  EXPECT_FALSE(evidence.alignment);
}

TEST_F(WeightsTest, DamagedWeightsAreComparedByWhatIsLeft) {
  for (TestTensor& tensor : tensors_) {
    for (size_t i = 0; i < tensor.values.size(); i += 97) {
      tensor.values[i] = i % 2 == 0 ? NAN : 1e38F;
    }
  }
  const WeightEvidence evidence = Compare(aster_, Make("damaged"));
  EXPECT_NE(evidence.relation, WeightRelation::kSame);
  for (TestTensor& tensor : tensors_) {
    std::ranges::fill(tensor.values, NAN);
  }
  const WeightEvidence nothing = Compare(aster_, Make("nothing"));
  EXPECT_NE(nothing.relation, WeightRelation::kDerived);
  EXPECT_NE(nothing.relation, WeightRelation::kSame);
}

TEST_F(WeightsTest, UnitsOfAllLayersAreMatchedOnRequest) {
  // So many units that by default those of one layer are enough.
  const LlamaShape shape;
  constexpr int64_t kManyUnits = 12'000;
  EXPECT_EQ(NumSampledUnitLayers(6, shape.intermediate), 6u);
  EXPECT_EQ(NumSampledUnitLayers(32, shape.intermediate), 8u);
  EXPECT_EQ(NumSampledUnitLayers(32, kManyUnits), 1u);
  EXPECT_EQ(NumSampledUnitLayers(32, 2 * kManyUnits), 1u);
  AddNoise(0.1, 1, tensors_);
  const TestModel other = Make("all_units");
  memory::Budget budget(uint64_t{1} << 28);
  const auto evidence = CompareWeights(aster_.side(), other.side(), budget,
                                       {.full_matching = true});
  ASSERT_TRUE(evidence) << evidence.error().message;
  EXPECT_EQ(evidence->csu->num_units, shape.num_layers * shape.intermediate);
}

TEST_F(WeightsTest, StopsOnRequest) {
  for (const int num_threads : {1, 2}) {
    std::stop_source stop;
    stop.request_stop();
    memory::Budget budget(uint64_t{1} << 28);
    const auto evidence =
        CompareWeights(aster_.side(), aster_.side(), budget,
                       {.num_threads = num_threads, .stop = stop.get_token()});
    ASSERT_FALSE(evidence);
    EXPECT_EQ(evidence.error().code, ErrorCode::kCancelled);
    EXPECT_EQ(budget.reserved_bytes(), 0u);
  }
}

TEST_F(WeightsTest, ThreadsAndMemoryChangeNothing) {
  AddNoise(0.1, 1, tensors_);
  const TestModel other = Make("threads");
  std::optional<WeightEvidence> first;
  for (const int num_threads : {1, 2, 5}) {
    memory::Budget budget(uint64_t{1} << (30 - num_threads / 2));
    const auto evidence = CompareWeights(aster_.side(), other.side(), budget,
                                         {.num_threads = num_threads});
    ASSERT_TRUE(evidence) << evidence.error().message;
    if (!first) first = *evidence;
    EXPECT_EQ(evidence->alignment->z, first->alignment->z);
    EXPECT_EQ(evidence->match->log_p, first->match->log_p);
    EXPECT_EQ(evidence->relative_difference, first->relative_difference);
    EXPECT_EQ(evidence->sentence, first->sentence);
    EXPECT_EQ(evidence->equality.root_b, first->equality.root_b);
  }
}

}  // namespace
}  // namespace revlm::verify
