#include "run/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "run/metrics_text.h"

namespace revlm::run {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

class FakeClock : public base::Clock {
 public:
  std::chrono::nanoseconds Monotonic() const override { return now_; }
  std::chrono::nanoseconds Wall() const override {
    return std::chrono::hours(24 * 365) + now_;
  }
  void Pass(double seconds) {
    now_ += std::chrono::nanoseconds(static_cast<int64_t>(seconds * 1e9));
  }

 private:
  std::chrono::nanoseconds now_{0};
};

class MetricsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    directory_ =
        ::testing::TempDir() + "/metrics_" +
        ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
  }

  Metrics Make(int64_t num_done = 0) {
    RunStatus status;
    status.run_dir = directory_;
    status.memory_limit_bytes = 10'000;
    status.memory_reserve_bytes = 625;
    status.models = {{.alias = "a", .num_planned = 4, .num_done = num_done},
                     {.alias = "b", .num_planned = 2}};
    return Metrics(std::move(status), kProgramBytes, clock_,
                   [this](std::string message) {
                     notices_.push_back(std::move(message));
                   });
  }

  std::string Text(const std::string& name) const {
    std::ifstream file(directory_ + "/" + name);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::vector<RunStatus> Samples() const {
    std::vector<RunStatus> samples;
    std::ifstream file(directory_ + "/metrics.jsonl");
    for (std::string line; std::getline(file, line);) {
      auto status = StatusFromLine(line, "test");
      EXPECT_TRUE(status) << status.error().message;
      if (status) samples.push_back(*std::move(status));
    }
    return samples;
  }

  static constexpr uint64_t kProgramBytes = 1000;

  FakeClock clock_;
  std::string directory_;
  std::vector<std::string> notices_;
};

TEST_F(MetricsTest, SamplesOnceASecond) {
  Metrics metrics = Make();
  EXPECT_EQ(metrics.latest(), nullptr);
  EXPECT_TRUE(metrics.Tick());
  EXPECT_FALSE(metrics.Tick());
  for (int i = 0; i < 100; ++i) {
    clock_.Pass(0.1);
    metrics.Tick();
  }
  EXPECT_EQ(Samples().size(), 11u);
  EXPECT_DOUBLE_EQ(metrics.latest()->seconds, 10);
}

TEST_F(MetricsTest, CountsWhatEachModelDoes) {
  Metrics metrics = Make(1);
  metrics.Begin("a", getpid(), 500);
  clock_.Pass(2);
  metrics.Finish("a", std::nullopt);
  metrics.Finish("a", Error{ErrorCode::kInvalidArgument, "too long"});
  metrics.Retry("a", Error{ErrorCode::kTimeout, "slow"}, 1);
  metrics.SetBreaker("a", "closed");
  metrics.SetPlanned(5000);
  ASSERT_TRUE(metrics.Tick());
  const RunStatus& status = *metrics.latest();
  EXPECT_EQ(status.state, RunState::kRunning);
  EXPECT_EQ(status.started, "1971-01-01T00:00:00Z");
  EXPECT_EQ(status.time, "1971-01-01T00:00:02Z");
  EXPECT_EQ(status.num_planned, 6);
  EXPECT_EQ(status.num_done, 3);
  EXPECT_EQ(status.num_failed, 1);
  EXPECT_EQ(status.num_retried, 1);
  EXPECT_EQ(status.num_resumed, 1);
  EXPECT_EQ(status.num_workers, 1);
  EXPECT_DOUBLE_EQ(status.operations_per_second, 1);
  EXPECT_EQ(status.held_bytes, 1500u);
  EXPECT_EQ(status.planned_bytes, 5000u);
  EXPECT_GT(status.private_bytes, 0u);
  EXPECT_GT(status.mapped_bytes, 0u);
  EXPECT_EQ(status.last_message, "a: trying again after: slow");
  const ModelStatus& model = status.models[0];
  EXPECT_EQ(model.state, "running");
  EXPECT_EQ(model.num_done, 3);
  EXPECT_EQ(model.num_failed, 1);
  EXPECT_EQ(model.num_retried, 1);
  EXPECT_DOUBLE_EQ(model.operations_per_second, 1);
  EXPECT_NEAR(model.p50_seconds, 2, 0.2);
  EXPECT_NEAR(model.p95_seconds, 2, 0.2);
  EXPECT_EQ(model.breaker, "closed");
  EXPECT_EQ(model.memory_bytes, status.private_bytes + status.mapped_bytes);
  EXPECT_EQ(status.models[1].state, "waiting");
  EXPECT_EQ(status.models[1].memory_bytes, 0u);
}

