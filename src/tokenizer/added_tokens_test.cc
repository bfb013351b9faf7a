#include "tokenizer/added_tokens.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "tokenizer/test_file.h"

namespace revlm::tokenizer {
namespace {

using testing::AddedTokenJson;
using testing::Json;
using testing::SmallFile;
using testing::Tokens;

Json FileWith(std::vector<Json> added) {
  Json file = SmallFile();
  file["added_tokens"] = added;
  return file;
}

Json With(Json token, const char* flag) {
  token[flag] = true;
  return token;
}

TEST(AddedTokensTest, LongestAtTheLeftmostPlaceIsFound) {
  const Json file =
      FileWith({AddedTokenJson(20, "<a>"), AddedTokenJson(21, "<a><b>"),
                AddedTokenJson(22, "><b")});
  EXPECT_EQ(Tokens(file, "<a><b>"), "<a><b>");
  EXPECT_EQ(Tokens(file, "<a><b"), "<a>|b");
  EXPECT_EQ(Tokens(file, "a<a><a><b>b"), "a|<a>|<a><b>|b");
}

TEST(AddedTokensTest, SingleWordIsNotFoundBesideAWordCharacter) {
  const Json file = FileWith({With(AddedTokenJson(20, "ab"), "single_word")});
  Json split = file;
  split["model"]["merges"] = Json::array();
  split["model"]["vocab"].erase("ab");
  EXPECT_EQ(Tokens(split, "ab ab.abé"), "ab| |ab|.|a|b|é");
  EXPECT_EQ(Tokens(split, "eab"), "e|a|b");
}

TEST(AddedTokensTest, StrippingTakesTheWhitespaceAround) {
  EXPECT_EQ(Tokens(FileWith({With(AddedTokenJson(20, "<x>"), "lstrip")}),
                   "a  <x>  b"),
            "a|<x>| | |b");
  EXPECT_EQ(Tokens(FileWith({With(AddedTokenJson(20, "<x>"), "rstrip")}),
                   "a  <x>  b"),
            "a| | |<x>|b");
}

TEST(AddedTokensTest, WhitespaceTakenTwiceIsNotATokenAgain) {
  const Json space = With(With(AddedTokenJson(20, "  "), "lstrip"), "rstrip");
  EXPECT_EQ(Tokens(FileWith({space}), "a          b"), "a|  |b");
}

TEST(AddedTokensTest, NormalizedTokenIsFoundInNormalizedText) {
  Json file = FileWith({With(AddedTokenJson(20, "ABBA"), "normalized"),
                        AddedTokenJson(21, "DADA")});
  file["normalizer"] = {{"type", "Lowercase"}};
  EXPECT_EQ(Tokens(file, "abBA"), "ABBA");
  EXPECT_EQ(Tokens(file, "dada"), "d|a|d|a");
  EXPECT_EQ(Tokens(file, "DADA"), "DADA");
}

TEST(TokenMatcherTest, AgreesWithTryingEveryPatternEverywhere) {
  std::mt19937 random(7);
  const auto text_of = [&](size_t max_length, size_t min_length) {
    std::string text(min_length + random() % max_length, ' ');
    for (char& c : text) c = static_cast<char>('a' + random() % 3);
    return text;
  };
  for (int round = 0; round < 300; ++round) {
    std::vector<std::string> patterns;
    for (size_t i = 0; i < 1 + random() % 8; ++i) {
      patterns.push_back(text_of(5, 1));
    }
    const std::string text = text_of(60, 0);
    std::vector<std::string> expected;
    for (size_t at = 0; at < text.size();) {
      size_t longest = 0;
      for (const std::string& pattern : patterns) {
        if (text.compare(at, pattern.size(), pattern) == 0) {
          longest = std::max(longest, pattern.size());
        }
      }
      if (longest > 0) expected.push_back(text.substr(at, longest));
      at += std::max<size_t>(longest, 1);
    }
    std::vector<std::string> found;
    for (const auto& match : TokenMatcher(patterns).Find(text)) {
      found.push_back(text.substr(match.begin, match.end - match.begin));
      EXPECT_EQ(found.back(), patterns[match.pattern]);
    }
    EXPECT_EQ(found, expected) << text;
  }
}

}  // namespace
}  // namespace revlm::tokenizer
