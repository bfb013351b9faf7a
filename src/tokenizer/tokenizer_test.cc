#include "tokenizer/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <string>
#include <thread>
#include <vector>

#include "tokenizer/test_file.h"

namespace revlm::tokenizer {
namespace {

using testing::AddedTokenJson;
using ::testing::HasSubstr;
using testing::Json;
using testing::Load;
using testing::SmallFile;
using testing::Tokens;

TEST(TokenizerTest, FirstMergeOfTheListWinsThenTheLeftmost) {
  EXPECT_EQ(Tokens(SmallFile(), "abcd"), "abcd");
  EXPECT_EQ(Tokens(SmallFile(), "bcd"), "b|cd");
  EXPECT_EQ(Tokens(SmallFile(), "ebcf"), "e|bc|f");
  Json overlapping = SmallFile();
  overlapping["model"]["vocab"]["aa"] = 20;
  overlapping["model"]["merges"] = Json::array({"a a"});
  EXPECT_EQ(Tokens(overlapping, "aaaaa"), "aa|aa|a");
}

TEST(TokenizerTest, OfEqualMergesTheLastCounts) {
  Json file = SmallFile();
  file["model"]["merges"] = {"a b", "b c", "a b"};
  EXPECT_EQ(Tokens(file, "abc"), "a|bc");
}

TEST(TokenizerTest, MergesAsStringsAreTheSame) {
  Json file = SmallFile();
  file["model"]["merges"] = {"a b", "c d", "ab cd", "b c"};
  EXPECT_EQ(Tokens(file, "abcd.bcd"), "abcd|.|b|cd");
}

TEST(TokenizerTest, MergesMayComeBeforeTheVocabularyAndWithoutAType) {
  const auto tokenizer = Tokenizer::FromJson(
      R"({"model": {"merges": ["a b"], "vocab": {"a": 0, "b": 1, "ab": 2}}})",
      "t.json");
  ASSERT_TRUE(tokenizer) << tokenizer.error().message;
  EXPECT_EQ(tokenizer->Encode("ab", SpecialTokens::kOmit).value(),
            std::vector<int32_t>{2});
}

TEST(TokenizerTest, IgnoreMergesTakesAPieceThatIsAToken) {
  Json file = SmallFile();
  file["model"]["merges"] = Json::array();
  EXPECT_EQ(Tokens(file, "abcd"), "a|b|c|d");
  file["model"]["ignore_merges"] = true;
  EXPECT_EQ(Tokens(file, "abcd"), "abcd");
  EXPECT_EQ(Tokens(file, "abcda"), "a|b|c|d|a");
}

TEST(TokenizerTest, UnknownCharactersAreDroppedFusedOrBytes) {
  Json file = SmallFile();
  EXPECT_EQ(Tokens(file, "axyb"), "ab");
  file["model"]["unk_token"] = "<unk>";
  EXPECT_EQ(Tokens(file, "axyb"), "a|<unk>|<unk>|b");
  file["model"]["fuse_unk"] = true;
  EXPECT_EQ(Tokens(file, "axyb"), "a|<unk>|b");
  file["model"]["byte_fallback"] = true;
  EXPECT_EQ(Tokens(file, "aüxb"), "a|<0xC3>|<0xBC>|<unk>|b");
}

TEST(TokenizerTest, UnknownTokenOutsideTheVocabularyIsAnErrorWhenNeeded) {
  Json file = SmallFile();
  file["model"]["unk_token"] = "nowhere";
  EXPECT_EQ(Tokens(file, "ab"), "ab");
  EXPECT_THAT(Tokens(file, "x"), HasSubstr("unk_token \"nowhere\""));
}

TEST(TokenizerTest, TemplateIsAddedOnlyWhenAsked) {
  Json file = SmallFile();
  file["post_processor"] = Json::parse(R"({"type": "TemplateProcessing",
    "single": [{"SpecialToken": {"id": "S", "type_id": 0}},
               {"Sequence": {"id": "A", "type_id": 0}},
               {"SpecialToken": {"id": "E", "type_id": 0}}],
    "special_tokens": {"S": {"id": "S", "ids": [17, 16], "tokens": []},
                       "E": {"id": "E", "ids": [4], "tokens": []}}})");
  EXPECT_EQ(Tokens(file, "ab", SpecialTokens::kAdd), "<s>|<unk>|ab|e");
  EXPECT_EQ(Tokens(file, "ab"), "ab");
  EXPECT_EQ(Tokens(file, "", SpecialTokens::kAdd), "<s>|<unk>|e");
}

TEST(TokenizerTest, SequenceOfProcessorsWrapsFromTheInside) {
  Json file = SmallFile();
  file["post_processor"] = Json::parse(R"({"type": "Sequence", "processors": [
    {"type": "ByteLevel"},
    {"type": "BertProcessing", "cls": ["a", 0], "sep": ["b", 1]},
    {"type": "RobertaProcessing", "cls": ["c", 2], "sep": ["d", 3]}]})");
  EXPECT_EQ(Tokens(file, "e", SpecialTokens::kAdd), "c|a|e|b|d");
}

