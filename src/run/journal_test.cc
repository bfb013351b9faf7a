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
    entries_.clear();
    return Journal::Open(directory_, base::SystemClock(),
                         [&](JournalEntry entry) -> Status {
                           keys_.push_back(entry.key);
                           entries_.push_back(std::move(entry));
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
  std::vector<JournalEntry> entries_;
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

TEST_F(JournalTest, ARecordIsReadWhereItsEntryIs) {
  OpRecord failed = Record("failed");
  failed.result.error = Error{ErrorCode::kTimeout, "too slow"};
  failed.seconds = 1e-05;
  OpRecord odd = Record("odd");
  // Text like the end of a frame, quotes and all.
  odd.result.text = odd.result.id =
      "},\"schema\":\"revlm.op/1\",\"seconds\":1}\n";
  OpRecord done = Record("done");
  done.result.tokens = {{.id = 7, .text = "x", .logprob = -1}};
  for (const OpRecord* record : {&failed, &odd, &done, &done}) {
    AppendText(RecordToLine(*record));
  }
  auto journal = Open();
  ASSERT_TRUE(journal);
  ASSERT_THAT(keys_, ElementsAre("failed", "odd", "done", "done"));
  EXPECT_TRUE(entries_[0].has_failed);
  EXPECT_FALSE(entries_[1].has_failed);
  EXPECT_EQ(entries_[1].model, "m");
  ASSERT_TRUE(journal->Append(Record("more")));
  const OpRecord* const records[] = {&failed, &odd, &done, &done};
  for (size_t i = 0; i < entries_.size(); ++i) {
    const auto read = journal->Read(entries_[i].place);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(RecordToLine(*read), RecordToLine(*records[i]));
  }
}

TEST_F(JournalTest, ALineFramedOtherwiseIsReadInFull) {
  const std::string line = RecordToLine(Record("first"));
  std::string spaced = line;
  spaced.insert(1, " ");
  std::string escaped = line;  // the key as another writer may put it
  escaped.replace(escaped.find("\"first"), 6, "\"\\u0066irst");
  AppendText(spaced + escaped + line);
  ASSERT_TRUE(Open());
  EXPECT_THAT(keys_, ElementsAre("first", "first", "first"));
}

TEST_F(JournalTest, DamageToTheFrameOrByZerosIsFoundAtOnce) {
  const std::string line = RecordToLine(Record("first"));
  for (size_t i = 0; i + 1 < line.size(); ++i) {
    std::filesystem::remove(path());
    std::string damaged = line;
    damaged[i] = '\0';
    AppendText(damaged + line);
    EXPECT_FALSE(Open()) << i;
  }
}

TEST_F(JournalTest, ADamagedResultIsAnErrorOnceItIsRead) {
  std::string line = RecordToLine(Record("first"));
  line[line.find("\"prompt\":") + 9] = '!';
  AppendText(line + RecordToLine(Record("second")));
  const auto journal = Open();
  ASSERT_TRUE(journal);
  const auto read = journal->Read(entries_[0].place);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(read.error().message, HasSubstr("the line at byte 0"));
}

TEST_F(JournalTest, OthersReadItWhileItIsHeld) {
  auto journal = Open();
  ASSERT_TRUE(journal->Append(Record("first")));
  AppendText("{\"torn");
  std::vector<std::string> keys;
  const auto size = ReadEntries(directory_, [&](JournalEntry entry) -> Status {
    keys.push_back(std::move(entry.key));
    return {};
  });
  ASSERT_TRUE(size);
  EXPECT_EQ(*size, RecordToLine(Record("first")).size());
  EXPECT_THAT(keys, ElementsAre("first"));
}

}  // namespace
}  // namespace revlm::run
