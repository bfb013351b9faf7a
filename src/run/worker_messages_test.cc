#include "run/worker_messages.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>
#include <vector>

namespace revlm::run {
namespace {

OpenModel SomeOpenModel() {
  OpenModel message = {.reference = "a=./model",
                       .spill_directory = "/tmp",
                       .budget_bytes = 123,
                       .options = {}};
  message.options.sampling = {
      .temperature = 0.5f, .top_k = 3, .top_p = 0.25f, .seed = 7};
  message.options.capture = HiddenStates::kMean;
  message.options.batch_size = 5;
  message.options.adaptive = true;
  message.options.adaptation_interval = 7;
  message.options.environment.home = "/home/x";
  return message;
}

sched::Decision SomeDecision() {
  return {.setting = {.batch_size = 40,
                      .num_threads = 2,
                      .num_models = 1,
                      .memory_bytes = uint64_t{3} << 32},
          .reason = "batch 20 -> 40: a trial"};
}

CompletedRequest SomeResult() {
  CompletedRequest message = {.request_idx = 3, .result = {}};
  message.result.text = "\xff text";
  message.result.tokens = {
      {.id = 1, .text = "a", .logprob = -0.5f, .alternatives = {{2, "b", -2}}},
      {.id = 2, .text = "b", .logprob = NAN, .alternatives = {}}};
  message.result.finish_reason = "stop";
  message.result.error = Error{ErrorCode::kTimeout, "late"};
  return message;
}

std::vector<FromWorker> SomeAnswers() {
  ModelDescription model;
  model.summary.directory = "/m";
  model.identity = "abc";
  model.chat_template_sha256 = "12";
  model.numerics.row_tile = 16;
  model.small_files = {{"config.json", 12, "00"}};
  model.weight_files = {{"w", {.device = 1, .modified_ns = -5}}};
  model.process.image.files = {{"f", 3, 4}};
  return {Failed{{ErrorCode::kCorrupt, "bad"}, true},
          model,
          EncodedPrompts{{{{1, 2}, {}}, {{}, Error{ErrorCode::kCorrupt, "x"}}}},
          FloorBytes{5},
          engine::RunPlan{.num_slabs = 4, .seconds = 0.5},
          DigestRoot{"ff"},
          engine::Progress{.phase = engine::Progress::Phase::kDecode},
          SomeResult(),
          RunEnded{},
          SomeDecision()};
}

TEST(WorkerMessagesTest, AnswersAreReadAsTheyWereWritten) {
  for (const FromWorker& answer : SomeAnswers()) {
    const std::string bytes = ToBytes(answer);
    const auto read = FromWorkerFromBytes(bytes);
    ASSERT_TRUE(read) << answer.index();
    EXPECT_EQ(read->index(), answer.index());
    EXPECT_EQ(ToBytes(*read), bytes);
  }
  const auto read = FromWorkerFromBytes(ToBytes(FromWorker(SomeResult())));
  const auto& result = std::get<CompletedRequest>(*read).result;
  EXPECT_EQ(result.tokens[0], SomeResult().result.tokens[0]);
  EXPECT_TRUE(std::isnan(result.tokens[1].logprob));
  EXPECT_EQ(result.error->code, ErrorCode::kTimeout);
}

TEST(WorkerMessagesTest, AChangeOfAnAdaptiveRunIsToldWhole) {
  const auto read = FromWorkerFromBytes(ToBytes(FromWorker(SomeDecision())));
  ASSERT_TRUE(read);
  const auto& decision = std::get<sched::Decision>(*read);
  EXPECT_EQ(decision.setting, SomeDecision().setting);
  EXPECT_EQ(decision.reason, SomeDecision().reason);
  // No setting is below one.
  for (int32_t sched::Setting::* const number :
       {&sched::Setting::batch_size, &sched::Setting::num_threads,
        &sched::Setting::num_models}) {
    sched::Decision impossible = SomeDecision();
    impossible.setting.*number = 0;
    EXPECT_FALSE(FromWorkerFromBytes(ToBytes(FromWorker(impossible))));
  }
}

TEST(WorkerMessagesTest, QuestionsAreReadAsTheyWereWritten) {
  const std::vector<ToWorker> questions = {
      SomeOpenModel(),
      EncodePrompts{{"one", ""}},
      TakeRequests{2, {{"key", {1, 2, 3}, 4}}},
      AskFloor{},
      AskPlan{9, 2},
      AskDigests{true, "/d"},
      RunRequests{1, 3, 2, "/r", "a"},
      Drain{}};
  for (const ToWorker& question : questions) {
    const std::string bytes = ToBytes(question);
    const auto read = ToWorkerFromBytes(bytes);
    ASSERT_TRUE(read) << question.index();
    EXPECT_EQ(read->index(), question.index());
    EXPECT_EQ(ToBytes(*read), bytes);
  }
  const auto open = ToWorkerFromBytes(ToBytes(questions[0]));
  const RunOptions& options = std::get<OpenModel>(*open).options;
  EXPECT_EQ(options.sampling.top_k, 3);
  EXPECT_EQ(options.capture, HiddenStates::kMean);
  EXPECT_EQ(options.batch_size, 5);
  EXPECT_TRUE(options.adaptive);
  EXPECT_EQ(options.adaptation_interval, 7);
  EXPECT_EQ(options.environment.home, "/home/x");
  for (const int32_t interval : {0, -1}) {
    OpenModel impossible = SomeOpenModel();
    impossible.options.adaptation_interval = interval;
    EXPECT_FALSE(ToWorkerFromBytes(ToBytes(ToWorker(impossible))));
  }
}

TEST(WorkerMessagesTest, AnotherVersionIsRefusedBeforeTheRestIsRead) {
  OpenModel other = SomeOpenModel();
  other.speaks = "revlm.worker/1 0.0.1";
  for (const std::string more : {"", "what was new there"}) {
    const auto read = ToWorkerFromBytes(ToBytes(ToWorker(other)) + more);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, ErrorCode::kUnsupported);
  }
}

TEST(WorkerMessagesTest, WhatIsNoMessageIsAnError) {
  std::mt19937 chance(20261125);
  std::vector<std::string> seeds = {"", "x", std::string(100, '\xff')};
  for (const FromWorker& answer : SomeAnswers()) {
    seeds.push_back(ToBytes(answer));
  }
  for (const std::string& seed : seeds) {
    for (size_t i = 0; i < seed.size(); ++i) {
      EXPECT_FALSE(FromWorkerFromBytes(std::string_view(seed).substr(0, i)));
    }
    EXPECT_FALSE(FromWorkerFromBytes(seed + "x"));
    for (int i = 0; i < 2000 && !seed.empty(); ++i) {
      std::string bytes = seed;
      for (uint32_t n = chance() % 4 + 1; n > 0; --n) {
        bytes[chance() % bytes.size()] = static_cast<char>(chance());
      }
      const auto read = FromWorkerFromBytes(bytes);
      // What is accepted is a message: written again, it is the same.
      if (read) {
        EXPECT_EQ(ToBytes(*read), bytes);
      }
    }
  }
  EXPECT_EQ(FromWorkerFromBytes("\xff").error().code, ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace revlm::run
