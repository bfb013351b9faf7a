#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <string>

#include "base/json.h"
#include "report/text.h"
#include "revlm/report.h"
#include "revlm/status.h"

namespace revlm {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr uint64_t kMiB = 1 << 20;

RunStatus TwoModels() {
  RunStatus status;
  status.run_dir = "rev-runs/20261123T040102Z-a1b7";
  status.state = RunState::kRunning;
  status.started = "2026-11-23T04:01:02Z";
  status.time = "2026-11-23T04:01:43Z";
  status.seconds = 41.3;
  status.num_planned = 100;
  status.num_done = 71;
  status.num_retried = 2;
  status.operations_per_second = 1.72;
  status.memory_limit_bytes = 15052 * kMiB;
  status.memory_reserve_bytes = 940 * kMiB;
  status.planned_bytes = 8600 * kMiB;
  status.held_bytes = 8500 * kMiB;
  status.private_bytes = 8200 * kMiB;
  status.mapped_bytes = 94 * kMiB;
  status.cpu_percent = 187.6;
  status.num_workers = 1;
  status.models = {{.alias = "base",
                    .state = "done",
                    .num_planned = 50,
                    .num_done = 50,
                    .operations_per_second = 1.9,
                    .p50_seconds = 0.52,
                    .p95_seconds = 0.94,
                    .breaker = "closed"},
                   {.alias = "ft",
                    .state = "running",
                    .num_planned = 50,
                    .num_done = 21,
                    .num_retried = 2,
                    .operations_per_second = 1.21,
                    .p50_seconds = 0.8,
                    .p95_seconds = 14,
                    .breaker = "half_open",
                    .memory_bytes = 2600 * kMiB}};
  status.last_time = "2026-11-23T04:01:40Z";
  status.last_message = "ft: trying again after: timeout";
  return status;
}

TEST(MonitorTextTest, ARunningRun) {
  EXPECT_EQ(
      RenderText(TwoModels(), {}),
      "REV 20261123T040102Z-a1b7  running 0:00:41  71/100 done  1.7 op/s  "
      "0:00:16 left\n"
      "memory  [#######.....] 8.10 GiB of 14.7 GiB  private 8.01 GiB  mapped "
      "94.0 MiB\n"
      "        planned 8.40 GiB  held 8.30 GiB  reserve 940.0 MiB  workers 1  "
      "cpu 188 %\n"
      "MODEL     STATE     DONE  op/s  p50/p95 s  RETRY  FAIL  BREAKER      "
      "MEMORY\n"
      "base      done     50/50   1.9  0.52/0.94      0     0  closed          "
      "  -\n"
      "ft        running  21/50   1.2  0.80/14.0      2     0  half_open  2.54 "
      "GiB\n"
      "last    04:01:40 ft: trying again after: timeout\n");
}

TEST(MonitorTextTest, ARunThatHasNotBegun) {
  RunStatus status;
  status.run_dir = "out";
  EXPECT_EQ(RenderText(status, {}),
            "REV out  has not begun\n"
            "there is no manifest.json in its directory yet\n");
  EXPECT_EQ(RenderLine(status, Charset::kAscii),
            "out: has not begun, 0 of 0 operations, 0 failed, 0 retried\n");
}

TEST(MonitorTextTest, ARunThatWasStoppedSaysWhyAndOneThatWasKilledThatItWas) {
  RunStatus status = TwoModels();
  status.state = RunState::kStopped;
  status.stopped_by = "the disk is full";
  const std::string text = RenderText(status, {});
  EXPECT_THAT(text, HasSubstr("  stopped 0:00:41  71/100 done  1.7 op/s\n"));
  EXPECT_TRUE(
      text.ends_with("\nstopped the disk is full\n"
                     "the same command resumes it\n"))
      << text;
  status.state = RunState::kKilled;
  EXPECT_TRUE(
      RenderText(status, {})
          .ends_with(
              "\nit ended without a word; the same command resumes it\n"));
}

TEST(MonitorTextTest, WithoutSamplesNothingIsMadeUp) {
  RunStatus status;
  status.run_dir = "out";
  status.state = RunState::kFinished;
  status.num_planned = status.num_done = 3;
  status.models = {
      {.alias = "m", .state = "done", .num_planned = 3, .num_done = 3}};
  EXPECT_EQ(RenderText(status, {}),
            "REV out  finished 0:00:00  3/3 done\n"
            "MODEL     STATE  DONE  op/s  p50/p95 s  RETRY  FAIL  BREAKER  "
            "MEMORY\n"
            "m         done    3/3     -          -      0     0  -            "
            " -\n");
}

TEST(MonitorTextTest, ALine) {
  EXPECT_EQ(RenderLine(TwoModels(), Charset::kAscii),
            "20261123T040102Z-a1b7: running, 71 of 100 operations, 0 failed, "
            "2 retried, 1.7 op/s, memory 8.10 GiB of 14.7 GiB, 0:00:41\n");
}

// As many lines as it has, each as wide as it is.
void ExpectWithin(const std::string& text, int32_t columns, int32_t rows) {
  int32_t num_lines = 0;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line); ++num_lines) {
    EXPECT_LE(report::Width(line), columns) << line;
  }
  EXPECT_LT(num_lines, rows) << text;
}

