#include "revlm/parallel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <sstream>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

namespace revlm {
namespace {

using ::testing::HasSubstr;

const std::string kModel = REVLM_EXAMPLES "/models/aster-s0";
const std::string kOther = REVLM_EXAMPLES "/models/aster-s0-ft-quotes";

class ParallelTest : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.run.max_tokens = 3;
    options_.run.worker_program = REVLM_WORKER;
    options_.run.runs_dir =
        ::testing::TempDir() + "/api_parallel_" +
        ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(options_.run.runs_dir);
  }

  ParallelExecutor Make() {
    auto executor = ParallelExecutor::Create(options_);
    EXPECT_TRUE(executor) << executor.error().message;
    return *std::move(executor);
  }

  ExecutorOptions options_;
};

TEST_F(ParallelTest, AnswersEachPromptInOrder) {
  ParallelExecutor executor = Make();
  const std::vector<std::string> prompts = {"Zebras", "Apples", "Zebras"};
  const auto results = executor.ProcessPromptsParallel(kModel, prompts, 2);
  ASSERT_TRUE(results) << results.error().message;
  ASSERT_EQ(results->size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ((*results)[i].prompt, prompts[i]);
    EXPECT_EQ((*results)[i].reference, kModel);
    EXPECT_FALSE((*results)[i].error);
    EXPECT_EQ((*results)[i].tokens.size(), 3u);
    EXPECT_EQ((*results)[i].attempts, 1);
    EXPECT_GT((*results)[i].duration_seconds, 0);
  }
  EXPECT_EQ((*results)[0].text, (*results)[2].text);
  const ExecutorStatus status = executor.GetStatus();
  EXPECT_EQ(status.active_tasks, 0);
  EXPECT_EQ(status.completed_tasks, 3);
  EXPECT_EQ(status.failed_tasks, 0);
}

TEST_F(ParallelTest, NoPromptsAreNoResultsAndNoRun) {
  const auto results = Make().ProcessPromptsParallel(kModel, {});
  ASSERT_TRUE(results);
  EXPECT_TRUE(results->empty());
  EXPECT_FALSE(Make().ProcessPromptsParallel("./no/such", {}));
  ParallelExecutor executor = Make();
  executor.Shutdown();
  EXPECT_FALSE(executor.ProcessPromptsParallel(kModel, {}));
  EXPECT_FALSE(std::filesystem::exists(options_.run.runs_dir));
}

TEST_F(ParallelTest, AFailedOperationIsAResultInItsPlace) {
  // Longer than the model's context: it cannot be asked.
  std::string endless;
  while (endless.size() < 1 << 16) endless += "and on ";
  const auto batch = Make().Process(
      {.models = {kModel}, .prompts = {"One", endless, "Three"}, .stop = {}});
  ASSERT_TRUE(batch) << batch.error().message;
  ASSERT_EQ(batch->results.size(), 3u);
  EXPECT_FALSE(batch->results[0].error);
  EXPECT_TRUE(batch->results[1].error);
  EXPECT_EQ(batch->results[1].attempts, 0);
  EXPECT_FALSE(batch->results[2].error);
  EXPECT_EQ(batch->results[2].prompt, "Three");
  EXPECT_EQ(batch->statistics.operations, 3);
  EXPECT_EQ(batch->statistics.succeeded, 2);
  EXPECT_EQ(batch->statistics.failed, 1);
}

TEST_F(ParallelTest, AStopGivesResultsForAllAndTheSameCallGoesOn) {
  options_.run.output_dir = options_.run.runs_dir + "/one";
  ParallelExecutor executor = Make();
  std::stop_source stop;
  stop.request_stop();
  Batch batch = {.models = {kModel, kOther},
                 .prompts = {"One", "Two", "Two"},
                 .batch_size = 1,
                 .stop = {}};
  batch.stop = stop.get_token();
  const auto stopped = executor.Process(batch);
  ASSERT_TRUE(stopped) << stopped.error().message;
  ASSERT_TRUE(stopped->stopped_by);
  EXPECT_EQ(stopped->stopped_by->code, ErrorCode::kCancelled);
  ASSERT_EQ(stopped->results.size(), 6u);
  for (const OperationResult& result : stopped->results) {
    EXPECT_EQ(result.error->code, ErrorCode::kCancelled);
  }
  EXPECT_EQ(stopped->results[3].reference, kOther);
  EXPECT_EQ(stopped->results[3].prompt, "One");
  EXPECT_EQ(stopped->statistics.operations, 6);
  EXPECT_EQ(stopped->statistics.failed, 6);
  EXPECT_EQ(stopped->statistics.models_processed, 0);
  batch.stop = {};
  const auto whole = executor.Process(batch);
  ASSERT_TRUE(whole) << whole.error().message;
  EXPECT_FALSE(whole->stopped_by);
  EXPECT_EQ(whole->statistics.succeeded, 6);
  EXPECT_EQ(whole->run_dir, options_.run.output_dir);
  EXPECT_GT(whole->statistics.throughput, 0);
  const auto again = executor.Process(batch);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->statistics.succeeded, 6);
  EXPECT_EQ(again->statistics.throughput, 0);
  EXPECT_EQ(executor.GetStatus().completed_tasks, 6);
}

