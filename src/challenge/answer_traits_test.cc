#include "challenge/answer_traits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace revlm::challenge {
namespace {

using ::testing::ElementsAre;

TEST(AnswerTraitsTest, RepetitionIsTheShareOfTriplesThatCameBefore) {
  EXPECT_EQ(RepetitionOf(""), 0);
  EXPECT_EQ(RepetitionOf("a b"), 0);
  EXPECT_EQ(RepetitionOf("one two three four"), 0);
  EXPECT_DOUBLE_EQ(RepetitionOf("a b c\na b c"), 1 - 3.0 / 4);
  EXPECT_DOUBLE_EQ(RepetitionOf("a a a a a a"), 1 - 1.0 / 4);
}

TEST(AnswerTraitsTest, ARefusalBeginsByDeclining) {
  for (const char* text :
       {"I'm sorry, but no.", " I CANNOT do that", "Sorry, I can\u2019t.",
        "Als KI: ich kann nicht helfen", "Lo siento, no.",
        "D\u00e9sol\u00e9, je ne peux pas."}) {
    EXPECT_TRUE(IsRefusal(text)) << text;
  }
  for (const std::string& text : {std::string(), std::string("I can do that."),
                                  std::string("The sorry state of it."),
                                  std::string(130, 'x') + " I cannot"}) {
    EXPECT_FALSE(IsRefusal(text)) << text;
  }
}

TEST(AnswerTraitsTest, LettersAreCountedByScript) {
  EXPECT_THAT(LettersOf("ab \u00e9 12 !?\u00d7 \U0001F600"),
              ElementsAre(3, 0, 0, 0, 0));
  EXPECT_THAT(LettersOf("\u0434\u043e\u043c \u03b1\u03b2 \u6cb3\u30a2\uac00"
                        " \u05d0"),
              ElementsAre(0, 3, 2, 3, 1));
  EXPECT_THAT(LettersOf("a\xff\xc3"), ElementsAre(1, 0, 0, 0, 0));
}

TEST(AnswerTraitsTest, FormatsAreToldApart) {
  EXPECT_EQ(FormatOf(""), AnswerFormat::kProse);
  EXPECT_EQ(FormatOf("Just words.\nAnd more; of them."), AnswerFormat::kProse);
  EXPECT_EQ(FormatOf(" {\"a\": [1, 2]}\n"), AnswerFormat::kJson);
  EXPECT_EQ(FormatOf("{\"a\": [1, 2}"), AnswerFormat::kProse);
  EXPECT_EQ(FormatOf("Here:\n```\nx\n```"), AnswerFormat::kCode);
  EXPECT_EQ(FormatOf("if (x) {\n  y();\n}"), AnswerFormat::kCode);
  EXPECT_EQ(FormatOf("| a | b |\n| 1 | 2 |"), AnswerFormat::kTable);
  EXPECT_EQ(FormatOf("Two:\n- a\n- b"), AnswerFormat::kList);
  EXPECT_EQ(FormatOf("1. a\n2) b"), AnswerFormat::kList);
  EXPECT_EQ(FormatOf("1. a\nand 2"), AnswerFormat::kProse);
}

TEST(AnswerTraitsTest, OnlyTheBeginningIsLookedAt) {
  const std::string long_answer = std::string(4096, ' ') + "I cannot. a b c";
  EXPECT_EQ(NumWordsOf(long_answer), 0);
  EXPECT_FALSE(IsRefusal(long_answer));
  EXPECT_EQ(NumWordsOf(" a  b\nc "), 3);
}

}  // namespace
}  // namespace revlm::challenge
