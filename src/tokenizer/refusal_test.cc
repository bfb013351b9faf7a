// Each way a tokenizer file can be wrong, and what is not supported, is refused
// and named.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tokenizer/model_reader.h"
#include "tokenizer/test_file.h"

namespace revlm::tokenizer {
namespace {

using testing::AddedTokenJson;
using ::testing::HasSubstr;
using testing::Json;
using testing::Refusal;
using testing::SmallFile;
using ::testing::StartsWith;

std::string RefusalOfText(std::string_view text) {
  const auto tokenizer = Tokenizer::FromJson(text, "t.json");
  return tokenizer ? "accepted" : tokenizer.error().message;
}

std::string RefusalWith(const char* part, const char* json) {
  Json file = SmallFile();
  file[part] = Json::parse(json);
  return Refusal(file);
}

std::string RefusalWithModel(const char* key, Json value) {
  Json file = SmallFile();
  file["model"][key] = std::move(value);
  return Refusal(file);
}

TEST(RefusalTest, FileTooLarge) {
  EXPECT_THAT(RefusalOfText(std::string(kMaxFileBytes + 1, ' ')),
              HasSubstr("allowed are 134217728"));
}

TEST(RefusalTest, NestingTooDeep) {
  EXPECT_THAT(RefusalOfText("{\"x\": " + std::string(40, '[')),
              HasSubstr("nesting deeper than 32"));
}

TEST(RefusalTest, TextThatIsNotJson) {
  EXPECT_THAT(RefusalOfText("{\"model\": {\"vocab\": {\"a\" 1}}}"),
              HasSubstr("invalid JSON"));
  EXPECT_THAT(RefusalOfText("[]"), HasSubstr("\"model\" is missing"));
}

TEST(RefusalTest, DuplicateKey) {
  EXPECT_THAT(RefusalOfText(R"({"model": {}, "model": {}})"),
              HasSubstr("duplicate key \"model\""));
}

TEST(RefusalTest, DuplicateToken) {
  EXPECT_THAT(
      RefusalOfText(R"({"model": {"vocab": {"a": 0, "a": 1}, "merges": []}})"),
      HasSubstr("duplicate token \"a\", with ids 0 and 1"));
}

TEST(RefusalTest, DuplicateId) {
  EXPECT_THAT(
      RefusalOfText(R"({"model": {"vocab": {"a": 3, "b": 3}, "merges": []}})"),
      HasSubstr("id 3 is given to both \"a\" and \"b\""));
}

TEST(RefusalTest, IdFarBeyondTheNumberOfTokens) {
  EXPECT_EQ(Refusal([] {
              Json file = SmallFile();
              file["model"]["vocab"]["x"] = 2 * 21 + 65536;
              return file;
            }()),
            "accepted");
  Json file = SmallFile();
  file["model"]["vocab"]["x"] = 2 * 21 + 65537;
  EXPECT_THAT(Refusal(file), HasSubstr("the largest id of the vocabulary"));
}

TEST(RefusalTest, IdThatIsNotAnInteger) {
  for (const char* id : {"-1", "2147483647", "1.5", "null", "\"1\"", "[1]",
                         "18446744073709551615"}) {
    EXPECT_THAT(RefusalOfText(std::string(R"({"model": {"vocab": {"a": )") +
                              id + "}, \"merges\": []}}"),
                HasSubstr("the id of token \"a\" is"))
        << id;
  }
}

TEST(RefusalTest, TokenTooLong) {
  Json file = SmallFile();
  file["model"]["vocab"][std::string(kMaxTokenBytes + 1, 'x')] = 20;
  EXPECT_THAT(Refusal(file), HasSubstr("has 65537 bytes, allowed are 65536"));
  Json added = SmallFile();
  added["added_tokens"].push_back(
      AddedTokenJson(20, std::string(kMaxTokenBytes + 1, 'x').c_str()));
  EXPECT_THAT(Refusal(added), HasSubstr("has 65537 bytes, allowed are 65536"));
}

TEST(RefusalTest, TooManyTokens) {
  VocabularySink sink;
  ASSERT_TRUE(sink.Open('{'));
  for (size_t i = 0; i < kMaxTokens; ++i) {
    ASSERT_TRUE(sink.Key("a"));
    ASSERT_TRUE(sink.Integer(static_cast<int64_t>(i)));
  }
  const auto status = sink.Key("a");
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message, HasSubstr("more than 4194304 tokens"));
}

TEST(RefusalTest, MergeOfWhatIsNotATokenIsNamedByItsLine) {
  EXPECT_EQ(RefusalWithModel("merges", {"a b", "x b"}),
            "corrupt: t.json: merges[1] (counted from 0) joins \"x\" and "
            "\"b\", but \"x\" is not in the vocabulary");
  EXPECT_THAT(RefusalWithModel("merges", {"a x"}),
              HasSubstr("but \"x\" is not in the vocabulary"));
  EXPECT_THAT(RefusalWithModel("merges", {"a b", "c d", {"a", "c"}}),
              HasSubstr("merges[2] (counted from 0) joins \"a\" and \"c\", but "
                        "\"ac\" is not in the vocabulary"));
}

TEST(RefusalTest, MergeThatIsNotTwoTokens) {
  const char* expected = "merges[1] (counted from 0) is ";
  for (const Json& merge :
       {Json("ab"), Json("a b c"), Json::array({"a"}), Json(7), Json(),
        Json::object(), Json::array({"a", "b", "c"}), Json::array({"a", 1}),
        Json::array({Json::array({"a"}), "b"})}) {
    EXPECT_THAT(RefusalWithModel("merges", Json::array({"a b", merge})),
                HasSubstr("(counted from 0) is "))
        << merge;
  }
  EXPECT_THAT(RefusalWithModel("merges", {"a b", "ab"}), HasSubstr(expected));
}

TEST(RefusalTest, VocabularyOrMergesMissing) {
  EXPECT_THAT(RefusalOfText(R"({"model": {"merges": []}})"),
              HasSubstr("the model has no \"vocab\""));
  EXPECT_THAT(RefusalOfText(R"({"model": {"vocab": {}}})"),
              HasSubstr("the model has no \"merges\""));
}

TEST(RefusalTest, OtherModelsByName) {
  for (const char* type : {"Unigram", "WordPiece", "WordLevel", "Quantum"}) {
    EXPECT_EQ(RefusalWithModel("type", type),
              std::string("unsupported: t.json: model type \"") + type +
                  "\" is not supported");
  }
  EXPECT_THAT(
      RefusalOfText(R"({"model": {"unk_id": 0, "vocab": [["a", -1]]}})"),
      HasSubstr("\"Unigram\" is not supported"));
}

TEST(RefusalTest, DropoutAndAffixesByName) {
  EXPECT_THAT(RefusalWithModel("dropout", 0.1), HasSubstr("\"dropout\""));
  EXPECT_EQ(RefusalWithModel("dropout", 0.0), "accepted");
  EXPECT_THAT(RefusalWithModel("continuing_subword_prefix", "##"),
              HasSubstr("\"continuing_subword_prefix\" is \"##\""));
  EXPECT_THAT(RefusalWithModel("end_of_word_suffix", "</w>"),
              HasSubstr("\"end_of_word_suffix\""));
  EXPECT_EQ(RefusalWithModel("end_of_word_suffix", ""), "accepted");
}

TEST(RefusalTest, OtherComponentsByName) {
  for (const char* part :
       {"normalizer", "pre_tokenizer", "post_processor", "decoder"}) {
    EXPECT_EQ(RefusalWith(part, R"({"type": "Precompiled"})"),
              std::string("unsupported: t.json: ") + part +
                  " type \"Precompiled\" is not supported");
  }
  EXPECT_THAT(RefusalWith("normalizer", R"({"type": "BertNormalizer"})"),
              HasSubstr("BertNormalizer"));
  EXPECT_THAT(RefusalWith("pre_tokenizer", R"({"type": "UnicodeScripts"})"),
              HasSubstr("UnicodeScripts"));
  EXPECT_THAT(RefusalWith("decoder", R"({"type": "WordPiece"})"),
              HasSubstr("WordPiece"));
}

TEST(RefusalTest, ComponentWithoutWhatItNeeds) {
  for (const char* json :
       {R"({})", R"([])", R"({"type": "Prepend"})", R"({"type": "Replace"})",
        R"({"type": "Replace", "pattern": {"String": "a"}})",
        R"({"type": "Sequence"})",
        R"({"type": "Sequence", "normalizers": [1]})",
        R"({"type": "Strip", "strip_left": 1})"}) {
    EXPECT_THAT(RefusalWith("normalizer", json), StartsWith("corrupt")) << json;
  }
  for (const char* json :
       {R"({"type": "FixedLength", "length": 0})",
        R"({"type": "Metaspace", "replacement": "ab"})",
        R"({"type": "Metaspace", "replacement": "_", "add_prefix_space": false,
            "prepend_scheme": "always"})",
        R"({"type": "Split", "pattern": {"Glob": "*"}})"}) {
    EXPECT_THAT(RefusalWith("pre_tokenizer", json), StartsWith("corrupt"))
        << json;
  }
}

