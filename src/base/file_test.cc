#include "base/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/bytes.h"

namespace revlm::base {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class FileTest : public ::testing::Test {
 protected:
  FileTest() : root_(fs::path(::testing::TempDir()) / "revlm_file_test") {
    fs::remove_all(root_);
    fs::create_directories(root_ / "model");
    Write("outside", "secret");
    Write("model/inside", "hello");
  }
  ~FileTest() override { fs::remove_all(root_); }

  std::string Path(const std::string& name) { return (root_ / name).string(); }
  void Write(const std::string& name, const std::string& content) {
    ASSERT_TRUE(WriteFileAtomically(Path(name), content));
  }

  const fs::path root_;
};

TEST_F(FileTest, ReadsWhatWasWritten) {
  auto file = OpenFile(Path("model/inside"), Caching::kPageCache);
  ASSERT_TRUE(file);
  EXPECT_EQ(ReadWholeFile(*file, 5).value(), "hello");
  auto too_large = ReadWholeFile(*file, 4);
  ASSERT_FALSE(too_large);
  EXPECT_THAT(too_large.error().message, HasSubstr("allowed are 4 at most"));
}

TEST_F(FileTest, BeneathRefusesEveryWayOut) {
  auto directory = Directory::Open(Path("model"));
  ASSERT_TRUE(directory);
  fs::create_symlink("inside", root_ / "model/good-link");
  fs::create_symlink("../outside", root_ / "model/bad-link");
  fs::create_symlink(root_ / "outside", root_ / "model/absolute-link");
  EXPECT_TRUE(directory->OpenBeneath("inside", Caching::kPageCache));
  EXPECT_TRUE(directory->OpenBeneath("good-link", Caching::kPageCache));
  for (const char* name : {"../outside", "bad-link", "absolute-link",
                           "/etc/passwd", "", "a/../../outside"}) {
    auto opened = directory->OpenBeneath(name, Caching::kPageCache);
    ASSERT_FALSE(opened) << name;
    EXPECT_EQ(opened.error().code, ErrorCode::kCorrupt) << name;
  }
}

TEST_F(FileTest, OnlyRegularFilesAreOpened) {
  ASSERT_EQ(mkfifo(Path("pipe").c_str(), 0600), 0);
  for (const char* name : {"pipe", "model"}) {
    auto opened = OpenFile(Path(name), Caching::kPageCache);
    ASSERT_FALSE(opened);
    EXPECT_THAT(opened.error().message, HasSubstr("not a regular file"));
  }
  auto absent = OpenFile(Path("absent"), Caching::kPageCache);
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().code, ErrorCode::kNotFound);
}

TEST_F(FileTest, DirectReadsReachAnUnalignedEnd) {
  Write("big", std::string(10000, 'x') + "end");
  auto file = OpenFile(Path("big"), Caching::kDirect);
  ASSERT_TRUE(file);
  const size_t alignment = file->direct_alignment();
  std::unique_ptr<void, decltype(&std::free)> buffer(
      std::aligned_alloc(4096, 16384), &std::free);
  std::span<std::byte> out(static_cast<std::byte*>(buffer.get()), 16384);
  auto count = file->ReadAt(0, out);
  ASSERT_TRUE(count) << "alignment " << alignment;
  EXPECT_EQ(*count, 10003u);
  EXPECT_EQ(static_cast<char>(out[10002]), 'd');
}

TEST_F(FileTest, AFileThatShrinksIsAnError) {
  auto file = OpenFile(Path("model/inside"), Caching::kPageCache);
  ASSERT_TRUE(file);
  fs::resize_file(root_ / "model/inside", 2);
  auto read = ReadWholeFile(*file, 100);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(read.error().message, HasSubstr("at byte 2"));
}

TEST_F(FileTest, AnAtomicFileAppearsOnlyWhenCommitted) {
  {
    auto file = AtomicFile::Create(Path("out"));
    ASSERT_TRUE(file);
    ASSERT_TRUE(file->Append(AsBytes("first ")));
    ASSERT_TRUE(file->Append(AsBytes("second")));
    EXPECT_EQ(KindOfPath(Path("out")), PathKind::kAbsent);
    ASSERT_TRUE(file->Commit());
  }
  auto written = OpenFile(Path("out"), Caching::kPageCache);
  ASSERT_TRUE(written);
  EXPECT_EQ(ReadWholeFile(*written, 100).value(), "first second");
}

