#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
  EXPECT_EQ(RenderText(TwoModels(), {}), "");
}

}  // namespace
}  // namespace revlm
