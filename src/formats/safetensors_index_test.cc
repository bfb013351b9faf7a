#include "formats/safetensors_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace revlm::formats {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string ErrorOf(const std::string& text) {
  auto index = ParseSafetensorsIndex(text, "i.json");
  if (index) return "accepted";
  EXPECT_EQ(index.error().code, ErrorCode::kCorrupt);
  return index.error().message;
}

std::string WithShard(const std::string& shard) {
  return R"({"weight_map":{"t":")" + shard + "\"}}";
}

TEST(SafetensorsIndexTest, EntriesAndShardsComeSorted) {
  auto index = ParseSafetensorsIndex(
      R"({"metadata":{"total_size":8.5,"x":[null,true,-1,{"y":[]}]},)"
      R"("weight_map":{"b":"2.st","c":"1.st","a":"2.st"},"more":"text"})",
      "i.json");
  ASSERT_TRUE(index) << index.error().message;
  EXPECT_THAT(index->shards, ElementsAre("1.st", "2.st"));
  ASSERT_EQ(index->entries.size(), 3u);
  EXPECT_EQ(index->entries[0].tensor, "a");
  EXPECT_EQ(index->entries[0].shard_idx, 1u);
  EXPECT_EQ(index->entries[2].tensor, "c");
  EXPECT_EQ(index->entries[2].shard_idx, 0u);
}

TEST(SafetensorsIndexTest, ShardNamesThatCouldLeadElsewhereAreRefused) {
  for (const char* name :
       {"", ".", "..", "../x", "/etc/passwd", "a/b", "a\\\\b", "a b",
        "a\\u0000", "caf\\u00e9", "a\\n", "~x", "C:x"}) {
    EXPECT_THAT(ErrorOf(WithShard(name)), HasSubstr("a plain file name"))
        << name;
  }
  EXPECT_EQ(ErrorOf(WithShard(std::string(255, 'a'))), "accepted");
  EXPECT_THAT(ErrorOf(WithShard(std::string(256, 'a'))), HasSubstr("plain"));
}

TEST(SafetensorsIndexTest, OtherStructuresAreRefused) {
  EXPECT_THAT(ErrorOf("{}"), HasSubstr("\"weight_map\" is missing"));
  EXPECT_THAT(ErrorOf("[]"), HasSubstr("\"weight_map\" is missing"));
  EXPECT_THAT(ErrorOf("1"), HasSubstr("\"weight_map\" is missing"));
  EXPECT_THAT(ErrorOf(R"([{"weight_map":{"t":"x"}}])"),
              HasSubstr("\"weight_map\" is missing"));
  EXPECT_THAT(ErrorOf(R"({"weight_map":[]})"), HasSubstr("unexpected array"));
  EXPECT_THAT(ErrorOf(R"({"weight_map":null})"),
              HasSubstr("unexpected \"null\""));
  EXPECT_THAT(ErrorOf(R"({"weight_map":"x"})"), HasSubstr("unexpected string"));
  EXPECT_THAT(ErrorOf(R"({"weight_map":{"t":1}})"),
              HasSubstr("unexpected number for \"t\""));
  EXPECT_THAT(ErrorOf(R"({"weight_map":{"t":{}}})"),
              HasSubstr("unexpected object for \"t\""));
  EXPECT_THAT(ErrorOf(R"({"weight_map":{"t":["x"]}})"),
              HasSubstr("unexpected array for \"t\""));
  EXPECT_THAT(ErrorOf(R"({"weight_map":{"t":"x"})"), HasSubstr("invalid JSON"));
  EXPECT_THAT(ErrorOf(std::string("{\"weight_map\":{}}\0", 18)),
              HasSubstr("NUL"));
}

TEST(SafetensorsIndexTest, RepeatedKeysAreRefused) {
  EXPECT_THAT(ErrorOf(R"({"weight_map":{"t":"x","t":"y"}})"),
              HasSubstr("duplicate key \"t\""));
  EXPECT_THAT(ErrorOf(R"({"weight_map":{},"weight_map":{}})"),
              HasSubstr("duplicate key \"weight_map\""));
}

TEST(SafetensorsIndexTest, NestingIsBounded) {
  const auto nested = [](size_t depth) {
    return R"({"metadata":)" + std::string(depth, '[') +
           std::string(depth, ']') + R"(,"weight_map":{}})";
  };
  EXPECT_EQ(ErrorOf(nested(31)), "accepted");
  EXPECT_THAT(ErrorOf(nested(32)), HasSubstr("nesting deeper than 32"));
  EXPECT_THAT(ErrorOf(nested(1'000'000)), HasSubstr("nesting deeper than 32"));
}

TEST(SafetensorsIndexTest, TheNumberOfShardsIsBounded) {
  std::string json = R"({"weight_map":{)";
  for (size_t i = 0; i < kMaxShards; ++i) {
    json += fmt::format(R"({}"t{}":"s{}")", i == 0 ? "" : ",", i, i);
  }
  EXPECT_EQ(ErrorOf(json + "}}"), "accepted");
  EXPECT_EQ(ErrorOf(json + R"(,"u":"s0"}})"), "accepted");
  EXPECT_THAT(ErrorOf(json + R"(,"u":"one-more"}})"),
              HasSubstr("more than 4096 shards"));
}

class IndexAgainstShardsTest : public ::testing::Test {
 protected:
  std::string Check(
      const std::vector<std::pair<std::string, uint32_t>>& found) {
    std::vector<TensorInfo> tensors;
    for (const auto& [name, file_idx] : found) {
      tensors.push_back({.name = name, .shape = {}, .file_idx = file_idx});
    }
    auto status = CheckIndexAgainstShards(index_, tensors, "i.json");
    return status ? "same" : status.error().message;
  }

  const SafetensorsIndex index_ =
      ParseSafetensorsIndex(R"({"weight_map":{"a":"1","b":"2","d":"2"}})", "i")
          .value();
};

TEST_F(IndexAgainstShardsTest, TheSameIsAccepted) {
  EXPECT_EQ(Check({{"a", 0}, {"b", 1}, {"d", 1}}), "same");
}

TEST_F(IndexAgainstShardsTest, EveryDifferenceIsNamed) {
  EXPECT_THAT(Check({{"b", 1}, {"d", 1}}),
              HasSubstr("tensor \"a\" is not in shard 1"));
  EXPECT_THAT(Check({{"a", 0}, {"d", 1}}),
              HasSubstr("tensor \"b\" is not in shard 2"));
  EXPECT_THAT(Check({{"a", 0}, {"b", 1}}),
              HasSubstr("tensor \"d\" is not in shard 2"));
  EXPECT_THAT(Check({{"a", 0}, {"b", 0}, {"d", 1}}),
              HasSubstr("tensor \"b\" is not in shard 2"));
  EXPECT_THAT(Check({{"a", 0}, {"b", 0}, {"b", 1}, {"d", 1}}),
              HasSubstr("tensor \"b\" is in two shards, 1 and 2"));
  EXPECT_THAT(Check({{"A", 0}, {"a", 0}, {"b", 1}, {"d", 1}}),
              HasSubstr("tensor \"A\" of shard 1 is not in the index"));
  EXPECT_THAT(Check({{"a", 0}, {"b", 1}, {"c", 1}, {"d", 1}}),
              HasSubstr("tensor \"c\" of shard 2 is not in the index"));
  EXPECT_THAT(Check({{"a", 0}, {"b", 1}, {"d", 1}, {"e", 0}}),
              HasSubstr("tensor \"e\" of shard 1 is not in the index"));
}

}  // namespace
}  // namespace revlm::formats