TEST_F(FileTest, AnAbandonedAtomicFileLeavesNothingBehind) {
  {
    auto file = AtomicFile::Create(Path("out"));
    ASSERT_TRUE(file);
    ASSERT_TRUE(file->Append(AsBytes("half")));
  }
  auto directory = Directory::Open(root_.string());
  ASSERT_TRUE(directory);
  EXPECT_THAT(directory->ListNames().value(),
              testing::ElementsAre("model", "outside"));
}

TEST_F(FileTest, TemporaryNamesSayWhatIsWritten) {
  EXPECT_EQ(TargetOfTemporary("a.json.7.tmp"), "a.json");
  EXPECT_EQ(TargetOfTemporary("a.1.2.tmp"), "a.1");
  for (const char* name : {"a.json", "a.tmp", "a..tmp", "a.7x.tmp", "7.tmp",
                           "a.7.tmp.json", ".tmp", ""}) {
    EXPECT_FALSE(TargetOfTemporary(name)) << name;
  }
}

TEST_F(FileTest, WhatAProcessLeftHalfWrittenIsRemovedAndNothingElse) {
  for (const char* name :
       {"a.json.7.tmp", "b.7.tmp", "a.json.17.tmp", "7.tmp", "a.7.tmp.json"}) {
    Write(name, "half");
  }
  RemoveTemporaryFiles(Path("."), 7);
  RemoveTemporaryFiles(Path("absent"), 7);
  const auto names = Directory::Open(Path("."))->ListNames();
  EXPECT_THAT(*names,
              ::testing::ElementsAre("7.tmp", "a.7.tmp.json", "a.json.17.tmp",
                                     "model", "outside"));
}

TEST_F(FileTest, PathsAreClassifiedAndMadeCanonical) {
  EXPECT_EQ(KindOfPath(Path("outside")), PathKind::kFile);
  EXPECT_EQ(KindOfPath(Path("model")), PathKind::kDirectory);
  EXPECT_EQ(KindOfPath("/dev/null"), PathKind::kOther);
  EXPECT_EQ(KindOfPath(Path("absent")), PathKind::kAbsent);
  fs::create_directory_symlink("model", root_ / "link");
  EXPECT_EQ(CanonicalPath(Path("link/../link/.")).value(),
            fs::canonical(root_ / "model").string());
  auto absent = CanonicalPath(Path("absent"));
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().code, ErrorCode::kNotFound);
}

TEST_F(FileTest, ALogIsHeldByOneAtATime) {
  EXPECT_FALSE(AppendFile::IsOpenElsewhere(Path("log")));
  auto log = AppendFile::Open(Path("log"));
  ASSERT_TRUE(log);
  EXPECT_TRUE(AppendFile::IsOpenElsewhere(Path("log")));
  ASSERT_TRUE(log->Append("one\n"));
  ASSERT_TRUE(log->Append("two\n"));
  ASSERT_TRUE(log->Truncate(4));
  ASSERT_TRUE(log->Append("three\n"));
  ASSERT_TRUE(log->Sync());
  auto second = AppendFile::Open(Path("log"));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kUnavailable);
  {
    const AppendFile closed = *std::move(log);
  }
  EXPECT_FALSE(AppendFile::IsOpenElsewhere(Path("log")));
  EXPECT_TRUE(AppendFile::Open(Path("log")));
  auto file = OpenFile(Path("log"), Caching::kPageCache);
  EXPECT_EQ(ReadWholeFile(file.value(), 100).value(), "one\nthree\n");
}

TEST_F(FileTest, ALogThatIsGivenUpIsFreeThoughAForkedProcessHasIt) {
  auto log = AppendFile::Open(Path("log"));
  ASSERT_TRUE(log);
  const pid_t child = fork();
  if (child == 0) {
    pause();
    _exit(0);
  }
  ASSERT_GT(child, 0);
  EXPECT_TRUE(AppendFile::IsOpenElsewhere(Path("log")));
  {
    const AppendFile closed = *std::move(log);
  }
  EXPECT_FALSE(AppendFile::IsOpenElsewhere(Path("log")));
  kill(child, SIGKILL);
  EXPECT_EQ(waitpid(child, nullptr, 0), child);
}

}  // namespace
}  // namespace revlm::base
