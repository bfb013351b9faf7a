#include "run/op_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace revlm::run {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

OperationResult SomeResult() {
  OperationResult result;
  result.model = "m";
  result.reference = "./m";
  result.id = "fact-1";
  result.key = std::string(64, 'a');
  result.prompt = "Gr\xc3\xbc\xc3\x9f \"dich\"\n";
  result.prompt_token_ids = {0, 7, 2047};
  result.prompt_tokens = {
      {.id = 7, .text = " x", .logprob = -0.1f, .alternatives = {}}};
  result.tokens = {
      {.id = 3,
       .text = "\xef\xbf\xbd",
       .logprob = -12.345678f,
       .alternatives = {{.id = 4, .text = "b", .logprob = -1e-7f}}}};
  result.text = "\xef\xbf\xbd";
  result.finish_reason = "length";
  result.capture_file = "captures/a.safetensors";
  return result;
}

TEST(OpRecordTest, AResultComesBackEqualAndAsTheSameBytes) {
  const OperationResult result = SomeResult();
  const std::string line = ResultToLine(result);
  const auto read = RecordFromLine(
      RecordToLine({.result = result, .finished = "now", .seconds = 1.5}),
      "test");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->seconds, 1.5);
  EXPECT_EQ(read->result.prompt, result.prompt);
  EXPECT_EQ(read->result.prompt_token_ids, result.prompt_token_ids);
  EXPECT_EQ(read->result.tokens, result.tokens);
  EXPECT_EQ(read->result.prompt_tokens, result.prompt_tokens);
  EXPECT_EQ(read->result.capture_file, result.capture_file);
  EXPECT_EQ(ResultToLine(read->result), line);
  // Members are in order, as those of any document.
  EXPECT_EQ(ToLine(base::Json::parse(line)), line);
}

TEST(OpRecordTest, TextThatLooksLikeAMemberStaysText) {
  OperationResult result = SomeResult();
  result.prompt = "\"tokens\":null,\"prompt_tokens\":null,\"result\":null";
  result.model = result.id = result.prompt;
  const std::string line = ResultToLine(result);
  EXPECT_EQ(ToLine(base::Json::parse(line)), line);
  const auto read = RecordFromLine(
      RecordToLine({.result = result, .finished = result.id}), "test");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(ResultToLine(read->result), line);
}

TEST(OpRecordTest, FloatsAreShortAndTimesAreInRecordsOnly) {
  const std::string line = ResultToLine(SomeResult());
  EXPECT_THAT(line, HasSubstr("\"logprob\":-0.1,"));
  EXPECT_THAT(line, Not(HasSubstr("seconds")));
  EXPECT_THAT(line, Not(HasSubstr("finished\"")));
}

TEST(OpRecordTest, AFailureKeepsItsCodeAndHasNoAnswer) {
  OperationResult result = SomeResult();
  result.error = Error{ErrorCode::kInvalidArgument, "too long"};
  const auto read =
      ResultFromJson(base::Json::parse(ResultToLine(result)), "test");
  ASSERT_TRUE(read);
  ASSERT_TRUE(read->error);
  EXPECT_EQ(read->error->code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(read->error->message, "too long");
  EXPECT_TRUE(read->tokens.empty());
}

TEST(OpRecordTest, WhatMakesNoSenseIsAnError) {
  for (const std::string line :
       {"", "{}", "[]", "{\"result\": 1}", "{\"result\": {\"model\": \"m\"}}",
        "{\"result\": {\"model\": \"m\", \"key\": \"k\", \"tokens\": 3}}",
        "{\"result\": {\"model\": \"m\", \"key\": \"k\","
        " \"prompt_token_ids\": [\"x\"]}}"}) {
    const auto record = RecordFromLine(line, "test");
    ASSERT_FALSE(record) << line;
    EXPECT_EQ(record.error().code, ErrorCode::kCorrupt);
  }
}

}  // namespace
}  // namespace revlm::run
