#include "base/utf8.h"

#include <gtest/gtest.h>

namespace revlm::base {
namespace {

TEST(Utf8Test, DecodesTheFirstAndLastOfEachLength) {
  const struct {
    std::string_view text;
    char32_t value;
  } kCases[] = {{"\x7f", 0x7f},
                {"\xc2\x80", 0x80},
                {"\xdf\xbf", 0x7ff},
                {"\xe0\xa0\x80", 0x800},
                {"\xef\xbf\xbf", 0xffff},
                {"\xf0\x90\x80\x80", 0x10000},
                {"\xf4\x8f\xbf\xbf", 0x10ffff}};
  for (const auto& c : kCases) {
    const CodePoint point = FirstCodePoint(c.text);
    EXPECT_EQ(point.value, c.value);
    EXPECT_EQ(point.num_bytes, c.text.size());
  }
  EXPECT_EQ(FirstCodePoint(std::string_view("\0x", 2)).num_bytes, 1u);
}

TEST(Utf8Test, RefusesWhatTheStandardRefuses) {
  for (const std::string_view text :
       {"\x80", "\xc0\xaf", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80",
        "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80",
        "\xe2\x82", "\xc3(", "\xff"}) {
    EXPECT_EQ(FirstCodePoint(text).num_bytes, 0u);
    EXPECT_FALSE(IsValidUtf8(text));
  }
  EXPECT_EQ(FirstCodePoint("").num_bytes, 0u);
}

TEST(Utf8Test, WholeTextsAreValidOrNot) {
  EXPECT_TRUE(IsValidUtf8(""));
  EXPECT_TRUE(IsValidUtf8("a\xc3\xa4\xe4\xb8\xad\xf0\x9f\x98\x80z"));
  EXPECT_FALSE(IsValidUtf8("fine\xc3"));
}

}  // namespace
}  // namespace revlm::base
