#include "formats/chat_template_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace revlm::formats {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

ChatTemplateConfig Parse(std::string_view json) {
  auto config = ParseChatTemplateConfig(json, "c.json");
  EXPECT_TRUE(config) << config.error().message;
  return config.value_or(ChatTemplateConfig());
}

std::string ErrorOf(std::string_view json) {
  const auto config = ParseChatTemplateConfig(json, "c.json");
  return config ? "read" : config.error().message;
}

TEST(ChatTemplateFileTest, AStringIsTheTemplate) {
  EXPECT_EQ(Parse(R"({"chat_template": "{{ x }}"})").text, "{{ x }}");
}

TEST(ChatTemplateFileTest, OfSeveralTheDefaultOneIsTaken) {
  EXPECT_EQ(Parse(R"({"chat_template": [
                    {"name": "tool_use", "template": "t"},
                    {"name": "default", "template": "d"}]})")
                .text,
            "d");
}

TEST(ChatTemplateFileTest, ThereMayBeNone) {
  EXPECT_EQ(Parse("{}").text, std::nullopt);
  EXPECT_EQ(Parse(R"({"chat_template": null})").text, std::nullopt);
  EXPECT_THAT(Parse("{}").tokens, IsEmpty());
}

TEST(ChatTemplateFileTest, TokensAreThoseThatAreMentioned) {
  EXPECT_THAT(Parse(R"({"bos_token": null, "eos_token": "</s>",
                        "unk_token": {"content": "<unk>", "lstrip": false},
                        "add_bos_token": true})")
                  .tokens,
              ElementsAre(TokenName{"bos_token", std::nullopt},
                          TokenName{"eos_token", "</s>"},
                          TokenName{"unk_token", "<unk>"}));
}

TEST(ChatTemplateFileTest, WhatIsWrongIsNamed) {
  EXPECT_EQ(ErrorOf("[]"), "c.json: not a JSON object");
  EXPECT_EQ(ErrorOf(R"({"chat_template": 1})"),
            "c.json: \"chat_template\" is 1, allowed is a string");
  EXPECT_EQ(ErrorOf(R"({"chat_template": [1]})"),
            "c.json: \"chat_template\" is a list of other things than objects");
  EXPECT_EQ(ErrorOf(R"({"chat_template": [{"name": "default"}]})"),
            "c.json: one of \"chat_template\" has no \"template\"");
  EXPECT_EQ(ErrorOf(R"({"chat_template": [{"name": "a", "template": ""},
                                          {"name": "b", "template": ""}]})"),
            "c.json: \"chat_template\" has none named \"default\", only: "
            "\"a\", \"b\"");
  EXPECT_EQ(ErrorOf(R"({"chat_template":
                        [{"name": "default", "template": ""},
                         {"name": "default", "template": ""}]})"),
            "c.json: \"chat_template\" has two named \"default\"");
  EXPECT_EQ(ErrorOf(R"({"eos_token": 7})"),
            "c.json: \"eos_token\" is number, allowed are a string, an object "
            "with \"content\" and null");
}

}  // namespace
}  // namespace revlm::formats