TEST(TokenizerTest, IllFormedBytesAreTakenForTheReplacementCharacter) {
  Json file = SmallFile();
  file["model"]["vocab"]["\uFFFD"] = 20;
  file["model"]["vocab"][std::string(1, '\0')] = 21;
  // A stray byte, a surrogate in UTF-8 (three maximal subparts), a character
  // cut short, an overlong form.
  EXPECT_EQ(Tokens(file, "a\xff"), "a|\uFFFD");
  EXPECT_EQ(Tokens(file, "\xed\xa0\x80"), "\uFFFD|\uFFFD|\uFFFD");
  EXPECT_EQ(Tokens(file, "\xe2\x96"), "\uFFFD");
  EXPECT_EQ(Tokens(file, "\xc0\xaf"), "\uFFFD|\uFFFD");
  EXPECT_EQ(Tokens(file, std::string_view("a\0b", 3)),
            std::string("a|\0|b", 5));
}

TEST(TokenizerTest, DecodingSkipsIdsNobodyHas) {
  Json file = SmallFile();
  file["decoder"] = {{"type", "Fuse"}};
  const auto tokenizer = Load(file);
  ASSERT_TRUE(tokenizer) << tokenizer.error().message;
  const std::vector<int32_t> ids = {0, -1, 1'000'000, INT32_MIN, 1};
  EXPECT_EQ(tokenizer->Decode(ids).value(), "ab");
}

TEST(TokenizerTest, TextBeyondTheLimitIsRefused) {
  const auto tokenizer = Load(SmallFile());
  ASSERT_TRUE(tokenizer);
  const auto ids = tokenizer->Encode(std::string(kMaxTextBytes + 1, 'a'),
                                     SpecialTokens::kOmit);
  ASSERT_FALSE(ids);
  EXPECT_EQ(ids.error().code, ErrorCode::kInvalidArgument);
}

TEST(TokenizerTest, TokensAreFoundByTextAndById) {
  Json file = SmallFile();
  file["added_tokens"] = {AddedTokenJson(17, "<s>"), AddedTokenJson(30, "<x>")};
  const auto tokenizer = Load(file);
  ASSERT_TRUE(tokenizer) << tokenizer.error().message;
  EXPECT_EQ(tokenizer->TokenId("abcd"), 14);
  EXPECT_EQ(tokenizer->TokenId("<x>"), 30);
  EXPECT_EQ(tokenizer->TokenId("nowhere"), std::nullopt);
  EXPECT_EQ(tokenizer->TokenText(30), "<x>");
  EXPECT_EQ(tokenizer->TokenText(25), std::nullopt);
  EXPECT_EQ(tokenizer->num_ids(), 31);
  EXPECT_EQ(tokenizer->Description(), "BPE, characters, 21 tokens");
}

