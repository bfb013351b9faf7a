#include "tokenizer/decoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace revlm::tokenizer {
namespace {

using base::Json;
using ::testing::HasSubstr;

std::string Decode(const char* json, std::vector<std::string> tokens) {
  const Json parsed = Json::parse(json);
  const auto decoder =
      Decoder::FromJson(parsed.is_null() ? nullptr : &parsed, "t.json");
  if (!decoder) return decoder.error().message;
  const auto text = decoder->Apply(std::move(tokens));
  return text ? *text : text.error().message;
}

TEST(DecoderTest, WithoutADecoderTokensAreJoinedBySpaces) {
  EXPECT_EQ(Decode("null", {"a", "b"}), "a b");
}

TEST(DecoderTest, ByteLevelMakesBytesOfCharacters) {
  EXPECT_EQ(Decode(R"({"type": "ByteLevel"})", {"Ġa", "Ã©", "Ċ"}), " aé\n");
  // A token with a character that stands for no byte is itself.
  EXPECT_EQ(Decode(R"({"type": "ByteLevel"})", {"Ġ漢"}), "Ġ漢");
}

TEST(DecoderTest, AnEndInsideACharacterIsTheReplacementCharacter) {
  EXPECT_EQ(Decode(R"({"type": "ByteLevel"})", {"a", "Ã"}), "a\uFFFD");
  EXPECT_EQ(Decode(R"({"type": "ByteFallback"})", {"a", "<0xE2>", "<0x96>"}),
            "a\uFFFD\uFFFD");
}

TEST(DecoderTest, ByteFallbackJoinsRunsOfByteTokens) {
  EXPECT_EQ(Decode(R"({"type": "ByteFallback"})",
                   {"<0xC3>", "<0xBC>", "x", "<0x41>"}),
            "üxA");
  EXPECT_EQ(Decode(R"({"type": "ByteFallback"})", {"<0xZZ>", "<0x4>"}),
            "<0xZZ><0x4>");
}

TEST(DecoderTest, StripTakesNoMoreThanThereIs) {
  EXPECT_EQ(
      Decode(R"({"type": "Strip", "content": " ", "start": 1, "stop": 0})",
             {"  a", " b"}),
      " ab");
  EXPECT_EQ(
      Decode(R"({"type": "Strip", "content": "x", "start": 9, "stop": 9})",
             {"xx", "", "xax"}),
      "a");
}

TEST(DecoderTest, SequenceOfSentencePiece) {
  const char* json = R"({"type": "Sequence", "decoders": [
      {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
      {"type": "ByteFallback"}, {"type": "Fuse"},
      {"type": "Strip", "content": " ", "start": 1, "stop": 0}]})";
  EXPECT_EQ(Decode(json, {"▁Hi", "▁you", "<0x0A>"}), "Hi you\n");
}

TEST(DecoderTest, MetaspaceDropsTheFirst) {
  EXPECT_EQ(Decode(R"({"type": "Metaspace", "replacement": "▁",
                       "prepend_scheme": "always"})",
                   {"▁a", "▁b"}),
            "a b");
  EXPECT_EQ(Decode(R"({"type": "Metaspace", "replacement": "▁",
                       "prepend_scheme": "never"})",
                   {"▁a", "▁b"}),
            " a b");
}

TEST(DecoderTest, SuffixBecomesASpaceExceptAtTheEnd) {
  EXPECT_EQ(Decode(R"({"type": "BPEDecoder", "suffix": "</w>"})",
                   {"a", "b</w>", "c</w>"}),
            "ab c");
}

TEST(DecoderTest, GrowthBeyondTheLimitIsAnError) {
  const std::string json =
      R"({"type": "Replace", "pattern": {"String": "a"}, "content": ")" +
      std::string(1000, 'b') + "\"}";
  EXPECT_THAT(Decode(json.c_str(), {std::string(10'000, 'a')}),
              HasSubstr("longer than 320000 bytes"));
}

// What a token adds between others; "?": nothing is known.
std::string BytesOf(const char* json, std::string token) {
  const Json parsed = Json::parse(json);
  const auto decoder =
      Decoder::FromJson(parsed.is_null() ? nullptr : &parsed, "t.json");
  if (!decoder) return decoder.error().message;
  const auto bytes = decoder->BytesOf(std::move(token));
  if (!bytes) return bytes.error().message;
  return bytes->value_or("?");
}

TEST(DecoderTest, BytesOfATokenNeedNotBeCharacters) {
  EXPECT_EQ(BytesOf(R"({"type": "ByteLevel"})", "Ġa"), " a");
  EXPECT_EQ(BytesOf(R"({"type": "ByteLevel"})", "Ã"), "\xC3");
  EXPECT_EQ(BytesOf(R"({"type": "ByteFallback"})", "<0xE2>"), "\xE2");
  EXPECT_EQ(BytesOf(R"({"type": "ByteFallback"})", "ab"), "ab");
}

TEST(DecoderTest, BytesOfATokenAreThoseBetweenOthers) {
  // What Llama 2 has: the text loses its first blank, a token does not.
  EXPECT_EQ(BytesOf(R"({"type": "Sequence", "decoders": [
                        {"type": "Replace", "pattern": {"String": "▁"},
                         "content": " "},
                        {"type": "ByteFallback"}, {"type": "Fuse"},
                        {"type": "Strip", "content": " ", "start": 1,
                         "stop": 0}]})",
                    "▁the"),
            " the");
  EXPECT_EQ(BytesOf(R"({"type": "Metaspace", "replacement": "▁",
                        "prepend_scheme": "always"})",
                    "▁the"),
            " the");
  EXPECT_EQ(BytesOf(R"({"type": "BPEDecoder", "suffix": "</w>"})", "a</w>"),
            "a ");
  EXPECT_EQ(BytesOf("null", "a"), "?");
}

}  // namespace
}  // namespace revlm::tokenizer
