#include "revlm/memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "revlm/run.h"

namespace revlm {
namespace {

using ::testing::HasSubstr;

TEST(MemoryConfigTest, TheDefaultHoldsSeventeenProcesses) {
  const MemoryConfig config;
  EXPECT_TRUE(CheckMemoryConfig(config));
  EXPECT_EQ(config.max_processes(), 17);
  EXPECT_EQ((MemoryConfig{8.0, 1.5, 2.0}).max_processes(), 4);
  EXPECT_EQ((MemoryConfig{4.0, 2.0, 2.0}).max_processes(), 1);
}

TEST(MemoryConfigTest, WhatCannotBeMeantIsRefused) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const std::vector<MemoryConfig> bad = {
      {0, 2, 2},     {-1, 2, 2},    {36, 0, 2},        {36, 2, -1},
      {3, 2, 2},     {36, 35, 2},   {36, 2, 36},       {kNan, 2, 2},
      {36, kNan, 2}, {36, 2, kNan}, {kInfinity, 2, 2}, {36, 2, kInfinity}};
  for (const MemoryConfig& config : bad) {
    const Status status = CheckMemoryConfig(config);
    ASSERT_FALSE(status) << config.total_limit_gb << " "
                         << config.per_process_gb << " " << config.buffer_gb;
    EXPECT_EQ(status.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(config.max_processes(), 0);
  }
  EXPECT_THAT(
      CheckMemoryConfig({3, 2, 2}).error().message,
      HasSubstr("per_process_gb 2 and buffer_gb 2 of total_limit_gb 3"));
}

TEST(MemoryConfigTest, AnyTotalHasAConfiguration) {
  EXPECT_EQ(MemoryConfigFor(36.0), MemoryConfig());
  for (const double total : {0.001, 0.1, 1.0, 2.0, 3.9, 8.0, 1e6}) {
    const MemoryConfig config = MemoryConfigFor(total);
    EXPECT_TRUE(CheckMemoryConfig(config)) << total;
    EXPECT_GE(config.max_processes(), 1) << total;
  }
  EXPECT_FALSE(CheckMemoryConfig(MemoryConfigFor(0)));
}

TEST(MemoryMonitorTest, FiguresFitTogether) {
  const auto monitor = MemoryMonitor::Create(1.0);
  ASSERT_TRUE(monitor);
  const MemorySnapshot snapshot = monitor->Snapshot();
  EXPECT_EQ(snapshot.total_limit_gb, 1.0);
  EXPECT_GT(snapshot.allocated_gb, 0);
  EXPECT_GE(snapshot.peak_gb, snapshot.allocated_gb / 2);
  EXPECT_GT(snapshot.system_gb, snapshot.allocated_gb);
  EXPECT_LE(snapshot.system_available_gb, snapshot.system_gb);
  EXPECT_LE(snapshot.available_gb, 1.0 - snapshot.allocated_gb);
  EXPECT_EQ(monitor->GetSystemMemory(), snapshot.system_gb);
  EXPECT_EQ(MemoryMonitor::Create(1e-6)->GetAvailableMemory(), 0);
}

TEST(MemoryMonitorTest, WhatIsHeldIsNotAvailable) {
  const auto monitor = MemoryMonitor::Create(1.0);
  const double before = monitor->Snapshot().allocated_gb;
  const std::vector<char> held(64 << 20, 'x');
  const double after = monitor->Snapshot().allocated_gb;
  EXPECT_GE(after - before, 0.05);
  EXPECT_LE(monitor->GetAvailableMemory(), 1.0 - after + 0.01);
  EXPECT_EQ(held.back(), 'x');
}

TEST(MemoryMonitorTest, NoAmountIsRefused) {
  for (const double limit : {0.0, -1.0, 2e6}) {
    EXPECT_FALSE(MemoryMonitor::Create(limit));
  }
}

}  // namespace
}  // namespace revlm
