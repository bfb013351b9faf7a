#include "report/text.h"

#include <gtest/gtest.h>

#include <string>

namespace revlm::report {
namespace {

TEST(ReportTextTest, PrintableEscapesWhatATerminalWouldObey) {
  EXPECT_EQ(Printable("a\tb\n\r\x1b[31m\x7f", Charset::kUtf8),
            "a\\tb\\n\\r\\x1b[31m\\x7f");
  EXPECT_EQ(Printable("\xc2\x9b"
                      "2J",
                      Charset::kUtf8),
            "\\x9b2J");  // CSI
  EXPECT_EQ(Printable("\u202eabc\u2066\u200b\ufeff", Charset::kUtf8),
            "\\u{202e}abc\\u{2066}\\u{200b}\\u{feff}");
  EXPECT_EQ(Printable("ok\xff\xc3", Charset::kUtf8), "ok\\xff\\xc3");
}

TEST(ReportTextTest, PrintableKeepsForeignLettersWhereTheyCanBeShown) {
  EXPECT_EQ(Printable("\u00fc\u4e2d", Charset::kUtf8), "\u00fc\u4e2d");
  EXPECT_EQ(Printable("\u00fc\u4e2d", Charset::kAscii), "\\xfc\\u{4e2d}");
}

TEST(ReportTextTest, ColumnsAreExactWhateverTheCharacters) {
  for (const std::string_view text :
       {"", "abc", "a long text of letters", "\u4e2d\u56fd\u4e2d\u56fd\u4e2d",
        "e\u0301e\u0301e\u0301e\u0301", "\U0001f600\U0001f600\U0001f600x"}) {
    for (int32_t columns = 4; columns < 30; ++columns) {
      for (const Charset charset : {Charset::kAscii, Charset::kUtf8}) {
        EXPECT_EQ(Width(Column(text, columns, charset)), columns) << text;
      }
    }
  }
}

TEST(ReportTextTest, CuttingShowsThatSomethingIsMissing) {
  EXPECT_EQ(Cut("abcdef", 6, Charset::kAscii), "abcdef");
  EXPECT_EQ(Cut("abcdefg", 6, Charset::kAscii), "abc...");
  EXPECT_EQ(Cut("abcdefg", 6, Charset::kUtf8), "abcde\u2026");
}

TEST(ReportTextTest, NumbersHaveUnits) {
  EXPECT_EQ(FormatBytes(1023), "1023 B");
  EXPECT_EQ(FormatBytes(2892800), "2.76 MiB");
  EXPECT_EQ(FormatBytes(uint64_t{812} << 30), "812.0 GiB");
  EXPECT_EQ(FormatCount(999), "999");
  EXPECT_EQ(FormatCount(1441920), "1.4 M");
  EXPECT_EQ(FormatCount(70'400'000), "70 M");
  EXPECT_EQ(FormatCount(405'000'000'000), "405 G");
  EXPECT_EQ(FormatSeconds(9.14), "9.1 s");
  EXPECT_EQ(FormatSeconds(3725.2), "1:02:05");
  EXPECT_EQ(ShortDigest("9c1f00000000e2"), "9c1f..e2");
}

}  // namespace
}  // namespace revlm::report
