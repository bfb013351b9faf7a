// A model whose worker keeps dying is paused, tried again and, if that does not
// help, given up; another model goes on meanwhile, in the only place there is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "revlm/status.h"
#include "run/run.h"

namespace revlm::run {
namespace {

using std::chrono::nanoseconds;
using ::testing::SizeIs;

constexpr int32_t kNumPrompts = 10;
constexpr double kOpenSeconds = 30;

// Pauses are half a minute: an hour of it is a minute of ours.
class FastClock : public base::Clock {
 public:
  nanoseconds Monotonic() const override {
    return 60 * base::SystemClock().Monotonic();
  }
  nanoseconds Wall() const override { return base::SystemClock().Wall(); }
};

// What a run told of model "a".
struct Told {
  std::vector<double> paused;  // when
  double b_done = 0;           // when all of model "b" was
  std::set<std::string> breakers;
  std::string breaker;  // the last
};

class BreakerTest : public ::testing::Test {
 protected:
  // Two models whose operations have keys of their own.
  BreakerTest() {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directory(folder_);
    const std::string example = REVLM_EXAMPLES "/models/aster-s0";
    std::filesystem::copy(example, folder_ + "/b");
    const std::string config = folder_ + "/b/config.json";
    auto json = base::Json::parse(std::ifstream(config));
    json["rms_norm_eps"] = 2 * json["rms_norm_eps"].get<double>();
    std::ofstream(config) << json.dump();
    options_.models = {"a=" + example, "b=" + folder_ + "/b"};
    for (int32_t i = 0; i < kNumPrompts; ++i) {
      options_.prompts.push_back("Number " + std::to_string(i));
    }
    options_.max_tokens = 2;
    options_.num_workers = 1;
    options_.circuit_breaker = true;
    options_.worker_program = REVLM_POISON_WORKER;
    whole_ = RunIn("whole").results;
  }

  RunSummary RunIn(const std::string& name) {
    options_.output_dir = folder_ + "/" + name;
    auto summary = Execute(options_, FastClock());
    EXPECT_TRUE(summary) << summary.error().message;
    return summary ? *std::move(summary) : RunSummary();
  }

  // Each prompt kills model "a", until it was paused so often.
  RunSummary RunPoisoned(int32_t max_retries, size_t num_pauses, Told& told) {
    std::string poison = "REVLM_TEST_POISON=";
    for (int32_t i = 0; i < kNumPrompts; ++i) poison += whole_[i].key + " ";
    const std::string cure = folder_ + "/cure";
    options_.environment.variables = {poison, "REVLM_TEST_CURE=" + cure,
                                      "REVLM_TEST_LOG=" + folder_ + "/log"};
    options_.max_retries = max_retries;
    options_.on_event = [&, cure](const RunEvent& event) {
      if (event.kind == RunEvent::Kind::kNotice &&
          event.message.find("circuit breaker is open") != std::string::npos) {
        told.paused.push_back(event.seconds);
        if (told.paused.size() == num_pauses) std::ofstream(cure) << "cured";
        if (on_pause_) on_pause_();
      }
      if (event.model == "b" && event.phase == "done") {
        told.b_done = event.seconds;
      }
      if (!event.status) return;
      told.breaker = event.status->models[0].breaker;
      told.breakers.insert(told.breaker);
      EXPECT_LE(event.status->num_workers, 1);
    };
    return RunIn("poisoned");
  }

  // Of model "a", how many operations failed with this in their message.
  int64_t NumFailed(const RunSummary& summary, const std::string& message) {
    return std::ranges::count_if(
        summary.results, [&](const OperationResult& result) {
          return result.model == "a" && result.error &&
                 result.error->message.find(message) != std::string::npos;
        });
  }

  // Those that did not fail are as they were undisturbed, all of "b" among
  // them.
  void ExpectOthersAsWhole(const RunSummary& summary) {
    ASSERT_THAT(summary.results, SizeIs(2 * kNumPrompts));
    for (size_t i = 0; i < whole_.size(); ++i) {
      const OperationResult& result = summary.results[i];
      EXPECT_EQ(result.key, whole_[i].key);
      if (result.error && i < kNumPrompts) continue;
      EXPECT_FALSE(result.error) << result.error->message;
      EXPECT_EQ(result.tokens, whole_[i].tokens);
    }
  }

  const std::string folder_ =
      ::testing::TempDir() + "/fault_breaker_" +
      ::testing::UnitTest::GetInstance()->current_test_info()->name();
  RunOptions options_;
  std::function<void()> on_pause_;
  std::vector<OperationResult> whole_;
};

TEST_F(BreakerTest, AModelThatRecoversIsTakenUpAgain) {
  Told told;
  const RunSummary summary = RunPoisoned(2, 2, told);
  ASSERT_THAT(told.paused, SizeIs(2));
  // The second pause is after one prompt, not after all that is left.
  EXPECT_EQ(NumFailed(summary, "put aside"), 3 + 1);
  EXPECT_EQ(summary.num_failed, 3 + 1);
  ExpectOthersAsWhole(summary);
  EXPECT_GE(told.paused[1] - told.paused[0], kOpenSeconds);
  EXPECT_GE(summary.seconds, told.paused[1] + kOpenSeconds);
  EXPECT_GT(told.b_done, told.paused[0]);
  EXPECT_LT(told.b_done, told.paused[1]);
  EXPECT_TRUE(told.breakers.contains("open"));
  EXPECT_EQ(told.breaker, "closed");
}

TEST_F(BreakerTest, AModelThatNeverRecoversIsGivenUp) {
  Told told;
  const RunSummary summary = RunPoisoned(2, 0, told);
  ASSERT_THAT(told.paused, SizeIs(2));
  EXPECT_EQ(NumFailed(summary, "put aside"), 3 + 2);
  EXPECT_EQ(
      NumFailed(summary, "2 later tries with one prompt failed (circuit "),
      kNumPrompts - 3 - 2);
  ExpectOthersAsWhole(summary);
  EXPECT_LT(told.b_done, told.paused[1]);
  EXPECT_EQ(told.breaker, "open");
}

TEST_F(BreakerTest, APauseIsNoHindranceToAStop) {
  Told told;
  std::stop_source drain;
  options_.drain = drain.get_token();
  on_pause_ = [&] { drain.request_stop(); };
  const RunSummary summary = RunPoisoned(2, 1, told);
  ASSERT_TRUE(summary.stopped_by);
  EXPECT_EQ(summary.stopped_by->code, ErrorCode::kCancelled);
  EXPECT_LT(summary.num_finished, 2 * kNumPrompts);
  EXPECT_EQ(summary.num_failed, 3);
  options_.drain = {};
  on_pause_ = {};
  const RunSummary resumed = RunPoisoned(2, 1, told);
  EXPECT_FALSE(resumed.stopped_by);
  EXPECT_EQ(resumed.num_failed, 3);
  ExpectOthersAsWhole(resumed);
}

}  // namespace
}  // namespace revlm::run
