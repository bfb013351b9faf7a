#include "run/session.h"

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <variant>

#include "base/error.h"
#include "run/op_record.h"

namespace revlm::run {
namespace {

constexpr int32_t kNumRequests = 12;
constexpr int32_t kBatchSize = 4;
constexpr int32_t kNumParts = kNumRequests / kBatchSize;
constexpr uint64_t kEngineBytes = uint64_t{128} << 20;

// What a session told while it ran.
struct Told {
  int32_t num_plans = 0;
  int32_t num_progress = 0;
  engine::Progress progress;                // the last
  std::map<uint64_t, std::string> results;  // by request
};

// Takes so long to hear of a result that the next pass is told of.
Status Note(const FromWorker& message, Told& told) {
  if (std::holds_alternative<engine::RunPlan>(message)) ++told.num_plans;
  if (const auto* progress = std::get_if<engine::Progress>(&message)) {
    EXPECT_EQ(progress->num_requests, kNumRequests);
    EXPECT_EQ(progress->num_complete,
              static_cast<int32_t>(told.results.size()));
    EXPECT_GE(progress->tokens_done, told.progress.tokens_done);
    EXPECT_GE(progress->read_bytes, told.progress.read_bytes);
    told.progress = *progress;
    ++told.num_progress;
  }
  if (const auto* done = std::get_if<CompletedRequest>(&message)) {
    const bool is_new =
        told.results.emplace(done->request_idx, ResultToLine(done->result))
            .second;
    EXPECT_TRUE(is_new) << done->request_idx;
    std::this_thread::sleep_for(std::chrono::milliseconds(60));
  }
  return {};
}

class SessionTest : public ::testing::Test {
 protected:
  SessionTest() {
    options_.num_threads = 2;
    options_.batch_size = kBatchSize;
    options_.keep_weights = false;
    options_.adaptive = true;
    options_.adaptation_interval = kBatchSize;
  }

  // Opens a model and lets it take requests of unlike lengths.
  void Open() {
    auto session =
        Session::Open({.reference = REVLM_EXAMPLES "/models/aster-s0",
                       .spill_directory = ::testing::TempDir(),
                       .budget_bytes = 2 * kEngineBytes,
                       .options = options_});
    ASSERT_TRUE(session) << session.error().message;
    session_ = *std::move(session);
    EncodePrompts texts;
    for (int32_t i = 0; i < kNumRequests; ++i) {
      texts.texts.push_back("Number " + std::to_string(i * i));
    }
    EncodedPrompts encoded = session_->Encode(texts);
    TakeRequests requests = {.num_in_all = kNumRequests, .requests = {}};
    for (EncodedPrompt& prompt : encoded.prompts) {
      ASSERT_FALSE(prompt.error);
      const auto place = static_cast<int32_t>(requests.requests.size());
      requests.requests.push_back({.key = "key-" + std::to_string(place),
                                   .token_ids = std::move(prompt.token_ids),
                                   .max_new_tokens = 1 + place % 3});
    }
    session_->Take(std::move(requests));
  }

  std::optional<Failed> Run(
      uint64_t engine_bytes, const Session::Tell& tell,
      const Session::AskDrain& ask_drain = [] { return false; }) {
    return session_->Run({.engine_bytes = engine_bytes,
                          .process_bytes = 0,
                          .run_dir = ::testing::TempDir(),
                          .alias = "a"},
                         tell, ask_drain);
  }

  void RunAll(Told& told) {
    ASSERT_NO_FATAL_FAILURE(Open());
    const auto failed = Run(kEngineBytes, [&](const FromWorker& message) {
      return Note(message, told);
    });
    ASSERT_FALSE(failed) << failed->error.message;
    ASSERT_EQ(told.results.size(), size_t{kNumRequests});
    EXPECT_EQ(told.results.rbegin()->first, uint64_t{kNumRequests - 1});
  }

  RunOptions options_;
  std::unique_ptr<Session> session_;
};

TEST_F(SessionTest, AnAdaptiveRunTellsTheSameInParts) {
  Told parts;
  ASSERT_NO_FATAL_FAILURE(RunAll(parts));
  options_.adaptive = false;
  Told whole;
  ASSERT_NO_FATAL_FAILURE(RunAll(whole));
  EXPECT_EQ(whole.num_plans, 1);
  EXPECT_GE(parts.num_plans, kNumParts);
  EXPECT_GE(parts.num_progress, kNumParts);
  EXPECT_EQ(parts.results, whole.results);
}

TEST_F(SessionTest, NothingMoreIsToldOnceThatFailed) {
  ASSERT_NO_FATAL_FAILURE(Open());
  constexpr int32_t kLast = kBatchSize + 2;  // not of the first part
  int32_t num_results = 0;
  const auto failed =
      Run(kEngineBytes, [&](const FromWorker& message) -> Status {
        EXPECT_LT(num_results, kLast);
        if (!std::holds_alternative<CompletedRequest>(message)) return {};
        if (++num_results < kLast) return {};
        return base::MakeError(ErrorCode::kUnavailable, "hung up");
      });
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->error.message, "hung up");
  EXPECT_EQ(num_results, kLast);
}

TEST_F(SessionTest, DrainingEndsAfterWhatIsInFlight) {
  Told whole;
  ASSERT_NO_FATAL_FAILURE(RunAll(whole));
  for (const bool adaptive : {false, true}) {
    options_.adaptive = adaptive;
    ASSERT_NO_FATAL_FAILURE(Open());
    Told told;
    const auto failed = Run(
        kEngineBytes,
        [&](const FromWorker& message) { return Note(message, told); },
        [&] { return !told.results.empty(); });
    EXPECT_FALSE(failed) << failed->error.message;
    EXPECT_EQ(told.results.size(), size_t{kBatchSize});
    for (const auto& [request, line] : told.results) {
      EXPECT_EQ(line, whole.results[request]);
    }
  }
}

TEST_F(SessionTest, ADrainThatCannotBeAskedForIsAFailure) {
  ASSERT_NO_FATAL_FAILURE(Open());
  const auto failed = Run(
      kEngineBytes,
      [](const FromWorker& message) -> Status {
        EXPECT_FALSE(std::holds_alternative<CompletedRequest>(message));
        return {};
      },
      []() -> Result<bool> {
        return base::MakeError(ErrorCode::kUnavailable, "hung up");
      });
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->error.message, "hung up");
}

TEST_F(SessionTest, TooLittleMemoryIsAFailureBeforeAnyPart) {
  ASSERT_NO_FATAL_FAILURE(Open());
  const auto failed =
      Run(session_->FloorBytes() - 1, [](const FromWorker& message) -> Status {
        ADD_FAILURE() << message.index();
        return {};
      });
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->error.code, ErrorCode::kBudgetExceeded);
  EXPECT_FALSE(failed->is_of_output);
}

}  // namespace
}  // namespace revlm::run