TEST(RefusalTest, StripOutOfBounds) {
  for (const char* bounds :
       {R"("start": -1, "stop": 0)", R"("start": 0, "stop": 1e9)",
        R"("start": 0, "stop": 4294967296)"}) {
    EXPECT_THAT(
        RefusalWith(
            "decoder",
            (std::string(R"({"type": "Strip", "content": " ",)") + bounds + "}")
                .c_str()),
        StartsWith("corrupt"));
  }
  EXPECT_THAT(RefusalWith("decoder", R"({"type": "Strip", "content": "",
                                         "start": 1, "stop": 0})"),
              HasSubstr("allowed is one character"));
}

TEST(RefusalTest, ExpressionThatDoesNotCompile) {
  EXPECT_THAT(RefusalWith("pre_tokenizer",
                          R"({"type": "Split", "pattern": {"Regex": "(a"},
                              "behavior": "Isolated", "invert": false})"),
              HasSubstr("pattern \"(a\" does not compile"));
}

TEST(RefusalTest, TemplateWithASpecialTokenThatIsNotThere) {
  EXPECT_THAT(RefusalWith("post_processor",
                          R"({"type": "TemplateProcessing", "single": [
                              {"SpecialToken": {"id": "S", "type_id": 0}},
                              {"Sequence": {"id": "A", "type_id": 0}}],
                              "special_tokens": {}})"),
              HasSubstr("special token \"S\", which \"special_tokens\" does "
                        "not define"));
  EXPECT_THAT(RefusalWith("post_processor",
                          R"({"type": "TemplateProcessing", "single": [
                              {"SpecialToken": {"id": "S", "type_id": 0}},
                              {"Sequence": {"id": "A", "type_id": 0}}],
                              "special_tokens": {"S": {"ids": [99]}}})"),
              HasSubstr("has id 99, which no token has"));
}

