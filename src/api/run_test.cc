#include "revlm/run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include "revlm/inspect.h"
#include "revlm/status.h"

namespace revlm {
namespace {

using ::testing::HasSubstr;

class RunTest : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.models = {REVLM_EXAMPLES "/models/aster-s0"};
    options_.prompts = {"The first thing", "def main(argv):"};
    options_.max_tokens = 3;
    options_.worker_program = REVLM_WORKER;
    options_.output_dir =
        ::testing::TempDir() + "/api_run_" +
        ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(options_.output_dir);
  }

  RunOptions options_;
};

TEST_F(RunTest, GivesOneResultForEachPrompt) {
  std::vector<RunEvent> events;
  options_.on_event = [&](const RunEvent& event) { events.push_back(event); };
  const auto summary = ::revlm::Run(options_);
  ASSERT_TRUE(summary) << summary.error().message;
  EXPECT_FALSE(summary->stopped_by);
  ASSERT_EQ(summary->results.size(), 2u);
  EXPECT_EQ(summary->results[1].prompt, "def main(argv):");
  for (const OperationResult& result : summary->results) {
    EXPECT_FALSE(result.error);
    EXPECT_FALSE(result.prompt_token_ids.empty());
    ASSERT_FALSE(result.tokens.empty());
    EXPECT_LT(result.tokens[0].logprob, 0);
    std::string text;
    for (const TokenResult& token : result.tokens) text += token.text;
    EXPECT_EQ(result.text, text);  // ASCII: the parts make the whole
  }
  EXPECT_EQ(summary->models[0].tensor_root.size(), 64u);
  ASSERT_FALSE(events.empty());
  double fraction = 0;
  for (const RunEvent& event : events) {
    if (event.kind != RunEvent::Kind::kProgress) continue;
    EXPECT_GE(event.fraction, fraction);
    EXPECT_LE(event.fraction, 1);
    fraction = event.fraction;
    EXPECT_EQ(event.num_total, 2);
  }
  EXPECT_GT(fraction, 0);
  ASSERT_TRUE(events.back().status);
  EXPECT_EQ(events.back().status->state, RunState::kFinished);
  EXPECT_EQ(events.back().status->num_done, 2);
}

TEST_F(RunTest, AStopBeforeModelsAreOpenRunsNothing) {
  std::stop_source stop;
  stop.request_stop();
  options_.stop = stop.get_token();
  const auto stopped = ::revlm::Run(options_);
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ErrorCode::kCancelled);
}

TEST_F(RunTest, AStopBeforeTheFirstLayerKeepsNothingAndResumes) {
  std::stop_source stop;
  options_.stop = stop.get_token();
  options_.on_event = [&](const RunEvent&) { stop.request_stop(); };
  const auto stopped = ::revlm::Run(options_);
  ASSERT_TRUE(stopped) << stopped.error().message;
  ASSERT_TRUE(stopped->stopped_by);
  EXPECT_EQ(stopped->stopped_by->code, ErrorCode::kCancelled);
  EXPECT_TRUE(stopped->results.empty());
  options_.stop = {};
  const auto resumed = ::revlm::Run(options_);
  ASSERT_TRUE(resumed);
  EXPECT_FALSE(resumed->stopped_by);
  EXPECT_EQ(resumed->results.size(), 2u);
}

TEST_F(RunTest, ASummaryOfFewResultsHoldsWhatFailedAndCountsAll) {
  std::string too_long;
  for (int i = 0; i < 4000; ++i) too_long += "word ";
  options_.prompts.push_back(too_long);
  options_.max_summary_results = 2;
  for (const int64_t num_resumed : {0, 3}) {
    const auto summary = ::revlm::Run(options_);
    ASSERT_TRUE(summary) << summary.error().message;
    EXPECT_EQ(summary->num_finished, 3);
    EXPECT_EQ(summary->num_failed, 1);
    EXPECT_EQ(summary->num_resumed, num_resumed);
    ASSERT_EQ(summary->results.size(), 1u);
    EXPECT_EQ(summary->results[0].prompt, too_long);
    EXPECT_TRUE(summary->results[0].error);
  }
  options_.max_summary_results = 3;
  const auto summary = ::revlm::Run(options_);
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->results.size(), 3u);
}

TEST_F(RunTest, AModelThatIsNotThereStartsNothing) {
  options_.models = {"./no/such/model"};
  const auto summary = ::revlm::Run(options_);
  ASSERT_FALSE(summary);
  EXPECT_EQ(summary.error().code, ErrorCode::kNotFound);
  EXPECT_FALSE(std::filesystem::exists(options_.output_dir));
}

TEST_F(RunTest, HashingFilesAndHashingWhileRunningAgree) {
  const auto summary = ::revlm::Run(options_);
  ASSERT_TRUE(summary);
  const auto report = Inspect({.model = options_.models[0],
                               .hash = true,
                               .environment = {},
                               .stop = {},
                               .on_event = {}});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->tensor_root, summary->models[0].tensor_root);
  EXPECT_EQ(report->num_parameters, summary->models[0].num_parameters);
}

TEST_F(RunTest, AStoppedHashIsCancelled) {
  std::stop_source stop;
  stop.request_stop();
  const auto report = Inspect({.model = options_.models[0],
                               .hash = true,
                               .environment = {},
                               .stop = stop.get_token(),
                               .on_event = {}});
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::kCancelled);
}

}  // namespace
}  // namespace revlm
