#include "base/scratch_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <vector>

namespace revlm::base {
namespace {

// Aligned as any direct read or write may ask.
struct alignas(kMaxDirectAlignment) Block {
  std::byte bytes[kMaxDirectAlignment];
};

TEST(ScratchFileTest, GivesBackWhatWasWrittenAndLeavesNoName) {
  const std::string directory = ::testing::TempDir() + "scratch_file_test";
  std::filesystem::create_directories(directory);
  auto file = ScratchFile::Create(directory, 16 * sizeof(Block));
  if (!ScratchFile::IsOnDisk(directory)) {
    ASSERT_FALSE(file);
    GTEST_SKIP() << directory << " is not on a disk";
  }
  ASSERT_TRUE(file) << file.error().message;
  std::vector<Block> blocks(16);
  for (size_t i = 16; i-- > 0;) {
    for (std::byte& b : blocks[i].bytes) b = static_cast<std::byte>(i * 3 + 1);
    ASSERT_TRUE(file->WriteAt(i * sizeof(Block), blocks[i].bytes));
  }
  std::vector<Block> found(16);
  ASSERT_EQ(file->file().ReadAt(0, {found[0].bytes, 16 * sizeof(Block)}),
            16 * sizeof(Block));
  EXPECT_EQ(std::memcmp(found.data(), blocks.data(), 16 * sizeof(Block)), 0);
  EXPECT_TRUE(std::filesystem::is_empty(directory));
}

TEST(ScratchFileTest, RefusesMemoryAndFullDisks) {
  EXPECT_FALSE(ScratchFile::IsOnDisk("/no/such/directory"));
  EXPECT_FALSE(ScratchFile::Create("/no/such/directory", 1));
  if (std::filesystem::is_directory("/dev/shm") &&
      !ScratchFile::IsOnDisk("/dev/shm")) {
    const auto refused = ScratchFile::Create("/dev/shm", 1);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
    EXPECT_THAT(refused.error().message, ::testing::HasSubstr("on a disk"));
  }
  const auto huge =
      ScratchFile::Create(::testing::TempDir(), uint64_t{1} << 60);
  EXPECT_FALSE(huge);
}

}  // namespace
}  // namespace revlm::base
