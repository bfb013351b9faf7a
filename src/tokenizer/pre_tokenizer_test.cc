#include "tokenizer/pre_tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace revlm::tokenizer {
namespace {

using base::Json;
using ::testing::HasSubstr;

// The pieces of `text`, joined by '|'.
std::string Split(const std::string& json, std::string_view text,
                  bool begins_text = true) {
  const Json parsed = Json::parse(json);
  const auto pre_tokenizer = PreTokenizer::FromJson(&parsed, "t.json");
  if (!pre_tokenizer) return pre_tokenizer.error().message;
  Pieces pieces;
  pieces.Add(text);
  pieces.begins_text = begins_text;
  const auto split = pre_tokenizer->Apply(std::move(pieces));
  if (!split) return split.error().message;
  std::string joined;
  for (size_t i = 0; i < split->size(); ++i) {
    if (i > 0) joined += '|';
    joined += (*split)[i];
  }
  return joined;
}

std::string SplitAtDots(const char* behavior, const char* invert) {
  return Split(std::string(R"({"type": "Split", "pattern": {"String": "."},
                               "behavior": ")") +
                   behavior + R"(", "invert": )" + invert + "}",
               "a..b.");
}

TEST(PreTokenizerTest, EachSplitBehavior) {
  EXPECT_EQ(SplitAtDots("Removed", "false"), "a|b");
  EXPECT_EQ(SplitAtDots("Isolated", "false"), "a|.|.|b|.");
  EXPECT_EQ(SplitAtDots("MergedWithPrevious", "false"), "a.|.|b.");
  EXPECT_EQ(SplitAtDots("MergedWithNext", "false"), "a|.|.b|.");
  EXPECT_EQ(SplitAtDots("Contiguous", "false"), "a|..|b|.");
  EXPECT_EQ(SplitAtDots("Removed", "true"), ".|.|.");
}

TEST(PreTokenizerTest, ByteLevelSplitsAsGpt2) {
  EXPECT_EQ(Split(R"({"type": "ByteLevel", "add_prefix_space": false})",
                  "I'll go  12é!"),
            "I|'ll|Ġgo|Ġ|Ġ12|Ã©|!");
  EXPECT_EQ(Split(R"({"type": "ByteLevel", "add_prefix_space": true,
                      "use_regex": false})",
                  "a b"),
            "ĠaĠb");
}

TEST(PreTokenizerTest, MetaspaceSchemes) {
  const auto split = [](const char* scheme, std::string_view text, bool first) {
    return Split(std::string(R"({"type": "Metaspace", "replacement": "▁",
                                 "prepend_scheme": ")") +
                     scheme + "\"}",
                 text, first);
  };
  EXPECT_EQ(split("always", "a b", false), "▁a|▁b");
  EXPECT_EQ(split("always", " a", false), "▁a");
  EXPECT_EQ(split("first", "a", true), "▁a");
  EXPECT_EQ(split("first", "a", false), "a");
  EXPECT_EQ(split("never", "a  b", true), "a|▁|▁b");
}

TEST(PreTokenizerTest, CharacterClasses) {
  EXPECT_EQ(Split(R"({"type": "Punctuation"})", "a,«b"), "a|,|«|b");
  EXPECT_EQ(Split(R"({"type": "Digits", "individual_digits": true})", "a12½"),
            "a|1|2|½");
  EXPECT_EQ(Split(R"({"type": "Digits"})", "a12½"), "a|12½");
  EXPECT_EQ(Split(R"({"type": "Whitespace"})", "ab, c!? "), "ab|,|c|!?");
  EXPECT_EQ(Split(R"({"type": "WhitespaceSplit"})", " ab,\u3000c"), "ab,|c");
  EXPECT_EQ(Split(R"({"type": "BertPreTokenizer"})", "ab, c"), "ab|,|c");
  EXPECT_EQ(
      Split(R"({"type": "CharDelimiterSplit", "delimiter": "-"})", "a--b"),
      "a|b");
  EXPECT_EQ(Split(R"({"type": "FixedLength", "length": 2})", "aéb"), "aé|b");
}

TEST(PreTokenizerTest, FirstPieceNoLongerBeginsTheTextWhenItsStartIsRemoved) {
  const char* json = R"({"type": "Sequence", "pretokenizers": [
      {"type": "WhitespaceSplit"},
      {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first"}]})";
  EXPECT_EQ(Split(json, "a b"), "▁a|b");
  EXPECT_EQ(Split(json, " a b"), "a|b");
}

TEST(PreTokenizerTest, RepeatedByteLevelsEndInAnError) {
  std::string json = R"({"type": "Sequence", "pretokenizers": [)";
  for (int i = 0; i < 60; ++i) {
    json += std::string(i > 0 ? "," : "") +
            R"({"type": "ByteLevel", "use_regex": false})";
  }
  EXPECT_THAT(Split(json + "]}", "é"), HasSubstr("longer than 65536 bytes"));
}

TEST(PreTokenizerTest, MoreThanTheComponentsAllowedAreRefused) {
  std::string json = R"({"type": "Sequence", "pretokenizers": [)";
  for (int i = 0; i < 65; ++i) {
    json += std::string(i > 0 ? "," : "") + R"({"type": "Whitespace"})";
  }
  EXPECT_THAT(Split(json + "]}", "a"), HasSubstr("more than 64 components"));
}

}  // namespace
}  // namespace revlm::tokenizer