TEST(TokenizerTest, TruncationAndPaddingArePassedOver) {
  Json file = SmallFile();
  file["truncation"] = {{"max_length", 1}, {"stride", 5}};
  file["padding"] = {{"strategy", "BatchLongest"}};
  EXPECT_EQ(Tokens(file, "a.b"), "a|.|b");
}

TEST(TokenizerTest, ThreadsShareOne) {
  const auto tokenizer = Load(SmallFile());
  ASSERT_TRUE(tokenizer);
  const std::string text(10'000, 'b');
  const auto expected = tokenizer->Encode(text, SpecialTokens::kOmit).value();
  std::vector<std::vector<int32_t>> results(4);
  std::vector<std::thread> threads;
  for (auto& result : results) {
    threads.emplace_back([copy = *tokenizer, &text, &result] {
      result = copy.Encode(text, SpecialTokens::kOmit).value();
    });
  }
  for (auto& thread : threads) thread.join();
  for (const auto& result : results) EXPECT_EQ(result, expected);
}

TEST(TokenizerTest, KeepsNoMoreOfTheHeapThanItSays) {
#if defined(REVLM_SANITIZED)
  GTEST_SKIP() << "a sanitizer's heap is not malloc's";
#endif
  const auto in_use = [] {
    const struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
  };
  Json file = SmallFile();
  for (int i = 0; i < 20'000; ++i) {
    file["model"]["vocab"]["token" + std::to_string(i)] = 100 + i;
  }
  for (int i = 0; i < 500; ++i) {
    file["added_tokens"].push_back(
        AddedTokenJson(30'000 + i, ("<added " + std::to_string(i)).c_str()));
  }
  const std::string text = file.dump();
  const size_t before = in_use();
  const auto tokenizer = Tokenizer::FromJson(text, "test");
  const size_t kept = in_use() - before;
  ASSERT_TRUE(tokenizer) << tokenizer.error().message;
  EXPECT_GT(kept, 400'000u);
  EXPECT_LE(kept, tokenizer->heap_bytes());
  EXPECT_LE(tokenizer->heap_bytes(), kept + kept / 4 + (96 << 10));
}

// What changes ids or text makes another tokenizer; how the file is laid out
// does not.
TEST(TokenizerTest, IsTheSameAsWhatGivesTheSameIdsAndText) {
  const Tokenizer whole = Load(SmallFile()).value();
  const auto is_same = [&](const Json& file) {
    const auto other = Load(file);
    EXPECT_TRUE(other) << other.error().message;
    return other && whole.IsSame(*other) && other->IsSame(whole);
  };
  Json file = SmallFile();
  file["model"]["merges"] = {"a b", "c d", "ab cd", "b c"};
  file["normalizer"] = nullptr;
  file["truncation"] = nullptr;
  file.erase("added_tokens");
  EXPECT_TRUE(is_same(file));
  EXPECT_TRUE(
      whole.IsSame(Tokenizer::FromJson(file.dump(4), "t.json").value()));
  file["model"]["merges"] = {"c d", "a b", "ab cd", "b c"};
  EXPECT_FALSE(is_same(file));
  file = SmallFile();
  std::swap(file["model"]["vocab"]["a"], file["model"]["vocab"]["b"]);
  EXPECT_FALSE(is_same(file));
  file = SmallFile();
  file["model"]["vocab"]["more"] = file["model"]["vocab"].size();
  EXPECT_FALSE(is_same(file));
  file = SmallFile();
  file["model"]["ignore_merges"] = true;
  EXPECT_FALSE(is_same(file));
  file = SmallFile();
  file["normalizer"] = {{"type", "Lowercase"}};
  EXPECT_FALSE(is_same(file));
  file = SmallFile();
  file["added_tokens"].push_back(AddedTokenJson(17, "<s>"));
  EXPECT_FALSE(is_same(file));
}

}  // namespace
}  // namespace revlm::tokenizer
