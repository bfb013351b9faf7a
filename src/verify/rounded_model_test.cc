#include "verify/rounded_model.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "support/models.h"
#include "verify/weights_testing.h"

namespace revlm::verify {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kLimitBytes = uint64_t{64} << 20;

std::string FreshFolder(const std::string& name) {
  const std::string folder =
      fmt::format("{}/{}_{}", ::testing::TempDir(), name, getpid());
  fs::remove_all(folder);
  fs::create_directories(folder);
  return folder;
}

// A matrix with the group of each output taken along its inputs, by hand.
std::vector<float> RoundedByHand(const Rounding& rounding,
                                 const TestTensor& tensor, bool is_out_in) {
  const size_t rows = tensor.shape[0];
  const size_t columns = tensor.shape[1];
  const size_t num_outputs = is_out_in ? rows : columns;
  const size_t num_inputs = is_out_in ? columns : rows;
  const auto at = [&](size_t output, size_t input) {
    return is_out_in ? output * columns + input : input * columns + output;
  };
  const size_t group = rounding.group_size == 0
                           ? num_inputs
                           : static_cast<size_t>(rounding.group_size);
  std::vector<float> values = tensor.values;
  for (size_t output = 0; output < num_outputs; ++output) {
    for (size_t first = 0; first < num_inputs; first += group) {
      const size_t end = std::min(first + group, num_inputs);
      std::vector<float> gathered;
      for (size_t i = first; i < end; ++i) {
        gathered.push_back(values[at(output, i)]);
      }
      RoundGroup(rounding, static_cast<int64_t>(gathered.size()), 1,
                 gathered.data());
      for (size_t i = first; i < end; ++i) {
        values[at(output, i)] = gathered[i - first];
      }
    }
  }
  return values;
}

// The copy holds every matrix of the layers rounded and all else as it was.
void ExpectRounded(const std::string& directory, bool is_out_in) {
  const auto model = formats::Checkpoint::Open(directory).value();
  const auto before = ReadTensors(model).value();
  const std::string folder = FreshFolder("rounded_model_test");
  for (const Rounding& rounding : Roundings()) {
    memory::Budget budget(kLimitBytes);
    auto rounded =
        RoundedModel::Make(model, rounding, folder, budget, {}).value();
    EXPECT_EQ(budget.reserved_bytes(), 0u);
    EXPECT_EQ(budget.peak_bytes(),
              RoundedModel::MakeBytes(
                  model, engine::DescribeModel(model).value(), rounding));
    const auto after = ReadTensors(rounded.checkpoint()).value();
    ASSERT_EQ(after.size(), before.size());
    size_t num_rounded = 0;
    for (size_t i = 0; i < before.size(); ++i) {
      SCOPED_TRACE(before[i].name + ", " + std::string(rounding.name));
      EXPECT_EQ(after[i].name, before[i].name);
      const bool is_matrix =
          before[i].shape.size() == 2 &&
          (before[i].name.find("layers.") != std::string::npos ||
           before[i].name.find(".h.") != std::string::npos);
      if (is_matrix) {
        EXPECT_EQ(after[i].dtype, formats::DType::kF32);
        EXPECT_EQ(after[i].values,
                  RoundedByHand(rounding, before[i], is_out_in));
        num_rounded += after[i].values != before[i].values;
      } else {
        EXPECT_EQ(after[i].dtype, before[i].dtype);
        EXPECT_EQ(after[i].values, before[i].values);
      }
    }
    EXPECT_GE(num_rounded, 24u);  // four a layer and more
    EXPECT_TRUE(engine::DescribeModel(rounded.checkpoint()));
  }
  EXPECT_TRUE(fs::is_empty(folder));
}

TEST(RoundedModelTest, RoundsAlongInputsOfRows) {
  ExpectRounded(REVLM_EXAMPLES "/models/aster-s0", true);
}

TEST(RoundedModelTest, RoundsAlongInputsOfColumns) {
  ExpectRounded(testing::UnpackModel(REVLM_TEST_DATA "/zoo/cedar-s0").value(),
                false);
}

TEST(RoundedModelTest, LeavesWhatOthersPutThere) {
  const auto model =
      formats::Checkpoint::Open(REVLM_EXAMPLES "/models/aster-s0").value();
  const std::string folder = FreshFolder("rounded_model_test_others");
  memory::Budget budget(kLimitBytes);
  const std::string own =
      folder + "/" + std::string(Roundings()[0].name) + "/notes";
  {
    const auto rounded =
        RoundedModel::Make(model, Roundings()[0], folder, budget, {}).value();
    fs::create_directories(own);
  }
  EXPECT_TRUE(fs::exists(own));
  EXPECT_FALSE(fs::exists(fs::path(own).parent_path() / "model.safetensors"));
}

TEST(RoundedModelTest, RefusesLittleMemoryAndStops) {
  const auto model =
      formats::Checkpoint::Open(REVLM_EXAMPLES "/models/aster-s0").value();
  const std::string folder = FreshFolder("rounded_model_test_refused");
  memory::Budget small(1 << 20);
  const auto refused =
      RoundedModel::Make(model, Roundings()[0], folder, small, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kBudgetExceeded);
  std::stop_source stop;
  stop.request_stop();
  memory::Budget budget(kLimitBytes);
  const auto stopped = RoundedModel::Make(model, Roundings()[0], folder, budget,
                                          stop.get_token());
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ErrorCode::kCancelled);
  const auto nowhere =
      RoundedModel::Make(model, Roundings()[0], "/proc/revlm", budget, {});
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().code, ErrorCode::kUnavailable);
  EXPECT_TRUE(fs::is_empty(folder));
  EXPECT_EQ(budget.reserved_bytes(), 0u);
}

}  // namespace
}  // namespace revlm::verify
