#include "run/weight_digests.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>

namespace revlm::run {
namespace {

namespace fs = std::filesystem;

class WeightDigestsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = ::testing::TempDir() + "/weight_digests_" +
            ::testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(root_);
    fs::create_directories(root_);
    fs::copy(REVLM_EXAMPLES "/models/aster-s0", root_ + "/model",
             fs::copy_options::recursive);
  }

  formats::Checkpoint OpenModel() const {
    auto checkpoint = formats::Checkpoint::Open(root_ + "/model");
    EXPECT_TRUE(checkpoint) << checkpoint.error().message;
    return *std::move(checkpoint);
  }
  WeightDigests SomeDigests(const formats::Checkpoint& checkpoint) const {
    std::vector<crypto::Sha256Digest> tensors(checkpoint.tensors().size());
    return MakeWeightDigests(checkpoint, tensors).value();
  }
  std::string EntryPath() const {
    return fs::directory_iterator(root_ + "/cache/digests")->path().string();
  }

  std::string root_;
};

TEST_F(WeightDigestsTest, WhatWasStoredIsFoundForUnchangedFiles) {
  const DigestCache cache(root_ + "/cache");
  const formats::Checkpoint checkpoint = OpenModel();
  EXPECT_FALSE(cache.Find(checkpoint));
  const WeightDigests digests = SomeDigests(checkpoint);
  cache.Store(checkpoint, digests);
  const auto found = cache.Find(OpenModel());
  ASSERT_TRUE(found);
  EXPECT_EQ(found->root, digests.root);
  EXPECT_EQ(found->tensor_sha256, digests.tensor_sha256);
}

TEST_F(WeightDigestsTest, ATouchedFileIsNotFound) {
  const DigestCache cache(root_ + "/cache");
  const formats::Checkpoint checkpoint = OpenModel();
  cache.Store(checkpoint, SomeDigests(checkpoint));
  const fs::path weights = root_ + "/model/model.safetensors";
  fs::last_write_time(
      weights, fs::last_write_time(weights) + std::chrono::nanoseconds(1000));
  EXPECT_FALSE(cache.Find(OpenModel()));
}

TEST_F(WeightDigestsTest, AReplacedFileOfTheSameTimeIsNotFound) {
  const DigestCache cache(root_ + "/cache");
  const formats::Checkpoint checkpoint = OpenModel();
  cache.Store(checkpoint, SomeDigests(checkpoint));
  const fs::path weights = root_ + "/model/model.safetensors";
  const auto time = fs::last_write_time(weights);
  fs::copy(weights, root_ + "/other");
  fs::rename(root_ + "/other", weights);  // another inode
  fs::last_write_time(weights, time);
  EXPECT_FALSE(cache.Find(OpenModel()));
}

TEST_F(WeightDigestsTest, DamagedEntriesAreNoEntries) {
  const DigestCache cache(root_ + "/cache");
  const formats::Checkpoint checkpoint = OpenModel();
  cache.Store(checkpoint, SomeDigests(checkpoint));
  ASSERT_TRUE(cache.Find(checkpoint));
  const std::string path = EntryPath();
  std::string good;
  std::getline(std::ifstream(path), good);
  for (const std::string& bad :
       {std::string(), good.substr(0, good.size() / 2), std::string("[]"),
        std::string("{\"schema\":\"revlm.digests/1\"}")}) {
    std::ofstream(path) << bad;
    EXPECT_FALSE(cache.Find(checkpoint));
  }
  std::ofstream(path) << good;
  EXPECT_TRUE(cache.Find(checkpoint));
}

TEST_F(WeightDigestsTest, ACacheThatCannotBeWrittenIsNone) {
  std::ofstream(root_ + "/cache") << "a file, not a folder";
  const formats::Checkpoint checkpoint = OpenModel();
  for (const std::string& directory : {root_ + "/cache", std::string()}) {
    const DigestCache cache(directory);
    cache.Store(checkpoint, SomeDigests(checkpoint));
    EXPECT_FALSE(cache.Find(checkpoint));
  }
}

}  // namespace
}  // namespace revlm::run
