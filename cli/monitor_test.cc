#include "cli/monitor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace revlm::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

RunStatus StatusAt(double seconds) {
  RunStatus status;
  status.run_dir = "rev-runs/r";
  status.state = RunState::kRunning;
  status.time = "2026-11-23T04:01:43Z";
  status.seconds = seconds;
  status.num_planned = 1'000'000;
  status.num_done = static_cast<int64_t>(seconds * 10);
  status.models = {{.alias = "m",
                    .state = "running",
                    .num_planned = status.num_planned,
                    .num_done = status.num_done}};
  return status;
}

int64_t Count(const std::string& text, char c) {
  return std::count(text.begin(), text.end(), c);
}

// A monitor that writes into a string, on a terminal that can be resized.
struct Fixture {
  explicit Fixture(DisplayMode mode)
      : monitor(
            mode, [this] { return style; },
            [this](std::string_view text) { written += text; }) {}

  std::string Taken() { return std::exchange(written, ""); }

  TextStyle style;
  std::string written;
  Monitor monitor;
};

TEST(MonitorTest, PlainWritesAtMostSevenLinesAMinute) {
  Fixture plain(DisplayMode::kPlain);
  for (int second = 0; second <= 60; ++second) {
    plain.monitor.Show(StatusAt(second));
  }
  plain.monitor.Finish();
  const std::string written = plain.Taken();
  EXPECT_GE(Count(written, '\n'), 5);
  EXPECT_LE(Count(written, '\n'), 7);
  EXPECT_EQ(Count(written, '\x1b'), 0);
  EXPECT_EQ(Count(written, '\r'), 0);
  EXPECT_THAT(written, HasSubstr("r: running, 0 of 1000000 operations"));
  EXPECT_THAT(written, HasSubstr("r: running, 600 of 1000000 operations"));
}

TEST(MonitorTest, PlainRepeatsNothing) {
  Fixture plain(DisplayMode::kPlain);
  for (int i = 0; i < 100; ++i) plain.monitor.Show(StatusAt(7));
  plain.monitor.Finish();
  plain.monitor.Finish();
  EXPECT_EQ(Count(plain.written, '\n'), 1);
}

TEST(MonitorTest, PlainSaysAtOnce) {
  Fixture plain(DisplayMode::kPlain);
  plain.monitor.Say("caf\xc3\xa9\x1b");
  EXPECT_EQ(plain.Taken(), "caf\\xe9\\x1b\n");
}

TEST(MonitorTest, TheScreenIsDrawnFromItsCorner) {
  Fixture screen(DisplayMode::kBar);
  screen.style.rows = 10;
  screen.monitor.Show(StatusAt(1));
  const std::string first = screen.Taken();
  // What was there is scrolled away.
  EXPECT_TRUE(first.starts_with(std::string(10, '\n') + "\x1b[HREV r  "));
  EXPECT_TRUE(first.ends_with("\x1b[K\n\x1b[J"));
  screen.monitor.Show(StatusAt(2));
  const std::string second = screen.Taken();
  EXPECT_TRUE(second.starts_with("\x1b[HREV r  running 0:00:02"));
  EXPECT_EQ(second.find("\n\n"), std::string::npos);
}

TEST(MonitorTest, TheScreenKeepsToTheTerminalAsItIs) {
  Fixture screen(DisplayMode::kBar);
  screen.monitor.Show(StatusAt(1));
  screen.Taken();
  for (const auto& [columns, rows] :
       {std::pair{40, 5}, {120, 50}, {3, 3}, {80, 24}}) {
    screen.style.columns = columns;
    screen.style.rows = rows;
    screen.monitor.Show(StatusAt(2));
    const std::string frame = screen.Taken();
    EXPECT_LT(Count(frame, '\n'), std::min(rows, 24));
    for (size_t begin = frame.find('H') + 1; begin < frame.size();) {
      const size_t end = std::min(frame.find("\x1b[K\n", begin), frame.size());
      if (end == frame.size()) break;
      EXPECT_LE(end - begin, static_cast<size_t>(std::min(columns, 80)));
      begin = end + 4;
    }
  }
}

TEST(MonitorTest, WhatIsSaidOnTheScreenComesAfterIt) {
  Fixture screen(DisplayMode::kBar);
  screen.monitor.Say("before");
  EXPECT_EQ(screen.Taken(), "before\n");
  screen.monitor.Show(StatusAt(1));
  screen.Taken();
  screen.monitor.Say("during");
  EXPECT_EQ(screen.Taken(), "");
  screen.monitor.Finish();
  EXPECT_EQ(screen.Taken(), "during\n");
}

TEST(MonitorTest, NoneShowsNothingAndSaysAll) {
  Fixture none(DisplayMode::kNone);
  none.monitor.Show(StatusAt(1));
  none.monitor.Finish();
  EXPECT_EQ(none.Taken(), "");
  none.monitor.Say("notice");
  EXPECT_THAT(none.Taken(), HasSubstr("notice"));
}

}  // namespace
}  // namespace revlm::cli
