#include "tokenizer/normalizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace revlm::tokenizer {
namespace {

using base::Json;
using ::testing::HasSubstr;

std::string Normalize(const char* json, std::string_view text) {
  const Json parsed = Json::parse(json);
  const auto normalizer = Normalizer::FromJson(&parsed, "t.json");
  if (!normalizer) return normalizer.error().message;
  const auto normalized = normalizer->Apply(text);
  return normalized ? *normalized : normalized.error().message;
}

TEST(NormalizerTest, NormalForms) {
  EXPECT_EQ(Normalize(R"({"type": "NFC"})", "e\u0301 \u212b"), "\u00e9 \u00c5");
  EXPECT_EQ(Normalize(R"({"type": "NFD"})", "\u00e9"), "e\u0301");
  EXPECT_EQ(Normalize(R"({"type": "NFKC"})", "\ufb01"), "fi");
  EXPECT_EQ(Normalize(R"({"type": "NFKD"})", "\ufb01\u00e9"), "fie\u0301");
  EXPECT_EQ(Normalize(R"({"type": "NFC"})", "\u1100\u1161\u11a8"), "\uac01");
}

TEST(NormalizerTest, MarksAreSortedByCombiningClassAndNoFurther) {
  // 0301 and 0308 have class 230 and stay in order; 0323 (220) goes before.
  EXPECT_EQ(Normalize(R"({"type": "NFD"})", "a\u0301\u0308\u0323"),
            "a\u0323\u0301\u0308");
  EXPECT_EQ(Normalize(R"({"type": "NFC"})", "a\u0301\u0323"), "\u1ea1\u0301");
}

TEST(NormalizerTest, PrependOnlyToSomething) {
  EXPECT_EQ(Normalize(R"({"type": "Prepend", "prepend": "▁"})", "a"), "▁a");
  EXPECT_EQ(Normalize(R"({"type": "Prepend", "prepend": "▁"})", ""), "");
}

TEST(NormalizerTest, ReplaceByStringAndExpression) {
  EXPECT_EQ(Normalize(R"({"type": "Replace", "pattern": {"String": "."},
                          "content": "--"})",
                      "a.b."),
            "a--b--");
  EXPECT_EQ(Normalize(R"({"type": "Replace", "pattern": {"Regex": "\\s+"},
                          "content": " "})",
                      "a \n\u3000b"),
            "a b");
}

TEST(NormalizerTest, LowercaseIsThatOfUnicode) {
  EXPECT_EQ(Normalize(R"({"type": "Lowercase"})", "ÀΣ\u0130"), "àσi\u0307");
}

TEST(NormalizerTest, StripTakesTheSidesAsked) {
  EXPECT_EQ(Normalize(R"({"type": "Strip", "strip_left": true,
                          "strip_right": false})",
                      " \u3000a "),
            "a ");
  EXPECT_EQ(Normalize(R"({"type": "Strip", "strip_left": true,
                          "strip_right": true})",
                      " \n\t"),
            "");
}

TEST(NormalizerTest, AccentsAndControlCharacters) {
  EXPECT_EQ(Normalize(R"({"type": "StripAccents"})", "e\u0301\u0488"), "e");
  EXPECT_EQ(Normalize(R"({"type": "Nmt"})", "a\u0001\tb\ufeff"), "a b ");
  EXPECT_EQ(Normalize(R"({"type": "ByteLevel"})", " é"), "ĠÃ©");
}

TEST(NormalizerTest, SequenceAppliesInOrder) {
  EXPECT_EQ(Normalize(R"({"type": "Sequence", "normalizers": [
                            {"type": "Prepend", "prepend": " "},
                            {"type": "Sequence", "normalizers": [
                              {"type": "Replace", "pattern": {"String": " "},
                               "content": "▁"}]}]})",
                      "a b"),
            "▁a▁b");
}

TEST(NormalizerTest, GrowthBeyondTheLimitIsAnError) {
  const std::string step =
      R"({"type": "Replace", "pattern": {"String": "a"}, "content": "aaaaaaaa"})";
  const std::string sequence = R"({"type": "Sequence", "normalizers": [)" +
                               step + "," + step + "," + step + "]}";
  EXPECT_EQ(Normalize(sequence.c_str(), "a").size(), 512u);
  EXPECT_THAT(Normalize(sequence.c_str(), std::string(10'000, 'a')),
              HasSubstr("longer than 320000 bytes"));
}

}  // namespace
}  // namespace revlm::tokenizer
