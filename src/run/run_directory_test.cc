#include "run/run_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace revlm::run {
namespace {

using base::Json;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

class RunDirectoryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = ::testing::TempDir() + "/run_directory_" +
            ::testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(root_);
    options_.runs_dir = root_ + "/rev-runs";
  }

  Result<RunDirectory> Open(const Json& plan) {
    return RunDirectory::Open(options_, plan, base::SystemClock());
  }
  // Opens, writes a manifest in `state`, and closes again.
  std::string Start(const Json& plan, const std::string& state) {
    auto directory = Open(plan);
    EXPECT_TRUE(directory) << directory.error().message;
    EXPECT_TRUE(directory->WriteManifest(
        {{"schema", kManifestSchema}, {"plan", plan}, {"state", state}}));
    return directory->path();
  }

  const Json plan_ = {{"seed", 1}};
  const Json other_plan_ = {{"seed", 2}};
  std::string root_;
  RunOptions options_;
};

TEST_F(RunDirectoryTest, ANewOneIsNamedByTimeAndLinkedAsLatest) {
  const std::string path = Start(plan_, "finished");
  EXPECT_THAT(fs::path(path).filename().string(),
              ::testing::MatchesRegex("[0-9]+T[0-9]+Z-[0-9a-f]+"));
  EXPECT_TRUE(fs::is_symlink(options_.runs_dir + "/latest"));
  EXPECT_TRUE(fs::equivalent(options_.runs_dir + "/latest", path));
}

TEST_F(RunDirectoryTest, LatestIsResumedOnlyWhenUnfinishedAndOfTheSamePlan) {
  const std::string unfinished = Start(plan_, "running");
  EXPECT_EQ(Start(plan_, "running"), unfinished);
  const std::string other = Start(other_plan_, "finished");
  EXPECT_NE(other, unfinished);
  EXPECT_NE(Start(other_plan_, "finished"), other);
}

TEST_F(RunDirectoryTest, LatestInUseIsLeftAlone) {
  const std::string first = Start(plan_, "running");
  const auto held = Open(plan_);
  ASSERT_TRUE(held);
  EXPECT_EQ(held->path(), first);
  EXPECT_NE(Start(plan_, "running"), first);
}

TEST_F(RunDirectoryTest, AGivenDirectoryIsExactlyThatOne) {
  options_.output_dir = root_ + "/some/where/";
  EXPECT_EQ(Start(plan_, "running"), root_ + "/some/where");
  EXPECT_FALSE(fs::exists(options_.runs_dir));
  const auto again = Open(plan_);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->manifest()["state"], "running");
  EXPECT_FALSE(again->is_finished());
}

TEST_F(RunDirectoryTest, AnotherPlanIsRefusedAndTheFieldNamed) {
  options_.output_dir = root_ + "/run";
  Start(plan_, "running");
  const auto other = Open(other_plan_);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(other.error().message, HasSubstr("seed: 1 there, 2 asked"));
}

Json PlanOf(const std::string& alias, const std::string& identity) {
  return {{"models",
           {{{"alias", "a"}, {"reference", "./a"}, {"identity", "1"}},
            {{"alias", alias}, {"reference", "./b"}, {"identity", identity}}}}};
}

TEST_F(RunDirectoryTest, ModelsThatCannotBeOpenedNowAreKnownByReference) {
  const std::string first = Start(PlanOf("bee", "2"), "running");
  EXPECT_EQ(Start(PlanOf("b", ""), "running"), first);
  EXPECT_NE(Start(PlanOf("b", "3"), "running"), first);
  options_.output_dir = root_ + "/run";
  Start(PlanOf("bee", "2"), "running");
  EXPECT_TRUE(Open(PlanOf("b", "")));
  EXPECT_FALSE(Open(PlanOf("b", "3")));
}