TEST_F(MetricsTest, AModelThatIsDoneWorksNoMore) {
  Metrics metrics = Make();
  metrics.Begin("b", getpid(), 500);
  clock_.Pass(4);
  metrics.Finish("b", std::nullopt);
  metrics.Finish("b", std::nullopt);
  clock_.Pass(6);
  metrics.Tick();
  const auto before = metrics.latest();
  EXPECT_EQ(before->models[1].state, "done");
  EXPECT_DOUBLE_EQ(before->models[1].operations_per_second, 0.5);
  // Its worker is there until it has read all weights.
  EXPECT_GT(before->models[1].memory_bytes, 0u);
  EXPECT_EQ(before->num_workers, 1);
  metrics.Begin("b", getpid(), 700);
  clock_.Pass(2);
  metrics.Tick();
  EXPECT_EQ(metrics.latest()->models[1].state, "done");
  EXPECT_DOUBLE_EQ(metrics.latest()->models[1].operations_per_second, 0.5);
  EXPECT_EQ(metrics.latest()->held_bytes, kProgramBytes + 700);
  metrics.Leave("b");
  clock_.Pass(2);
  metrics.Tick();
  EXPECT_EQ(metrics.latest()->models[1].state, "done");
  EXPECT_EQ(metrics.latest()->models[1].memory_bytes, 0u);
  EXPECT_EQ(metrics.latest()->num_workers, 0);
  EXPECT_EQ(metrics.latest()->held_bytes, kProgramBytes);
}

TEST_F(MetricsTest, AModelWithoutItsWorkerWaits) {
  Metrics metrics = Make();
  metrics.Begin("a", getpid(), 500);
  metrics.Begin("b", getpid(), 300);
  clock_.Pass(4);
  metrics.Finish("a", std::nullopt);
  metrics.Leave("a");
  metrics.Retry("a", Error{ErrorCode::kUnavailable, "it died"}, 0);
  clock_.Pass(10);
  metrics.Tick();
  const auto waiting = metrics.latest();
  EXPECT_EQ(waiting->models[0].state, "waiting");
  EXPECT_EQ(waiting->models[0].memory_bytes, 0u);
  // Waiting is no time at work, and a worker's retry is no operation's.
  EXPECT_DOUBLE_EQ(waiting->models[0].operations_per_second, 0.25);
  EXPECT_EQ(waiting->num_retried, 0);
  EXPECT_EQ(waiting->num_workers, 1);
  EXPECT_EQ(waiting->held_bytes, kProgramBytes + 300);
  metrics.Begin("a", getpid(), 500);
  metrics.Retry("a", Error{ErrorCode::kUnavailable, "it died"}, 3);
  clock_.Pass(4);
  metrics.Finish("a", std::nullopt);
  metrics.Tick();
  EXPECT_EQ(metrics.latest()->models[0].state, "running");
  EXPECT_DOUBLE_EQ(metrics.latest()->models[0].operations_per_second, 0.25);
  EXPECT_EQ(metrics.latest()->num_retried, 3);
  metrics.End(RunState::kStopped, std::nullopt);
  EXPECT_THAT(Text("metrics.prom"),
              HasSubstr("rev_retries_total{reason=\"unavailable\"} 2\n"));
}

TEST_F(MetricsTest, TheLastSampleSaysHowItEnded) {
  Metrics metrics = Make();
  metrics.Begin("a", getpid(), 500);
  metrics.Tick();
  metrics.End(RunState::kStopped, Error{ErrorCode::kCancelled, "by a signal"});
  const RunStatus last = Samples().back();
  EXPECT_EQ(last.state, RunState::kStopped);
  EXPECT_EQ(last.stopped_by, "by a signal");
  EXPECT_EQ(last.models[0].state, "waiting");
  EXPECT_EQ(last.num_workers, 0);
}

TEST_F(MetricsTest, ALineReadsBack) {
  Metrics metrics = Make(1);
  metrics.Begin("a", getpid(), 500);
  clock_.Pass(2.5);
  metrics.Finish("a", Error{ErrorCode::kInternal, "odd \xff\n\"text\""});
  metrics.SetBreaker("a", "half_open");
  metrics.Tick();
  const std::vector<RunStatus> samples = Samples();
  ASSERT_EQ(samples.size(), 1u);
  EXPECT_EQ(StatusToLine(samples[0]), StatusToLine(*metrics.latest()));
  EXPECT_THAT(Text("metrics.jsonl"),
              HasSubstr("\"schema\":\"revlm.metrics/1\""));
}

TEST_F(MetricsTest, WhatIsNoSampleIsRefused) {
  for (const char* line :
       {"", "{}", "[]", "{\"state\":\"asleep\"}", "{\"state\":3}",
        "{\"state\":\"running\",\"seconds\":\"x\"}",
        "{\"state\":\"running\",\"models\":[{\"done\":-1}]}",
        "{\"state\":\"running\",\"memory\":{\"pss_bytes\":1,"
        "\"limit_bytes\":\"x\"}}"}) {
    EXPECT_FALSE(StatusFromLine(line, "test")) << line;
  }
  EXPECT_TRUE(StatusFromLine("{\"state\":\"running\",\"new\":1}", "test"));
}

