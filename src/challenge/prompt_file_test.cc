#include "challenge/prompt_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/file.h"

namespace revlm::challenge {
namespace {

using ::testing::HasSubstr;

std::string TextError(std::string_view content, PromptLimits limits = {}) {
  const auto prompts = ParsePromptText(content, "p.txt", limits);
  if (prompts) return "no error";
  EXPECT_EQ(prompts.error().code, ErrorCode::kInvalidArgument);
  return prompts.error().message;
}

std::string JsonError(std::string_view content, PromptLimits limits = {}) {
  const auto prompts = ParsePromptJsonLines(content, "p.jsonl", limits);
  if (prompts) return "no error";
  EXPECT_EQ(prompts.error().code, ErrorCode::kInvalidArgument);
  return prompts.error().message;
}

TEST(PromptFileTest, TextIsOnePromptALineWithBlankLinesSkipped) {
  const auto prompts = ParsePromptText(
      "\xef\xbb\xbf first \r\n\n \t\nzwei\xc3\xa4\nlast", "p.txt", {});
  ASSERT_TRUE(prompts);
  ASSERT_EQ(prompts->size(), 3u);
  EXPECT_EQ((*prompts)[0].text, " first ");
  EXPECT_EQ((*prompts)[1].text, "zwei\xc3\xa4");
  EXPECT_EQ((*prompts)[2].text, "last");
  EXPECT_TRUE((*prompts)[0].id.empty());
}

TEST(PromptFileTest, JsonLinesCarryIdAndMaxTokens) {
  const auto prompts = ParsePromptJsonLines(
      "{\"prompt\": \"a\\nb\", \"id\": \"x\", \"max_tokens\": 3, "
      "\"priority\": -2, \"note\": 1}\n"
      "\n{\"prompt\": \"\"}\n",
      "p.jsonl", {});
  ASSERT_TRUE(prompts);
  ASSERT_EQ(prompts->size(), 2u);
  EXPECT_EQ((*prompts)[0].text, "a\nb");
  EXPECT_EQ((*prompts)[0].id, "x");
  EXPECT_EQ((*prompts)[0].max_tokens, 3);
  EXPECT_EQ((*prompts)[0].priority, -2);
  EXPECT_EQ((*prompts)[1].text, "");
  EXPECT_EQ((*prompts)[1].max_tokens, std::nullopt);
  EXPECT_EQ((*prompts)[1].priority, std::nullopt);
}

TEST(PromptFileTest, ErrorsNameFileAndLine) {
  EXPECT_THAT(TextError("ok\n\xff\n"), HasSubstr("p.txt, line 2"));
  EXPECT_THAT(TextError("ok\nlong line\n", {.max_line_bytes = 5}),
              HasSubstr("line 2: found 9 bytes, allowed are 5"));
  EXPECT_THAT(TextError("a\nb\nc\n", {.max_prompts = 2}),
              HasSubstr("line 3: found more than 2 prompts"));
  EXPECT_THAT(JsonError("{\"prompt\": \"a\"}\nnot json\n"),
              HasSubstr("p.jsonl, line 2"));
  EXPECT_THAT(JsonError("[1]"), HasSubstr("line 1: found no JSON object"));
  EXPECT_THAT(JsonError("{\"text\": \"a\"}"),
              HasSubstr("line 1: found no \"prompt\""));
  EXPECT_THAT(JsonError("{\"prompt\": 7}"), HasSubstr("line 1"));
  EXPECT_THAT(JsonError("{\"prompt\": \"a\", \"max_tokens\": -1}"),
              HasSubstr("line 1"));
  EXPECT_THAT(JsonError("{\"prompt\": \"a\", \"id\": \"\"}"),
              HasSubstr("line 1: \"id\" has 0 bytes"));
}

TEST(PromptFileTest, AnIdMayNotComeTwice) {
  EXPECT_THAT(JsonError("{\"prompt\": \"a\", \"id\": \"x\"}\n"
                        "{\"prompt\": \"b\", \"id\": \"x\"}\n"),
              HasSubstr("line 2: id \"x\" is also that of line 1"));
}

TEST(PromptFileTest, TheNameDecidesTheFormat) {
  const std::string base = ::testing::TempDir() + "/prompt_file_test";
  ASSERT_TRUE(base::WriteFileAtomically(base + ".txt", "{\"prompt\": 1}\n"));
  ASSERT_TRUE(
      base::WriteFileAtomically(base + ".jsonl", "{\"prompt\": \"hi\"}\n"));
  const auto text = ReadPromptFile(base + ".txt");
  ASSERT_TRUE(text);
  EXPECT_EQ((*text)[0].text, "{\"prompt\": 1}");
  const auto json = ReadPromptFile(base + ".jsonl");
  ASSERT_TRUE(json);
  EXPECT_EQ((*json)[0].text, "hi");
}

TEST(PromptFileTest, AbsentEmptyAndHugeFilesAreRefused) {
  EXPECT_EQ(ReadPromptFile("no/such/file.txt").error().code,
            ErrorCode::kNotFound);
  const std::string path = ::testing::TempDir() + "/prompt_file_blank.txt";
  ASSERT_TRUE(base::WriteFileAtomically(path, "\n  \n"));
  EXPECT_THAT(ReadPromptFile(path).error().message, HasSubstr("found none"));
  EXPECT_THAT(ReadPromptFile(path, {.max_file_bytes = 3}).error().message,
              HasSubstr("found 4 bytes, allowed are 3"));
}

}  // namespace
}  // namespace revlm::challenge
