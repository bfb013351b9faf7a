#include "run/metrics_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace revlm::run {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class MetricsLogTest : public ::testing::Test {
 protected:
  void SetUp() override {
    directory_ =
        ::testing::TempDir() + "/metrics_log_" +
        ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
  }

  std::string path() const { return directory_ + "/metrics.jsonl"; }
  std::vector<std::string> Lines() const {
    std::vector<std::string> lines;
    std::ifstream file(path());
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    return lines;
  }
  // Lines as a reader meets them, the last one first.
  std::vector<std::string> Backwards() const {
    std::vector<std::string> lines;
    const auto found = FindLastLine(directory_, [&](std::string_view line) {
      lines.emplace_back(line);
      return false;
    });
    EXPECT_TRUE(found);
    return lines;
  }

  std::string directory_;
};

TEST_F(MetricsLogTest, AppendsAndGivesTheLastFirst) {
  MetricsLog log(directory_);
  EXPECT_FALSE(FindLastLine(directory_, [](auto) { return true; }));
  for (const char* line : {"1\n", "2\n", "3\n"}) ASSERT_TRUE(log.Append(line));
  EXPECT_THAT(Lines(), ElementsAre("1", "2", "3"));
  EXPECT_THAT(Backwards(), ElementsAre("3", "2", "1"));
  std::string last;
  const auto found = FindLastLine(directory_, [&](std::string_view line) {
    last = line;
    return line == "2";
  });
  ASSERT_TRUE(found);
  EXPECT_TRUE(*found);
  EXPECT_EQ(last, "2");
}

TEST_F(MetricsLogTest, ATornLineIsNotGivenAndIsCutOff) {
  std::ofstream(path()) << "1\n2\n{\"tor";
  EXPECT_THAT(Backwards(), ElementsAre("2", "1"));
  MetricsLog log(directory_);
  ASSERT_TRUE(log.Append("3\n"));
  EXPECT_THAT(Lines(), ElementsAre("1", "2", "3"));
  std::filesystem::remove(path());
  std::ofstream(path()) << "torn";
  EXPECT_THAT(Backwards(), IsEmpty());
  MetricsLog other(directory_);
  ASSERT_TRUE(other.Append("1\n"));
  EXPECT_THAT(Lines(), ElementsAre("1"));
}

TEST_F(MetricsLogTest, StaysBelowItsBoundAndThinsOutWhatIsOld) {
  constexpr uint64_t kMaxBytes = 8000;
  MetricsLog log(directory_, kMaxBytes);
  constexpr int kNumLines = 20'000;
  for (int i = 0; i < kNumLines; ++i) {
    ASSERT_TRUE(log.Append(fmt::format("{:07}\n", i)));
    if (i % 100 == 0) {
      ASSERT_LE(std::filesystem::file_size(path()), kMaxBytes);
    }
  }
  const std::vector<std::string> lines = Lines();
  EXPECT_GE(lines.size(), 400u);
  EXPECT_EQ(lines.front(), "0000000");
  EXPECT_EQ(lines.back(), fmt::format("{:07}", kNumLines - 1));
  int widest = 1;
  for (size_t i = 1; i < lines.size(); ++i) {
    const int step = std::stoi(lines[i]) - std::stoi(lines[i - 1]);
    EXPECT_GT(step, 0);
    widest = std::max(widest, step);
  }
  EXPECT_GT(widest, 16);
  EXPECT_EQ(std::stoi(lines.back()) - std::stoi(lines[lines.size() - 2]), 1);
}

TEST_F(MetricsLogTest, LongLinesAreThinnedWhole) {
  MetricsLog log(directory_, 100'000);
  const auto line = [](int i) {
    return fmt::format("{:02}{}", i, std::string(40'000, 'x'));
  };
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(log.Append(line(i) + "\n"));
  for (const std::string& kept : Lines()) EXPECT_EQ(kept.size(), 40'002u);
  EXPECT_EQ(Backwards().front(), line(5));
  // Longer than the bound: two of them at most.
  const std::string huge(150'000, 'y');
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(log.Append(huge + "\n"));
  EXPECT_LE(Lines().size(), 2u);
  EXPECT_EQ(Backwards().front(), huge);
}

TEST_F(MetricsLogTest, LinesFarFromTheEndAreFound) {
  MetricsLog log(directory_);
  ASSERT_TRUE(log.Append("first\n"));
  for (int i = 0; i < 40; ++i) {
    ASSERT_TRUE(log.Append(std::string(20'000, 'x') + "\n"));
  }
  const auto found = FindLastLine(
      directory_, [](std::string_view line) { return line == "first"; });
  ASSERT_TRUE(found);
  EXPECT_TRUE(*found);
}

TEST_F(MetricsLogTest, AfterAFullDiskItGoesOn) {
  MetricsLog log(directory_);
  ASSERT_TRUE(log.Append("1\n"));
  struct rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  struct rlimit full = before;
  full.rlim_cur = 6;
  const auto handler = signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &full), 0);
  const Status appended = log.Append("too long to fit\n");
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  signal(SIGXFSZ, handler);
  EXPECT_FALSE(appended);
  EXPECT_THAT(Lines(), ElementsAre("1"));
  EXPECT_TRUE(log.Append("2\n"));
  EXPECT_THAT(Lines(), ElementsAre("1", "2"));
}

}  // namespace
}  // namespace revlm::run