TEST_F(MetricsTest, PrometheusGetsItsText) {
  Metrics metrics = Make();
  metrics.Begin("a", getpid(), 500);
  clock_.Pass(0.5);
  metrics.Finish("a", std::nullopt);
  metrics.Retry("b", Error{ErrorCode::kTimeout, "slow"}, 1);
  metrics.SetBreaker("b", "open");
  metrics.Tick();
  const std::string text = Text("metrics.prom");
  for (const char* line :
       {"# TYPE rev_ops_total counter\n",
        "rev_ops_total{model=\"a\",outcome=\"ok\"} 1\n",
        "rev_ops_total{model=\"b\",outcome=\"failed\"} 0\n",
        "# TYPE rev_op_duration_seconds histogram\n",
        "rev_op_duration_seconds_bucket{model=\"a\",le=\"0.256\"} 0\n",
        "rev_op_duration_seconds_bucket{model=\"a\",le=\"1.024\"} 1\n",
        "rev_op_duration_seconds_bucket{model=\"a\",le=\"+Inf\"} 1\n",
        "rev_op_duration_seconds_sum{model=\"a\"} 0.5\n",
        "rev_op_duration_seconds_count{model=\"a\"} 1\n",
        "rev_memory_bytes{kind=\"limit\"} 10000\n",
        "rev_memory_bytes{kind=\"held\"} 1500\n", "rev_workers 1\n",
        "rev_queue_depth 5\n", "rev_retries_total{reason=\"timeout\"} 1\n",
        "rev_breaker_state{model=\"b\"} 2\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
  EXPECT_THAT(text, Not(HasSubstr("rev_breaker_state{model=\"a\"}")));
  EXPECT_TRUE(text.ends_with('\n'));
}

TEST(PrometheusTest, LabelsAreQuoted) {
  RunStatus status;
  status.models = {{.alias = "a\"b\\c\nd"}};
  EXPECT_THAT(StatusToPrometheus(status, {}, {}),
              HasSubstr("{model=\"a\\\"b\\\\c\\nd\",outcome=\"ok\"} 0\n"));
}

TEST_F(MetricsTest, WhatCannotBeWrittenIsToldOnceAndTheRunGoesOn) {
  Metrics metrics = Make();
  std::filesystem::remove_all(directory_);
  for (int i = 0; i < 40; ++i) {
    clock_.Pass(1);
    EXPECT_TRUE(metrics.Tick());
  }
  EXPECT_THAT(notices_, ElementsAre(HasSubstr("goes on without its metrics")));
  EXPECT_DOUBLE_EQ(metrics.latest()->seconds, 40);
  // With room again, it is kept again.
  std::filesystem::create_directories(directory_);
  clock_.Pass(1);
  metrics.Tick();
  EXPECT_EQ(Samples().size(), 1u);
}

TEST_F(MetricsTest, ATornLineOfAKilledStartIsCutOff) {
  std::ofstream(directory_ + "/metrics.jsonl") << "{\"state\":\"runn";
  Metrics metrics = Make();
  metrics.Tick();
  EXPECT_EQ(Samples().size(), 1u);
  EXPECT_THAT(notices_, IsEmpty());
}

TEST_F(MetricsTest, MemoryIsToldByUse) {
  Metrics metrics = Make();
  metrics.SetPlanned(5000);
  metrics.Tick();
  EXPECT_THAT(metrics.MemoryLine(),
              StartsWith("memory: planned 5000 bytes, held 1000 (program "
                         "1000), PSS "));
  metrics.Begin("a", getpid(), 500);
  metrics.Begin("b", getpid(), 300);
  engine::MemoryUse use;
  use.pinned_bytes = 200;
  use.kv_bytes = 50;
  metrics.SetPlan("a", use);
  use.pinned_bytes = 20;
  use.scratch_bytes = 3;
  use.heap_bytes = 4;
  metrics.SetPlan("b", use);
  EXPECT_THAT(metrics.MemoryLine(),
              StartsWith("memory: planned 5000 bytes, held 1800 (program 1000, "
                         "workers 800: weights 220, keys and values 100, "
                         "scratch 7), PSS "));
  EXPECT_THAT(metrics.MemoryLine(), HasSubstr("limit 10000, reserve 625"));
  metrics.Leave("a");
  EXPECT_THAT(metrics.MemoryLine(),
              HasSubstr("held 1300 (program 1000, workers 300: weights 20, "
                        "keys and values 50, scratch 7), PSS "));
}

}  // namespace
}  // namespace revlm::run
