#include "cli/display.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace revlm::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

RunEvent Progress(double seconds, double fraction) {
  RunEvent event;
  event.model = "m";
  event.phase = "prefill";
  event.layer = 1;
  event.num_layers = 8;
  event.num_finished = static_cast<int64_t>(fraction * 100);
  event.num_total = 100;
  event.unit = "operations";
  event.fraction = fraction;
  event.seconds = seconds;
  return event;
}

// What a display writes for a run of `seconds` with `rate` events a second.
std::string Written(DisplayMode mode, double seconds, double rate) {
  std::string written;
  Display display(mode, Charset::kAscii, 80,
                  [&](std::string_view text) { written += text; });
  const auto count = static_cast<int>(seconds * rate);
  for (int i = 0; i <= count; ++i) {
    display.Show(Progress(i / rate, static_cast<double>(i) / count));
  }
  display.Finish();
  return written;
}

int64_t Count(const std::string& text, char c) {
  return std::count(text.begin(), text.end(), c);
}

TEST(DisplayTest, PlainWritesNoEscapeAndNoCarriageReturn) {
  const std::string written = Written(DisplayMode::kPlain, 100, 50);
  EXPECT_EQ(Count(written, '\x1b'), 0);
  EXPECT_EQ(Count(written, '\r'), 0);
  EXPECT_THAT(written, HasSubstr("m: 0 of 100 operations, 0 %, prefill 1/8"));
  EXPECT_THAT(written, HasSubstr("m: 100 of 100 operations, end, 0:01:40\n"));
}

TEST(DisplayTest, PlainWritesAtMostSevenLinesAMinute) {
  EXPECT_EQ(Count(Written(DisplayMode::kPlain, 0.5, 1000), '\n'), 2);
  const auto minute = Count(Written(DisplayMode::kPlain, 60, 1000), '\n');
  EXPECT_GE(minute, 5);
  EXPECT_LE(minute, 8);  // seven and the end line
  // A day: 5 % take over an hour, so a line a minute shows that it lives.
  const auto day = Count(Written(DisplayMode::kPlain, 86400, 1), '\n');
  EXPECT_LE(day, 1442);
  EXPECT_GE(day, 1430);
}

TEST(DisplayTest, BarRedrawsAtMostTenTimesASecondAndLeavesNothing) {
  const std::string written = Written(DisplayMode::kBar, 5, 1000);
  EXPECT_LE(Count(written, '\r'), 52);
  EXPECT_GE(Count(written, '\r'), 40);
  EXPECT_THAT(written, HasSubstr("[####................] 2"));
  EXPECT_TRUE(written.ends_with("\r\x1b[K"));
  EXPECT_EQ(Count(written, '\n'), 0);
}

TEST(DisplayTest, BarStaysWithinTheTerminal) {
  std::string written;
  Display display(DisplayMode::kBar, Charset::kAscii, 20,
                  [&](std::string_view text) { written += text; });
  display.Show(Progress(1, 0.5));
  EXPECT_EQ(written, "\rm  [##########.....\x1b[K");
}

TEST(DisplayTest, NoneWritesNoticesOnly) {
  EXPECT_EQ(Written(DisplayMode::kNone, 5, 10), "");
  std::string written;
  Display display(DisplayMode::kNone, Charset::kAscii, 80,
                  [&](std::string_view text) { written += text; });
  RunEvent notice;
  notice.kind = RunEvent::Kind::kNotice;
  notice.message = "resuming \x1b[31mr\xc3\xa4\n";
  display.Show(notice);
  EXPECT_EQ(written, "resuming \\x1b[31mr\\xe4\\n\n");
}

TEST(DisplayTest, ANoticeTakesTheBarAwayFirst) {
  std::string written;
  Display display(DisplayMode::kBar, Charset::kAscii, 80,
                  [&](std::string_view text) { written += text; });
  display.Show(Progress(0, 0));
  RunEvent notice;
  notice.kind = RunEvent::Kind::kNotice;
  notice.message = "hello";
  display.Show(notice);
  EXPECT_THAT(written, HasSubstr("\r\x1b[Khello\n"));
  EXPECT_THAT(written, Not(HasSubstr("prefill 1/8hello")));
}

}  // namespace
}  // namespace revlm::cli
