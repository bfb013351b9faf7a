#include "verify/weights.h"

#include <gtest/gtest.h>

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
  EXPECT_NE(evidence.relation, WeightRelation::kSame);
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

}  // namespace
}  // namespace revlm::verify
