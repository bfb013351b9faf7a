#include "tokenizer/pattern.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tokenizer/pattern_syntax.h"

namespace revlm::tokenizer {
namespace {

using ::testing::HasSubstr;

// What the expression finds in `text`, each match in brackets.
std::string Marked(const char* expression, std::string_view text) {
  const auto pattern = Pattern::Regex(expression, "t.json");
  if (!pattern) return pattern.error().message;
  std::vector<Span> spans;
  const auto status = Matcher(*pattern).Find(text, &spans);
  if (!status) return status.error().message;
  std::string marked;
  for (const Span& span : spans) {
    const std::string part(text.substr(span.begin, span.end - span.begin));
    marked += span.is_match ? "[" + part + "]" : part;
  }
  return marked;
}

TEST(PatternTest, SpansCoverTheText) {
  EXPECT_EQ(Marked("b+", "abbab"), "a[bb]a[b]");
  EXPECT_EQ(Marked("x", "ab"), "ab");
  EXPECT_EQ(Marked("x", ""), "");
}

TEST(PatternTest, EmptyMatchesAreNotFoundWhereOneEnded) {
  EXPECT_EQ(Marked("b*", "abbé"), "[]a[bb]é[]");
}

TEST(PatternTest, LookbehindSeesWhatWasMatchedBefore) {
  EXPECT_EQ(Marked("(?<=a)b|a", "ab"), "[a][b]");
}

TEST(PatternTest, ClassesAreThoseOfOniguruma) {
  // U+180E is no space, a mark and U+24D0 are of words, U+00B2 outside a class
  // only.
  EXPECT_EQ(Marked(R"(\s)", "\u180e\u0085\u3000"), "\u180e[\u0085][\u3000]");
  EXPECT_EQ(Marked(R"(\w+)", "e\u0301\u24d0_\u00b2-"),
            "[e\u0301\u24d0_\u00b2]-");
  EXPECT_EQ(Marked(R"([\w]+)", "e\u00b2"), "[e]\u00b2");
  EXPECT_EQ(Marked(R"(\h+)", "1afg"), "[1af]g");
  EXPECT_EQ(Marked(R"(\b)", "a\u0301-"), "[]a\u0301[]-");
  EXPECT_EQ(Marked(R"(\B)", "ab"), "a[]b");
}

TEST(PatternTest, LinesAreThoseOfRuby) {
  EXPECT_EQ(Marked("^a$", "a\na"), "[a]\n[a]");
  EXPECT_EQ(Marked("a.b", "a\nb"), "a\nb");
  EXPECT_EQ(Marked("(?m:a.b)", "a\nb"), "[a\nb]");
  EXPECT_EQ(Marked("(?i:K)", "k\u212a"), "[k][\u212a]");
}

TEST(PatternTest, WhatOnigurumaReadsInAnotherWayIsRefusedByName) {
  EXPECT_THAT(Marked("[a[bc]]", ""), HasSubstr("a class inside a class"));
  EXPECT_THAT(Marked("[a-z&&[^b]]", ""), HasSubstr("an intersection"));
  EXPECT_THAT(Marked("a{1,2}+", ""), HasSubstr("a quantifier of an interval"));
  EXPECT_THAT(Marked("a{,2}", ""), HasSubstr("an interval without a minimum"));
  EXPECT_THAT(Marked("(*UTF)a", ""), HasSubstr("a verb"));
  EXPECT_THAT(Marked("(?R)", ""), HasSubstr("a group of an unknown kind"));
  EXPECT_THAT(Marked("\\Qa", ""), HasSubstr("\\Q"));
  EXPECT_THAT(Marked("[]a]", ""), HasSubstr("an empty class"));
}

TEST(PatternTest, ExpressionThatDoesNotCompileIsRefused) {
  EXPECT_THAT(Marked("(a", ""), HasSubstr("does not compile"));
  EXPECT_THAT(Marked("a\\", ""), HasSubstr("a backslash at its end"));
  EXPECT_THAT(Marked("\\p{Nowhere}", ""), HasSubstr("does not compile"));
  EXPECT_THAT(Marked(std::string(20'000, 'a').c_str(), ""),
              HasSubstr("allowed are 16384"));
}

TEST(PatternTest, ExponentialExpressionEndsInAnError) {
  EXPECT_THAT(Marked("(a|a)*c|(b|b|ab)*d", std::string(200, 'a') + "b"),
              HasSubstr("made to be slow"));
}

TEST(PatternTest, EmptyStringIsRefused) {
  EXPECT_FALSE(Pattern::Literal("", "t.json"));
}

TEST(PatternTest, LiteralIsFoundAsItIs) {
  const auto pattern = Pattern::Literal("a.", "t.json");
  ASSERT_TRUE(pattern);
  std::vector<Span> spans;
  ASSERT_TRUE(Matcher(*pattern).Find("ab a.", &spans));
  EXPECT_EQ(spans, (std::vector<Span>{{0, 3, false}, {3, 5, true}}));
}

}  // namespace
}  // namespace revlm::tokenizer
