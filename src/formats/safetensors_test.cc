#include "formats/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "base/bytes.h"
#include "formats/safetensors_defects.h"

namespace revlm::formats {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

Result<SafetensorsHeader> Parse(const std::string& bytes) {
  return ParseSafetensorsHeader(base::AsBytes(bytes), bytes.size(), "m.st");
}

class SafetensorsDefectTest
    : public ::testing::TestWithParam<SafetensorsDefect> {};

TEST_P(SafetensorsDefectTest, IsRefusedByName) {
  const SafetensorsDefect& defect = GetParam();
  auto header = Parse(defect.bytes);
  ASSERT_FALSE(header);
  EXPECT_THAT(header.error().message, HasSubstr(defect.message));
  EXPECT_THAT(header.error().message, HasSubstr("m.st"));
  EXPECT_EQ(header.error().code, std::string(defect.name) == "dtype_unknown"
                                     ? ErrorCode::kUnsupported
                                     : ErrorCode::kCorrupt);
}

INSTANTIATE_TEST_SUITE_P(Small, SafetensorsDefectTest,
                         ::testing::ValuesIn(SmallSafetensorsDefects()),
                         [](const auto& test) {
                           return std::string(test.param.name);
                         });

TEST(SafetensorsTest, MetadataBeyondItsCapIsRefused) {
  const std::string value(kMaxMetadataBytes - kMetadataEntryBytes - 1, 'v');
  const std::string begin = R"({"__metadata__":{"k":")";
  EXPECT_TRUE(Parse(SafetensorsFile(begin + value + "\"}}", 0)));
  auto over = Parse(SafetensorsFile(begin + value + "v\"}}", 0));
  ASSERT_FALSE(over);
  EXPECT_THAT(over.error().message, HasSubstr("more than 16777216 bytes"));
}

TEST(SafetensorsTest, ManySmallMetadataEntriesCountAsWhatTheyTake) {
  std::string json = R"({"__metadata__":{)";
  for (uint64_t i = 0; i <= kMaxMetadataBytes / kMetadataEntryBytes; ++i) {
    json += fmt::format("{}\"{}\":\"\"", i == 0 ? "" : ",", i);
  }
  auto over = Parse(SafetensorsFile(json + "}}", 0));
  ASSERT_FALSE(over);
  EXPECT_THAT(over.error().message, HasSubstr("\"__metadata__\" takes more"));
}

TEST(SafetensorsTest, OneTensorMoreThanAllowedIsRefused) {
  std::string json = "{";
  for (size_t i = 0; i < kMaxTensors; ++i) {
    json += fmt::format(
        R"("{}":{{"dtype":"U8","shape":[0],"data_offsets":[0,0]}},)", i);
  }
  std::string allowed = json;
  allowed.back() = '}';
  auto header = Parse(SafetensorsFile(allowed, 0));
  ASSERT_TRUE(header) << header.error().message;
  EXPECT_EQ(header->tensors.size(), kMaxTensors);
  json += R"("x":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})";
  auto over = Parse(SafetensorsFile(json, 0));
  ASSERT_FALSE(over);
  EXPECT_THAT(over.error().message, HasSubstr("more than 1000000 tensors"));
}

TEST(SafetensorsTest, OddButRightFilesAreRead) {
  for (const auto& [name, bytes] : ValidSafetensors()) {
    auto header = Parse(bytes);
    EXPECT_TRUE(header) << name << ": " << header.error().message;
  }
}

TEST(SafetensorsTest, TensorsComeSortedWithOffsetsInTheFile) {
  const std::string json =
      R"({"b":{"dtype":"BF16","shape":[2,3],"data_offsets":[4,16]},)"
      R"("__metadata__":{"z":"1","format":"pt"},)"
      R"("a":{"data_offsets":[0,4],"shape":[],"dtype":"F32"}})";
  auto header = Parse(SafetensorsFile(json, 16));
  ASSERT_TRUE(header) << header.error().message;
  const uint64_t data = 8 + json.size();
  EXPECT_EQ(header->data_begin, data);
  EXPECT_THAT(
      header->tensors,
      ElementsAre(TensorInfo{"a", DType::kF32, {}, 0, data, 4},
                  TensorInfo{"b", DType::kBf16, {2, 3}, 0, data + 4, 12}));
  EXPECT_THAT(header->metadata,
              ElementsAre(Pair("format", "pt"), Pair("z", "1")));
}

// A file cut anywhere is refused, and so is a length field set to anything.
TEST(SafetensorsTest, ACutAnywhereIsRefused) {
  const std::string whole = ValidSafetensors()[3].second;
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(Parse(whole.substr(0, size))) << size << " bytes";
  }
  EXPECT_TRUE(Parse(whole));
}

TEST(SafetensorsTest, EveryOtherLengthIsRefused) {
  std::string bytes = ValidSafetensors()[3].second;
  const auto right = base::LoadUnaligned<uint64_t>(bytes.data());
  for (uint64_t length = 0; length <= bytes.size(); ++length) {
    std::memcpy(bytes.data(), &length, sizeof(length));
    EXPECT_EQ(Parse(bytes).has_value(), length == right) << length;
  }
}

TEST(SafetensorsTest, MessagesDoNotCarryControlCharactersOrHugeNames) {
  auto header = Parse(SafetensorsFile(
      "{\"\\u001b[2J" + std::string(100'000, 'n') + "\":{\"x\":1}}", 0));
  ASSERT_FALSE(header);
  EXPECT_THAT(header.error().message, HasSubstr("\\x1b[2J"));
  EXPECT_LT(header.error().message.size(), 400u);
}

TEST(SafetensorsTest, TheHeaderOfARealFileIsRead) {
  auto file =
      base::OpenFile(REVLM_EXAMPLES "/models/aster-s0/model.safetensors",
                     base::Caching::kPageCache);
  ASSERT_TRUE(file) << file.error().message;
  auto header = ReadSafetensorsHeader(*file);
  ASSERT_TRUE(header) << header.error().message;
  EXPECT_THAT(header->metadata, ElementsAre(Pair("format", "pt")));
  ASSERT_EQ(header->tensors.size(), 56u);
  EXPECT_EQ(header->tensors[0].name, "model.embed_tokens.weight");
  EXPECT_THAT(header->tensors[0].shape, ElementsAre(2048, 128));
}

}  // namespace
}  // namespace revlm::formats