TEST(RefusalTest, TemplateWithoutItsTextOrWithItTwice) {
  EXPECT_THAT(RefusalWith("post_processor",
                          R"({"type": "TemplateProcessing", "single": []})"),
              HasSubstr("has no place for it"));
  EXPECT_THAT(RefusalWith("post_processor",
                          R"({"type": "TemplateProcessing", "single": [
                              {"Sequence": {"id": "A", "type_id": 0}},
                              {"Sequence": {"id": "A", "type_id": 0}}]})"),
              HasSubstr("supported is A once"));
  EXPECT_THAT(RefusalWith("post_processor",
                          R"({"type": "BertProcessing", "cls": ["a", 99],
                              "sep": ["b", 1]})"),
              HasSubstr("has id 99"));
}

TEST(RefusalTest, AddedTokensThatContradictTheVocabulary) {
  const auto refusal = [](std::vector<Json> added) {
    Json file = SmallFile();
    file["added_tokens"] = added;
    return Refusal(file);
  };
  EXPECT_THAT(refusal({AddedTokenJson(5, "<s>")}),
              HasSubstr("\"<s>\" has id 5, but 17 in the vocabulary"));
  EXPECT_THAT(refusal({AddedTokenJson(5, "<x>")}),
              HasSubstr("id 5 is given to both \"f\" and the added token"));
  EXPECT_THAT(refusal({AddedTokenJson(20, "<x>"), AddedTokenJson(21, "<x>")}),
              HasSubstr("duplicate added token \"<x>\""));
  EXPECT_THAT(refusal({AddedTokenJson(20, "<x>"), AddedTokenJson(20, "<y>")}),
              HasSubstr("id 20 is given to two added tokens"));
  EXPECT_THAT(refusal({AddedTokenJson(70'000, "<x>")}),
              HasSubstr("the largest id of an added token"));
  EXPECT_THAT(refusal({Json::object()}), HasSubstr("without \"id\""));
}

TEST(RefusalTest, VersionOfAnotherFormat) {
  EXPECT_EQ(RefusalWith("version", "\"2.0\""),
            "unsupported: t.json: tokenizer version \"2.0\", supported is "
            "\"1.0\"");
}

}  // namespace
}  // namespace revlm::tokenizer
