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
    const CodePoint point = DecodeUtf8(c.text, 0);
    EXPECT_TRUE(point.is_valid);
    EXPECT_EQ(point.value, c.value);
    EXPECT_EQ(point.length, c.text.size());
  }
  EXPECT_EQ(DecodeUtf8(std::string_view("\0x", 2), 0).length, 1u);
}

TEST(Utf8Test, RefusesWhatTheStandardRefuses) {
  for (const std::string_view text :
       {"\x80", "\xc0\xaf", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80",
        "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80",
        "\xe2\x82", "\xc3(", "\xff"}) {
    EXPECT_FALSE(DecodeUtf8(text, 0).is_valid);
    EXPECT_FALSE(IsValidUtf8(text));
  }
}

TEST(Utf8Test, WholeTextsAreValidOrNot) {
  EXPECT_TRUE(IsValidUtf8(""));
  EXPECT_TRUE(IsValidUtf8("a\xc3\xa4\xe4\xb8\xad\xf0\x9f\x98\x80z"));
  EXPECT_FALSE(IsValidUtf8("fine\xc3"));
}

}  // namespace
}  // namespace revlm::base
