#include "run/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace revlm::run {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class JournalTest : public ::testing::Test {
 protected:
  void SetUp() override {
    directory_ =
        ::testing::TempDir() + "/journal_" +
        ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
  }

  std::string path() const { return directory_ + "/ops.jsonl"; }

  // Opens the journal and notes the keys that it holds.
  Result<Journal> Open() {
    keys_.clear();
    return Journal::Open(directory_, base::SystemClock(),
                         [&](OpRecord record) -> Status {
                           keys_.push_back(record.result.key);
                           return {};
                         });
  }

  static OpRecord Record(std::string key) {
    OpRecord record;
    record.result.model = "m";
    record.result.key = std::move(key);
    record.finished = "2026-11-23T03:16:29Z";
    return record;
  }

  void AppendText(const std::string& text) {
    std::ofstream(path(), std::ios::app) << text;
  }
  std::string ReadText() {
    std::ifstream file(path());
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::string directory_;
  std::vector<std::string> keys_;
};

TEST_F(JournalTest, GivesBackWhatWasAppendedInOrder) {
  {
    auto journal = Open();
    ASSERT_TRUE(journal);
    EXPECT_TRUE(keys_.empty());
    ASSERT_TRUE(journal->Append(Record("b")));
    ASSERT_TRUE(journal->Append(Record("a")));
    ASSERT_TRUE(journal->Sync());
  }
  ASSERT_TRUE(Open());
  EXPECT_THAT(keys_, ElementsAre("b", "a"));
}

TEST_F(JournalTest, ATornLastLineIsDroppedAndCutAtEveryLength) {
  const std::string first = RecordToLine(Record("first"));
  const std::string second = RecordToLine(Record("second"));
  for (size_t length = 1; length < second.size(); ++length) {
    std::filesystem::remove(path());
    AppendText(first + second.substr(0, length));
    {
      auto journal = Open();
      ASSERT_TRUE(journal) << journal.error().message;
      EXPECT_THAT(keys_, ElementsAre("first"));
      ASSERT_TRUE(journal->Append(Record("third")));
    }
    EXPECT_EQ(ReadText(), first + RecordToLine(Record("third")));
  }
}

TEST_F(JournalTest, ALastLineOfGarbageIsTornToo) {
  AppendText(RecordToLine(Record("first")) + std::string(100, '\0') + "\n");
  ASSERT_TRUE(Open());
  EXPECT_THAT(keys_, ElementsAre("first"));
  EXPECT_EQ(ReadText(), RecordToLine(Record("first")));
}

TEST_F(JournalTest, ADamagedLineBeforeTheLastIsAnErrorThatNamesIt) {
  AppendText(RecordToLine(Record("first")) + "{}\n" +
             RecordToLine(Record("third")));
  const auto journal = Open();
  ASSERT_FALSE(journal);
  EXPECT_EQ(journal.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(journal.error().message, HasSubstr("ops.jsonl, line 2"));
}

TEST_F(JournalTest, ASecondOpenerIsRefused) {
  const auto journal = Open();
  ASSERT_TRUE(journal);
  const auto other = Open();
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(other.error().message, HasSubstr("another process is using it"));
}

TEST_F(JournalTest, LinesLongerThanOneReadAreWhole) {
  OpRecord big = Record("big");
  big.result.prompt = std::string(3 << 20, 'x');
  AppendText(RecordToLine(Record("first")) + RecordToLine(big) +
             RecordToLine(Record("last")));
  ASSERT_TRUE(Open());
  EXPECT_THAT(keys_, ElementsAre("first", "big", "last"));
}

}  // namespace
}  // namespace revlm::run