TEST_F(ParallelTest, AShutdownFromAnEventKeepsWhatIsFinished) {
  ParallelExecutor* running = nullptr;
  options_.run.max_tokens = 64;  // so that some are left to stop
  options_.run.on_event = [&](const RunEvent& event) {
    if (event.num_finished >= 2) running->Shutdown();
  };
  ParallelExecutor executor = Make();
  running = &executor;
  const auto batch = executor.Process({.models = {kModel},
                                       .prompts = {"1", "2", "3", "4", "5"},
                                       .batch_size = 1,
                                       .stop = {}});
  ASSERT_TRUE(batch) << batch.error().message;
  ASSERT_EQ(batch->results.size(), 5u);
  EXPECT_GE(batch->statistics.succeeded, 2);
  EXPECT_LT(batch->statistics.succeeded, 5);
  EXPECT_FALSE(batch->results[0].error);
  EXPECT_TRUE(batch->results[4].error);
  const auto refused = executor.ProcessPromptsParallel(kModel, {"6"});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("shut down"));
  executor.Shutdown();
  EXPECT_TRUE(executor.GetStatus().is_shut_down);
}

TEST_F(ParallelTest, AShutdownFromAnotherThreadWaitsForTheCall) {
  std::atomic<bool> is_running = false;
  std::atomic<bool> is_back = false;
  options_.run.on_event = [&](const RunEvent&) { is_running = true; };
  options_.run.max_tokens = 200;
  ParallelExecutor executor = Make();
  std::jthread caller([&] {
    const auto results = executor.ProcessPromptsParallel(
        kModel, std::vector<std::string>(50, "Once upon"), 1);
    ASSERT_TRUE(results);
    EXPECT_EQ(results->size(), 50u);
    EXPECT_TRUE(results->back().error);
    is_back = true;
  });
  while (!is_running) std::this_thread::yield();
  EXPECT_GT(executor.GetStatus().active_tasks, 0);
  executor.Shutdown();
  EXPECT_EQ(executor.GetStatus().active_tasks, 0);
  caller.join();
  EXPECT_TRUE(is_back);
}

TEST_F(ParallelTest, CallsFromManyThreadsTakeTurns) {
  std::atomic<int> num_inside = 0;
  options_.run.on_event = [&](const RunEvent&) {
    EXPECT_EQ(++num_inside, 1);
    --num_inside;
  };
  ParallelExecutor executor = Make();
  {
    std::vector<std::jthread> callers;
    callers.reserve(3);
    for (int i = 0; i < 3; ++i) {
      callers.emplace_back([&, i] {
        const auto results =
            executor.ProcessPromptsParallel(kModel, {std::to_string(i)});
        ASSERT_TRUE(results) << results.error().message;
        EXPECT_EQ(results->front().prompt, std::to_string(i));
      });
    }
  }
  EXPECT_EQ(executor.GetStatus().completed_tasks, 3);
}