TEST_F(RunDirectoryTest, AnEarlierRunIsFoundWithoutTouchingIt) {
  EXPECT_TRUE(FindEarlier(options_, plan_).value().is_null());
  EXPECT_FALSE(fs::exists(options_.runs_dir));
  const auto begun = Open(plan_);
  ASSERT_TRUE(begun);
  EXPECT_TRUE(FindEarlier(options_, plan_).value().is_null());
  Start(other_plan_, "running");
  EXPECT_EQ(FindEarlier(options_, other_plan_).value()["plan"], other_plan_);
  EXPECT_TRUE(FindEarlier(options_, plan_).value().is_null());
  options_.output_dir = root_ + "/run";
  EXPECT_TRUE(FindEarlier(options_, plan_).value().is_null());
  EXPECT_FALSE(fs::exists(options_.output_dir));
  Start(plan_, "finished");
  EXPECT_EQ(FindEarlier(options_, other_plan_).value()["plan"], plan_);
}

TEST_F(RunDirectoryTest, ASecondProcessIsRefused) {
  options_.output_dir = root_ + "/run";
  const auto held = Open(plan_);
  ASSERT_TRUE(held);
  const auto other = Open(plan_);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(other.error().message, HasSubstr("another process is using it"));
}

TEST_F(RunDirectoryTest, ADirectoryOfSomethingElseIsNotTouched) {
  options_.output_dir = root_ + "/home";
  fs::create_directories(options_.output_dir);
  std::ofstream(options_.output_dir + "/letter.tmp") << "dear";
  std::ofstream(options_.output_dir + "/photo") << "...";
  const auto directory = Open(plan_);
  ASSERT_FALSE(directory);
  EXPECT_EQ(directory.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(directory.error().message, HasSubstr("found \"letter.tmp\""));
  EXPECT_TRUE(fs::exists(options_.output_dir + "/letter.tmp"));
  EXPECT_FALSE(fs::exists(options_.output_dir + "/ops.jsonl"));
}

TEST_F(RunDirectoryTest, AManifestOfAnotherProgramIsNotOurs) {
  options_.output_dir = root_ + "/app";
  fs::create_directories(options_.output_dir);
  std::ofstream(options_.output_dir + "/manifest.json") << R"({"plan": {}})";
  std::ofstream(options_.output_dir + "/y.safetensors.1.tmp") << "theirs";
  const auto directory = Open(plan_);
  ASSERT_FALSE(directory);
  EXPECT_EQ(directory.error().code, ErrorCode::kCorrupt);
  EXPECT_TRUE(fs::exists(options_.output_dir + "/y.safetensors.1.tmp"));
  EXPECT_FALSE(fs::exists(options_.output_dir + "/ops.jsonl"));
}

TEST_F(RunDirectoryTest, WhatAKilledStartLeftIsRemoved) {
  options_.output_dir = root_ + "/run";
  Start(plan_, "running");
  fs::create_directories(options_.output_dir + "/captures");
  std::ofstream(options_.output_dir + "/manifest.json.123.tmp") << "{";
  std::ofstream(options_.output_dir + "/captures/a.safetensors.1.tmp") << "x";
  ASSERT_TRUE(Open(plan_));
  EXPECT_FALSE(fs::exists(options_.output_dir + "/manifest.json.123.tmp"));
  EXPECT_TRUE(fs::is_empty(options_.output_dir + "/captures"));
}

TEST_F(RunDirectoryTest, AFileInThePlaceOfTheDirectoryIsRefused) {
  fs::create_directories(root_);
  std::ofstream(root_ + "/file") << "x";
  options_.output_dir = root_ + "/file";
  const auto directory = Open(plan_);
  ASSERT_FALSE(directory);
  EXPECT_EQ(directory.error().code, ErrorCode::kInvalidArgument);
}

TEST_F(RunDirectoryTest, ADamagedManifestIsAnErrorThatNamesIt) {
  options_.output_dir = root_ + "/run";
  Start(plan_, "running");
  std::ofstream(options_.output_dir + "/manifest.json") << "{\"plan\": 7}";
  const auto directory = Open(plan_);
  ASSERT_FALSE(directory);
  EXPECT_EQ(directory.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(directory.error().message, HasSubstr("manifest.json"));
}

}  // namespace
}  // namespace revlm::run
