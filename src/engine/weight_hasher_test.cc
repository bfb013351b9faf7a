#include "engine/weight_hasher.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <optional>

#include "engine/engine_testing.h"

namespace revlm::engine {
namespace {

// A model whose file also holds what no pass reads: a large tensor, an empty
// one, one of integers.
class WeightHasherTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ModelFiles files = LoadModelFiles("llama");
    files.tensors.push_back({{"extra.large", formats::DType::kU8, {9'000'001}},
                             RandomBytes(9'000'001, 1)});
    files.tensors.push_back(
        {{"extra.empty", formats::DType::kF32, {0, 7}}, ""});
    files.tensors.push_back(
        {{"extra.ids", formats::DType::kI64, {3}}, RandomBytes(24, 2)});
    WriteModelFiles(files, folder_.Path("model"), 3);
    checkpoint_.emplace(
        formats::Checkpoint::Open(folder_.Path("model")).value());
    for (const formats::TensorInfo& info : checkpoint_->tensors()) {
      const std::string& bytes = files.Tensor(info.name).bytes;
      bytes_.push_back(bytes);
      expected_.push_back(crypto::Sha256(base::AsBytes(bytes)));
    }
  }

  // Shows bytes `offset` to `end` of a tensor.
  void Show(WeightHasher& hasher, size_t tensor_idx, uint64_t offset,
            uint64_t end) {
    const SlabPart part = {.tensor_idx = static_cast<int32_t>(tensor_idx),
                           .size_bytes = end - offset,
                           .tensor_offset = offset};
    const uint64_t part_offset = offset;
    hasher.Observe(
        {&part, 1},
        SlabView(1, 0, reinterpret_cast<std::byte*>(bytes_[tensor_idx].data()),
                 {&part_offset, 1}));
  }

  const TempFolder folder_;
  std::optional<formats::Checkpoint> checkpoint_;
  std::vector<std::string> bytes_;
  std::vector<crypto::Sha256Digest> expected_;
};

TEST_F(WeightHasherTest, WhatWasNotShownIsRead) {
  WeightHasher hasher(*checkpoint_);
  EXPECT_EQ(hasher.Finish({}).value(), expected_);
  EXPECT_EQ(hasher.Finish({}).value(), expected_);
}

TEST_F(WeightHasherTest, PartsInAnyOrderAgainOrMissingGiveTheSameDigests) {
  const std::vector<std::vector<int>> orders = {
      {0, 1, 2, 3}, {3, 2, 1, 0}, {0, 0, 1, 1, 2, 3, 3}, {0, 2, 1, 3, 2, 3},
      {0, 1},       {1, 2, 3},    {0, 1, 2, 3, 0, 1}};
  for (const std::vector<int>& order : orders) {
    WeightHasher hasher(*checkpoint_);
    for (size_t idx = 0; idx < bytes_.size(); ++idx) {
      const uint64_t size = bytes_[idx].size();
      if (size < 8) continue;
      const uint64_t ends[] = {0, size / 3, size / 2, size - 1, size};
      for (const int i : order) Show(hasher, idx, ends[i], ends[i + 1]);
    }
    EXPECT_EQ(hasher.Finish({}).value(), expected_);
  }
}

TEST_F(WeightHasherTest, DigestsAreOfTheBytesShown) {
  WeightHasher hasher(*checkpoint_);
  bytes_[0][0] ^= 1;  // other bytes than the file's: the shown ones count
  Show(hasher, 0, 0, bytes_[0].size());
  expected_[0] = crypto::Sha256(base::AsBytes(bytes_[0]));
  EXPECT_EQ(hasher.Finish({}).value(), expected_);
}

TEST_F(WeightHasherTest, StopAndCutFilesAreErrorsAndFinishMayBeCalledAgain) {
  WeightHasher hasher(*checkpoint_);
  std::stop_source source;
  source.request_stop();
  auto stopped = hasher.Finish(source.get_token());
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ErrorCode::kCancelled);
  const std::string path = folder_.Path("model/model.safetensors");
  const std::string whole = testing::ReadFile(path).value();
  ASSERT_EQ(truncate(path.c_str(), static_cast<off_t>(whole.size() / 2)), 0);
  auto cut = hasher.Finish({});
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().code, ErrorCode::kCorrupt) << cut.error().message;
}

}  // namespace
}  // namespace revlm::engine