TEST_F(ParallelTest, AModelThatIsNotThereIsAnErrorOfTheCall) {
  ParallelExecutor executor = Make();
  const auto results = executor.ProcessPromptsParallel("./no/such", {"Hello"});
  ASSERT_FALSE(results);
  EXPECT_EQ(results.error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(executor.ProcessPromptsParallel(kModel, {"Hello"}));
}

TEST_F(ParallelTest, TheMemoryConfigurationIsTheLimit) {
  options_.memory = {
      .total_limit_gb = 0.011, .per_process_gb = 0.001, .buffer_gb = 0.001};
  const auto results = Make().ProcessPromptsParallel(kModel, {"Hello"});
  ASSERT_FALSE(results);
  EXPECT_EQ(results.error().code, ErrorCode::kBudgetExceeded);
  options_.memory.buffer_gb = 1;
  EXPECT_FALSE(ParallelExecutor::Create(options_));
}

TEST_F(ParallelTest, ABatchIsWhatItsModeSays) {
  auto processor = BatchProcessor::Create(36.0, options_.run);
  ASSERT_TRUE(processor);
  const std::vector<std::string> models = {kModel, kOther};
  const std::vector<std::string> prompts = {"What is AI?", "Explain ML", "Why"};
  const auto all = processor->ProcessBatch(models, prompts);
  ASSERT_TRUE(all) << all.error().message;
  ASSERT_EQ(all->results.size(), 6u);
  EXPECT_EQ(all->results[4].reference, kOther);
  EXPECT_EQ(all->results[4].prompt, "Explain ML");
  const BatchStatistics& statistics = all->statistics;
  EXPECT_EQ(statistics.models_processed, 2);
  EXPECT_EQ(statistics.prompts_processed, 3);
  EXPECT_EQ(statistics.operations, 6);
  EXPECT_EQ(statistics.succeeded, 6);
  EXPECT_EQ(statistics.retried, 0);
  EXPECT_GT(statistics.peak_memory_gb, 0);
  EXPECT_NEAR(statistics.throughput * statistics.duration_seconds, 6, 1e-6);
  EXPECT_TRUE(std::filesystem::exists(all->run_dir + "/results.jsonl"));
  const auto paired = processor->ProcessBatch(models, prompts, Mode::kPaired);
  ASSERT_EQ(paired->results.size(), 2u);
  EXPECT_EQ(paired->results[1].prompt, "Explain ML");
  const auto broadcast =
      processor->ProcessBatch(models, {"Why"}, Mode::kBroadcast);
  ASSERT_EQ(broadcast->results.size(), 2u);
  EXPECT_EQ(broadcast->statistics.prompts_processed, 1);
  processor->Shutdown();
  EXPECT_FALSE(processor->ProcessBatch(models, prompts));
}

TEST_F(ParallelTest, WorkersAndRetriesAreTheRuns) {
  const Batch batch = {
      .models = {kModel, kOther}, .prompts = {"One", "Two"}, .stop = {}};
  const auto alone = Make().Process(batch);
  ASSERT_TRUE(alone) << alone.error().message;
  options_.run.num_workers = 2;
  options_.run.max_retries = 0;
  options_.run.circuit_breaker = true;
  const auto together = Make().Process(batch);
  ASSERT_TRUE(together) << together.error().message;
  ASSERT_EQ(together->results.size(), 4u);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(together->results[i].key, alone->results[i].key);
    EXPECT_EQ(together->results[i].text, alone->results[i].text);
  }
  options_.run.num_workers = 0;
  const auto none = Make().Process(batch);
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().message, HasSubstr("--parallel-workers"));
}

TEST_F(ParallelTest, AnAdaptiveExecutorSaysWhatItHasRoomFor) {
  const auto adaptive = AdaptiveParallelExecutor::Create(options_, 7);
  ASSERT_TRUE(adaptive);
  EXPECT_EQ(adaptive->max_workers(), 17);
  EXPECT_GE(adaptive->OptimalWorkers(), 1);
  EXPECT_LE(adaptive->OptimalWorkers(), 17);
  EXPECT_EQ(adaptive->adaptation_interval(), 7);
  EXPECT_FALSE(AdaptiveParallelExecutor::Create(options_, 0));
}

TEST_F(ParallelTest, TheRunsOfAnAdaptiveExecutorAreAdaptive) {
  auto adaptive = AdaptiveParallelExecutor::Create(options_, 1);
  ASSERT_TRUE(adaptive);
  ParallelExecutor fixed = Make();
  std::vector<std::string> texts;
  for (ParallelExecutor* const executor :
       std::initializer_list<ParallelExecutor*>{&fixed, &*adaptive}) {
    const auto batch = executor->Process(
        {.models = {kModel}, .prompts = {"One", "Two", "Three"}, .stop = {}});
    ASSERT_TRUE(batch) << batch.error().message;
    std::ifstream manifest(batch->run_dir + "/manifest.json");
    std::stringstream text;
    text << manifest.rdbuf();
    EXPECT_THAT(text.str(),
                HasSubstr(executor == &fixed ? "\"adaptive\": false"
                                             : "\"adaptive\": true"));
    texts.emplace_back();
    for (const OperationResult& result : batch->results) {
      texts.back() += result.text + "\n";
    }
  }
  EXPECT_EQ(texts[0], texts[1]);
}

}  // namespace
}  // namespace revlm
