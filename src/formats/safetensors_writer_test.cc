#include "formats/safetensors_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace revlm::formats {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class SafetensorsWriterTest : public ::testing::Test {
 protected:
  SafetensorsWriterTest()
      : root_(fs::path(::testing::TempDir()) / "revlm_writer_test"),
        path_((root_ / "out.safetensors").string()) {
    fs::remove_all(root_);
    fs::create_directories(root_);
  }
  ~SafetensorsWriterTest() override { fs::remove_all(root_); }

  const fs::path root_;
  const std::string path_;
};

std::string ErrorOf(const std::vector<TensorSpec>& tensors,
                    const SafetensorsMetadata& metadata = {}) {
  auto header = SerializeSafetensorsHeader(tensors, metadata);
  if (header) return "accepted";
  EXPECT_EQ(header.error().code, ErrorCode::kInvalidArgument);
  return header.error().message;
}

TEST_F(SafetensorsWriterTest, WhatWasWrittenIsReadBack) {
  // Not in byte order of name: the data keeps the order of declaration.
  auto writer = SafetensorsWriter::Create(path_,
                                          {{"z", DType::kU8, {3}},
                                           {"na\"me\n", DType::kF32, {2, 1}},
                                           {"none", DType::kBf16, {0, 9}}},
                                          {{"made", "by a test"}});
  ASSERT_TRUE(writer) << writer.error().message;
  ASSERT_TRUE(writer->Append(base::AsBytes("zz")));
  ASSERT_TRUE(writer->Append(base::AsBytes("zffff")));
  ASSERT_TRUE(writer->Append(base::AsBytes("gggg")));
  ASSERT_TRUE(writer->Finish());

  auto file = base::OpenFile(path_, base::Caching::kPageCache);
  ASSERT_TRUE(file);
  auto header = ReadSafetensorsHeader(*file);
  ASSERT_TRUE(header) << header.error().message;
  EXPECT_EQ(header->data_begin % 8, 0u);
  const uint64_t data = header->data_begin;
  EXPECT_THAT(header->tensors,
              testing::ElementsAre(
                  TensorInfo{"na\"me\n", DType::kF32, {2, 1}, 0, data + 3, 8},
                  TensorInfo{"none", DType::kBf16, {0, 9}, 0, data + 11, 0},
                  TensorInfo{"z", DType::kU8, {3}, 0, data, 3}));
  EXPECT_THAT(header->metadata,
              testing::ElementsAre(testing::Pair("made", "by a test")));
  std::string content(11, '\0');
  ASSERT_TRUE(
      file->ReadAt(data, std::as_writable_bytes(std::span<char>(content))));
  EXPECT_EQ(content, "zzzffffgggg");
}

TEST_F(SafetensorsWriterTest, NothingIsLeftWithoutFinish) {
  {
    auto writer = SafetensorsWriter::Create(path_, {{"a", DType::kU8, {4}}});
    ASSERT_TRUE(writer);
    ASSERT_TRUE(writer->Append(base::AsBytes("abc")));
    auto finished = writer->Finish();
    ASSERT_FALSE(finished);
    EXPECT_EQ(finished.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(finished.error().message, HasSubstr("1 bytes of the declared"));
  }
  EXPECT_TRUE(fs::is_empty(root_));
}

TEST_F(SafetensorsWriterTest, MoreBytesThanDeclaredAreRefused) {
  auto writer = SafetensorsWriter::Create(path_, {{"a", DType::kU8, {4}}});
  ASSERT_TRUE(writer);
  auto appended = writer->Append(base::AsBytes("abcde"));
  ASSERT_FALSE(appended);
  EXPECT_THAT(appended.error().message, HasSubstr("have room for 4"));
  ASSERT_TRUE(writer->Append(base::AsBytes("abcd")));
  EXPECT_TRUE(writer->Finish());
}

TEST_F(SafetensorsWriterTest, NoTensorsMakeAValidFile) {
  auto writer = SafetensorsWriter::Create(path_, {});
  ASSERT_TRUE(writer);
  ASSERT_TRUE(writer->Finish());
  auto file = base::OpenFile(path_, base::Caching::kPageCache);
  ASSERT_TRUE(file);
  EXPECT_TRUE(ReadSafetensorsHeader(*file));
}

TEST(SafetensorsHeaderTest, WhatTheReaderRefusesIsNotWritten) {
  EXPECT_THAT(ErrorOf({{"a", DType::kU8, {1}}, {"a", DType::kU8, {1}}}),
              HasSubstr("duplicate key \"a\""));
  EXPECT_THAT(ErrorOf({{"__metadata__", DType::kU8, {1}}}),
              HasSubstr("__metadata__"));
  EXPECT_THAT(ErrorOf({{"a", DType::kU8, std::vector<uint64_t>(17, 1)}}),
              HasSubstr("more than 16 dimensions"));
  EXPECT_THAT(ErrorOf({{"a", DType::kF4, {3}}}), HasSubstr("not whole bytes"));
  EXPECT_THAT(ErrorOf({{"a", DType::kF64, {uint64_t{1} << 61}}}),
              HasSubstr("too large"));
  const uint64_t large = uint64_t{1} << 60;
  std::vector<TensorSpec> many;
  for (char name = 'a'; name <= 'p'; ++name) {
    many.push_back({std::string(1, name), DType::kU8, {large}});
  }
  EXPECT_THAT(ErrorOf(many), HasSubstr("tensor \"p\": too large"));
  EXPECT_THAT(ErrorOf({{"\xff", DType::kU8, {1}}}), HasSubstr("UTF-8"));
  EXPECT_THAT(ErrorOf({}, {{"k", "\xff"}}), HasSubstr("UTF-8"));
}

}  // namespace
}  // namespace revlm::formats