TEST(MonitorTextTest, ItKeepsToTheTerminal) {
  for (const size_t num_models : {0, 1, 5, 17, 18, 19, 40, 1000}) {
    RunStatus status = TwoModels();
    ModelStatus model = status.models[1];
    model.alias = std::string(60, 'a');
    model.num_planned = model.num_done = 123'456'789;
    status.models.assign(num_models, model);
    status.last_message = std::string(300, 'x');
    for (const int32_t columns : {4, 10, 40, 79, 80, 81, 300}) {
      for (const int32_t rows : {1, 2, 3, 6, 23, 24, 25, 200}) {
        ExpectWithin(RenderText(status, {.columns = columns, .rows = rows}),
                     std::min(columns, 80), std::max(2, std::min(rows, 24)));
      }
    }
  }
}

TEST(MonitorTextTest, ModelsAtWorkComeFirstWhenThereIsNoRoomForAll) {
  RunStatus status = TwoModels();
  status.models.clear();
  status.num_planned = status.num_done = 0;
  for (int i = 0; i < 40; ++i) {
    ModelStatus model = {.alias = "m" + std::to_string(i),
                         .state = i < 30    ? "done"
                                  : i == 35 ? "running"
                                            : "waiting",
                         .num_planned = 10,
                         .num_done = i < 30 ? 10 : 0};
    status.num_planned += model.num_planned;
    status.num_done += model.num_done;
    status.models.push_back(model);
  }
  const std::string text = RenderText(status, {.rows = 12});
  EXPECT_THAT(text, HasSubstr("MEMORY\nm35  "));
  EXPECT_THAT(text, HasSubstr("\nm30  "));
  EXPECT_THAT(text, Not(HasSubstr("\nm0  ")));
  EXPECT_THAT(text, HasSubstr("\nand 35 other models: 300/350 done\n"));
}

TEST(MonitorTextTest, ForeignTextIsMadeHarmless) {
  RunStatus status = TwoModels();
  status.run_dir = "runs/\x1b[2J\xc3\xa4";
  status.models[0].alias = "\xe4\xb8\xad\r";
  status.last_message = "\x1b]0;title\x07";
  status.state = RunState::kStopped;
  status.stopped_by =
      "\xc2\x9b"
      "31m";
  for (const Charset charset : {Charset::kAscii, Charset::kUtf8}) {
    const std::string text =
        RenderText(status, {.charset = charset}) + RenderLine(status, charset);
    EXPECT_EQ(text.find_first_of("\x1b\r\x07"), std::string::npos);
    EXPECT_EQ(text.find("\xc2\x9b"), std::string::npos);
    const bool is_ascii = std::ranges::all_of(
        text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
    EXPECT_EQ(is_ascii, charset == Charset::kAscii);
  }
}

TEST(MonitorTextTest, OnlyTheStateIsColoredAndOnlyWhenAsked) {
  const std::string text = RenderText(TwoModels(), {.color = Color::kAlways});
  EXPECT_THAT(text, HasSubstr("a1b7  \x1b[1;32mrunning\x1b[0m 0:00:41"));
  EXPECT_EQ(std::ranges::count(text, '\x1b'), 2);
  EXPECT_THAT(RenderText(TwoModels(), {}), Not(HasSubstr("\x1b")));
}

TEST(MonitorJsonTest, IsOneLineWithEveryMember) {
  const std::string text = RenderJson(TwoModels(), 0);
  EXPECT_EQ(text.find('\n'), text.size() - 1);
  const auto document = base::ParseJson(text, "test");
  ASSERT_TRUE(document);
  EXPECT_EQ((*document)["schema"], "revlm.monitor/1");
  EXPECT_EQ((*document)["run_dir"], "rev-runs/20261123T040102Z-a1b7");
  EXPECT_EQ((*document)["state"], "running");
  EXPECT_EQ((*document)["operations"]["done"], 71);
  EXPECT_EQ((*document)["models"][1]["retried"], 2);
  EXPECT_EQ((*document)["memory"]["pss_bytes"], 8294 * kMiB);
}

}  // namespace
}  // namespace revlm
