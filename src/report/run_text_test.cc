#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/json.h"
#include "revlm/report.h"

namespace revlm {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

RunSummary SomeRun() {
  RunSummary summary;
  summary.run_dir = "runs/1";
  ModelSummary model;
  model.alias = "m";
  model.directory = "models/m";
  model.model_type = "llama";
  model.dtype = "BF16";
  model.num_parameters = 1'400'000;
  model.weight_bytes = 2'800'000;
  model.tensor_root = "9c1f" + std::string(58, '0') + "e2";
  summary.models = {model};
  summary.num_prompts = summary.num_operations = summary.num_finished = 2;
  summary.mode = "cross_product";
  for (const std::string prompt : {"one", "two"}) {
    OperationResult result;
    result.model = "m";
    result.id = result.key = result.prompt = prompt;
    result.text = " three";
    result.tokens = {
        {.id = 1, .text = " thr", .logprob = -1, .alternatives = {}},
        {.id = 2, .text = "ee", .logprob = -2, .alternatives = {}}};
    result.finish_reason = "length";
    summary.results.push_back(result);
  }
  summary.seconds = 4;
  summary.peak_memory_bytes = 1 << 20;
  return summary;
}

TEST(RunTextTest, SystemsThatMadePromptsAndFailedAreNamed) {
  RunSummary summary = SomeRun();
  summary.prompt_systems = {{.name = "pot/1",
                             .share = 0.6,
                             .num_prompts = 2,
                             .failure = "",
                             .remark = "first ones"},
                            {.name = "kdf/1",
                             .share = 0.4,
                             .num_prompts = 0,
                             .failure = "no answer within 30 s",
                             .remark = ""}};
  EXPECT_THAT(
      RenderText(summary, {}),
      HasSubstr("systems pot/1 2, kdf/1 0\n"
                "  pot/1: first ones\n"
                "  kdf/1 failed, others took its share: no answer within 30 "
                "s\n"));
  const auto document = base::Json::parse(RenderJson(summary, 0));
  EXPECT_EQ(document["prompt_systems"][1]["failure"], "no answer within 30 s");
  EXPECT_EQ(document["prompt_systems"][0]["failure"], nullptr);
}

TEST(RunTextTest, ARunThatWentWellIsTold) {
  EXPECT_EQ(
      RenderText(SomeRun(), {}),
      "model   m  HF directory, llama, 1.4 M, BF16, 2.67 MiB, "
      "sha256 9c1f..e2\n"
      "plan    1 model x 2 prompts = 2 operations (cross_product)\n"
      "RUN OK  2 of 2 operations, 0 failed, 4.0 s, 0.5 op/s, "
      "peak 1.00 MiB\n"
      "  results  runs/1/results.jsonl\n"
      "\n"
      "  PROMPT                      CONTINUATION                         "
      "     LOGP/TOK\n"
      "  one                          three                               "
      "        -1.50\n"
      "  two                          three                               "
      "        -1.50\n");
}

TEST(RunTextTest, FailuresAreGroupedByMessage) {
  RunSummary summary = SomeRun();
  for (OperationResult& result : summary.results) {
    result.error = Error{ErrorCode::kInvalidArgument, "too long\x1b"};
  }
  summary.num_failed = 2;
  const std::string text = RenderText(summary, {});
  EXPECT_THAT(text, HasSubstr("RUN FAILED  2 of 2 operations, 2 failed"));
  EXPECT_THAT(text, HasSubstr("  2 operations failed: too long\\x1b\n"));
}

TEST(RunTextTest, AStoppedRunSaysWhatIsKept) {
  RunSummary summary = SomeRun();
  summary.results.pop_back();
  summary.num_finished = 1;
  summary.stopped_by = Error{ErrorCode::kCancelled, "stopped"};
  const std::string text = RenderText(summary, {});
  EXPECT_THAT(text, HasSubstr("RUN STOPPED  1 of 2 operations"));
  EXPECT_THAT(text, HasSubstr("  kept     runs/1/ops.jsonl\n"));
  EXPECT_THAT(text, Not(HasSubstr("PROMPT")));
}

TEST(RunTextTest, ResultsOfAnEarlierStartClaimNoSpeed) {
  RunSummary summary = SomeRun();
  summary.num_resumed = 2;
  const std::string text = RenderText(summary, {});
  EXPECT_THAT(text, HasSubstr("2 from an earlier start, peak"));
  EXPECT_THAT(text, Not(HasSubstr("op/s")));
}

TEST(RunTextTest, ColorIsOnlyThereWhenAsked) {
  EXPECT_THAT(RenderText(SomeRun(), {.color = Color::kAlways}),
              HasSubstr("\x1b[1;32mRUN OK\x1b[0m"));
  EXPECT_THAT(RenderText(SomeRun(), {}), Not(HasSubstr("\x1b")));
}

TEST(RunTextTest, ManyOperationsAreLeftToTheFile) {
  RunSummary summary = SomeRun();
  summary.num_operations = summary.num_finished = 17;
  summary.results.clear();
  const std::string text = RenderText(summary, {});
  EXPECT_THAT(text, HasSubstr("RUN OK  17 of 17 operations"));
  EXPECT_THAT(text, Not(HasSubstr("PROMPT")));
}

TEST(RunJsonTest, IsOneLineWithEveryMember) {
  const std::string text = RenderJson(SomeRun(), 5);
  EXPECT_EQ(text.find('\n'), text.size() - 1);
  const auto document = base::ParseJson(text, "test");
  ASSERT_TRUE(document);
  EXPECT_EQ((*document)["schema"], "revlm.run/1");
  EXPECT_EQ((*document)["exit_code"], 5);
  EXPECT_TRUE(document->contains("verdict"));
  EXPECT_TRUE((*document)["verdict"].is_null());
  EXPECT_EQ((*document)["results"].size(), 2u);
  EXPECT_EQ((*document)["operations"]["planned"], 2);
}

TEST(RunJsonTest, AFailedCommandIsADocumentOfTheSameSchema) {
  const auto document = base::ParseJson(
      RenderJson(Error{ErrorCode::kNotFound, "no \xff"}, kRunSchema, 2),
      "test");
  ASSERT_TRUE(document);
  EXPECT_EQ((*document)["schema"], "revlm.run/1");
  EXPECT_EQ((*document)["error"]["code"], "not_found");
}

}  // namespace
}  // namespace revlm
