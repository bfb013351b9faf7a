#include "formats/model_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

namespace revlm::formats {
namespace {

namespace fs = std::filesystem;
using base::Caching;
using ::testing::HasSubstr;

TEST(CachePathTest, TakesACachePathApart) {
  const auto location =
      ParseCachePath("/c/hub/models--org--a-b.c/snapshots/0123");
  ASSERT_TRUE(location);
  EXPECT_EQ(location->model_folder, "/c/hub/models--org--a-b.c");
  EXPECT_EQ(location->model_id, "org/a-b.c");
  EXPECT_EQ(location->commit, "0123");
}

TEST(CachePathTest, OtherPathsAreNoCachePaths) {
  for (const char* path :
       {"", "/", "/models--a--b", "/models--a--b/snapshots", "/snapshots/1",
        "/models--a--b/snapshots/", "/models-a/snapshots/1",
        "/models--a--b/snapshots/1/deeper", "/models--a--b/blobs/1"}) {
    EXPECT_FALSE(ParseCachePath(path)) << path;
  }
}

TEST(CachePathTest, FolderNamesAndModelIdsAreInverse) {
  for (const char* id : {"org/name", "gpt2", "a/b-c-d"}) {
    EXPECT_EQ(ModelIdFromFolder(FolderFromModelId(id)), id);
  }
  EXPECT_FALSE(ModelIdFromFolder("datasets--org--name"));
}

class ModelDirectoryTest : public ::testing::Test {
 protected:
  ModelDirectoryTest()
      : root_(fs::path(::testing::TempDir()) / "revlm_model_directory_test"),
        snapshot_(root_ / "models--o--n/snapshots/c0ffee") {
    fs::remove_all(root_);
    fs::create_directories(snapshot_);
    fs::create_directories(root_ / "models--o--n/blobs");
    fs::create_directories(root_ / "models--o--other/blobs");
    Write("models--o--n/blobs/good", "content");
    Write("models--o--other/blobs/secret", "secret");
    Write("secret", "secret");
  }
  ~ModelDirectoryTest() override { fs::remove_all(root_); }

  void Write(const std::string& name, const std::string& content) {
    ASSERT_TRUE(base::WriteFileAtomically((root_ / name).string(), content));
  }

  const fs::path root_;
  const fs::path snapshot_;
};

TEST_F(ModelDirectoryTest, LinksOfTheCacheLeadToBlobsAndNowhereElse) {
  fs::create_symlink("../../blobs/good", snapshot_ / "good");
  fs::create_symlink("../../../models--o--other/blobs/secret",
                     snapshot_ / "other-model");
  fs::create_symlink("../../../secret", snapshot_ / "outside");
  fs::create_symlink(root_ / "secret", snapshot_ / "absolute");
  auto directory = ModelDirectory::Open(snapshot_.string());
  ASSERT_TRUE(directory) << directory.error().message;
  auto good = directory->OpenFile("good", Caching::kPageCache);
  ASSERT_TRUE(good) << good.error().message;
  EXPECT_EQ(base::ReadWholeFile(*good, 100).value(), "content");
  for (const char* name : {"other-model", "outside", "absolute"}) {
    auto file = directory->OpenFile(name, Caching::kPageCache);
    ASSERT_FALSE(file) << name;
    EXPECT_EQ(file.error().code, ErrorCode::kCorrupt) << name;
  }
}

TEST_F(ModelDirectoryTest, ALinkToASnapshotIsTheSnapshot) {
  fs::create_symlink("../../blobs/good", snapshot_ / "good");
  fs::create_directory_symlink(snapshot_, root_ / "mine");
  auto directory = ModelDirectory::Open((root_ / "mine").string() + "/");
  ASSERT_TRUE(directory);
  EXPECT_TRUE(directory->OpenFile("good", Caching::kPageCache));
}

TEST_F(ModelDirectoryTest, OutsideTheCacheNoLinkLeadsOut) {
  fs::create_directories(root_ / "plain/snapshots/c0ffee");
  fs::create_symlink("../../../models--o--n/blobs/good",
                     root_ / "plain/snapshots/c0ffee/good");
  auto directory =
      ModelDirectory::Open((root_ / "plain/snapshots/c0ffee").string());
  ASSERT_TRUE(directory);
  auto file = directory->OpenFile("good", Caching::kPageCache);
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, ErrorCode::kCorrupt);
}

TEST_F(ModelDirectoryTest, NamesWithASlashAreRefused) {
  auto directory = ModelDirectory::Open(snapshot_.string());
  ASSERT_TRUE(directory);
  for (const char* name : {"../../blobs/good", "/etc/passwd", "a/b"}) {
    auto file = directory->OpenFile(name, Caching::kPageCache);
    ASSERT_FALSE(file) << name;
    EXPECT_THAT(file.error().message, HasSubstr("a plain file name"));
  }
  EXPECT_FALSE(directory->OpenFile("..", Caching::kPageCache));
}

}  // namespace
}  // namespace revlm::formats
