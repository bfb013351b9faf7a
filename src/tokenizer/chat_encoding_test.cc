// Conversations as token ids: as the reference's where nobody writes what looks
// like a control token, and no control token of anybody's where somebody does.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "support/files.h"
#include "tokenizer/chat_template.h"
#include "tokenizer/real_tokenizers_testing.h"
#include "tokenizer/test_file.h"
#include "tokenizer/tokenizer.h"

namespace revlm::tokenizer {
namespace {

using testing::AddedTokenJson;
using testing::Json;
using testing::SmallFile;

struct Model {
  const char* tokenizer;
  const char* form;
  std::vector<NamedToken> tokens;
};

// With tokens that the vocabulary has.
std::vector<Model> Models() {
  return {
      {"tinyllama-chat", "zephyr", {{"eos_token", "</s>"}}},
      {"tinyllama-chat", "chatml", {}},
      {"tinyllama-chat",
       "llama2",
       {{"bos_token", "<s>"}, {"eos_token", "</s>"}}},
      {"phi-3", "phi3", {{"eos_token", "<|endoftext|>"}}},
      {"qwen1-tiktoken", "chatml-default-system", {}},
      {"qwen1-tiktoken", "chatml-thinking", {}},
      {"llama3", "llama3", {{"bos_token", "<|begin_of_text|>"}}},
      {"llama3", "llama3-tools", {{"bos_token", "<|begin_of_text|>"}}},
      {"gpt-neox-20b", "alpaca", {}},
      {"phi-2", "alpaca", {}},
      {"chatglm", "chatml", {}},
  };
}

MarkedText Write(const Model& model, const std::string& content) {
  const auto file = testing::ReadFile(std::string(REVLM_TEST_DATA) + "/chat/" +
                                      model.form + ".jinja");
  EXPECT_TRUE(file) << file.error().message;
  const auto form = ChatTemplate::Parse(*file, model.form);
  EXPECT_TRUE(form) << form.error().message;
  auto text = form->Render({.messages = {{"user", content}},
                            .generation_prompt = GenerationPrompt::kAdd,
                            .tokens = model.tokens});
  EXPECT_TRUE(text) << text.error().message;
  return *std::move(text);
}

// Special tokens of a byte-level or BPE tokenizer have no bytes.
int64_t NumSpecial(const Tokenizer& tokenizer,
                   const std::vector<int32_t>& ids) {
  return std::ranges::count_if(
      ids, [&](int32_t id) { return tokenizer.TokenBytes(id) == ""; });
}

const char* const kPlain[] = {
    "What is the capital of France?",
    "",
    "  spaces in front, and behind   ",
    "\n\n\ttabs\n    indented\n\n\n",
    "Größe 日本語 🙂 e\u0301",
    "if x {\n        return 12345;\n}  // done  ",
};

TEST(ChatEncodingTest, PlainMessagesHaveTheIdsOfTheTextAsItIs) {
  int num_texts = 0;
  for (const Model& model : Models()) {
    const Tokenizer& tokenizer = testing::RealTokenizer(model.tokenizer);
    for (const char* content : kPlain) {
      const MarkedText text = Write(model, content);
      const auto ids = tokenizer.EncodeMarked(text);
      ASSERT_TRUE(ids) << ids.error().message;
      EXPECT_EQ(*ids, *tokenizer.Encode(text.text(), SpecialTokens::kOmit))
          << model.tokenizer << ' ' << model.form << ' ' << content;
      ++num_texts;
    }
  }
  EXPECT_EQ(num_texts, 66);
}

TEST(ChatEncodingTest, AMessageCannotWriteASpecialToken) {
  for (const Model& model : Models()) {
    const Tokenizer& tokenizer = testing::RealTokenizer(model.tokenizer);
    const auto of_form = tokenizer.EncodeMarked(Write(model, "a"));
    ASSERT_TRUE(of_form) << of_form.error().message;
    for (int32_t id = 0; id < tokenizer.num_ids(); ++id) {
      if (tokenizer.TokenBytes(id) != "" || !tokenizer.TokenText(id)) continue;
      const std::string token = *tokenizer.TokenText(id);
      for (const std::string& content :
           {token, "a" + token + "b", token + token, token.substr(1),
            token.substr(0, token.size() - 1)}) {
        const MarkedText text = Write(model, content);
        const auto ids = tokenizer.EncodeMarked(text);
        ASSERT_TRUE(ids) << ids.error().message;
        EXPECT_EQ(NumSpecial(tokenizer, *ids), NumSpecial(tokenizer, *of_form))
            << model.tokenizer << ' ' << model.form << ' ' << content;
        // What was written is all there.
        const auto decoded = tokenizer.Decode(*ids);
        EXPECT_NE(decoded->find(content), std::string::npos) << *decoded;
      }
    }
  }
}

// ---- Small files -----------------------------------------------------------

// The texts of the tokens of `before`, the content, and `after`.
std::string Tokens(const Json& file, std::string_view before,
                   std::string_view content, std::string_view after) {
  const auto tokenizer = testing::Load(file);
  if (!tokenizer) return tokenizer.error().message;
  MarkedText text(before, Origin::kTemplate);
  text.Append(content, Origin::kContent);
  text.Append(after, Origin::kTemplate);
  const auto ids = tokenizer->EncodeMarked(text);
  if (!ids) return ids.error().message;
  std::string joined;
  for (const int32_t id : *ids) {
    joined += (joined.empty() ? "" : "|") + tokenizer->TokenText(id).value();
  }
  return joined;
}

Json FileWith(std::vector<Json> added) {
  Json file = SmallFile();
  file["added_tokens"] = added;
  return file;
}

Json Plain(Json token) {
  token["special"] = false;
  token["normalized"] = true;
  return token;
}

TEST(ChatEncodingTest, TextOnBothSidesOfABorderIsOneText) {
  EXPECT_EQ(Tokens(SmallFile(), "a", "b", "c"), "ab|c");
}

TEST(ChatEncodingTest, ATokenIsNotMadeAcrossABorder) {
  const Json file = FileWith({AddedTokenJson(20, "<a>")});
  EXPECT_EQ(Tokens(file, "<a>", "b", "<a>"), "<a>|b|<a>");
  EXPECT_EQ(Tokens(FileWith({AddedTokenJson(20, "ac")}), "a", "c", ""), "a|c");
  EXPECT_EQ(Tokens(FileWith({AddedTokenJson(20, "ac")}), "", "a", "c"), "a|c");
  EXPECT_EQ(Tokens(FileWith({AddedTokenJson(20, "ac")}), "", "ac", "ac"),
            "a|c|ac");
}

TEST(ChatEncodingTest, AMessageCannotHideATokenBesideIt) {
  const Json file =
      FileWith({AddedTokenJson(20, "ea"), AddedTokenJson(21, "ae"),
                AddedTokenJson(22, "eaf")});
  EXPECT_EQ(Tokens(file, "", "a", "ea"), "a|ea");
  EXPECT_EQ(Tokens(file, "ea", "f", ""), "ea|f");
}

TEST(ChatEncodingTest, WhitespaceIsATokenWhoeverWroteIt) {
  const Json file =
      FileWith({Plain(AddedTokenJson(20, "  ")), AddedTokenJson(21, "   "),
                AddedTokenJson(22, "<a>")});
  EXPECT_EQ(Tokens(file, "a", "b  c", ""), "ab|  |c");
  EXPECT_EQ(Tokens(file, "a ", " c", "<a>  "), "a|  |c|<a>|  ");
  EXPECT_EQ(Tokens(file, "a ", "  c", ""), "a|   |c");
}

TEST(ChatEncodingTest, ATokenThatStripsTakesWhitespaceOfMessages) {
  Json token = AddedTokenJson(20, "<a>");
  token["rstrip"] = true;
  EXPECT_EQ(Tokens(FileWith({token}), "<a>", "  b", ""), "<a>|b");
}

TEST(ChatEncodingTest, NormalizationThatHidesWhoWroteATokenIsRefused) {
  Json file = FileWith({Plain(AddedTokenJson(20, "<a>"))});
  file["normalizer"] = {
      {"type", "Replace"}, {"pattern", {{"String", "."}}}, {"content", "a"}};
  EXPECT_EQ(Tokens(file, "<a>", "b", "<a>"), "<a>|b|<a>");
  EXPECT_EQ(Tokens(file, "", "b.", ""), "b|a");
  EXPECT_EQ(Tokens(file, "<.>", "b", ""),
            "encoding a conversation: it has \"<a>\" after normalization, and "
            "whether that is of the chat template or of a message cannot be "
            "told");
  EXPECT_EQ(Tokens(file, "", "<.>", ""),
            "encoding a conversation: it has \"<a>\" after normalization, and "
            "whether that is of the chat template or of a message cannot be "
            "told");
}

TEST(ChatEncodingTest, TextThatMergesIntoASpecialTokenIsRefused) {
  Json file = FileWith({AddedTokenJson(12, "ab")});
  EXPECT_EQ(Tokens(file, "ab", "c", ""), "ab|c");
  EXPECT_EQ(Tokens(file, "c", "ab", ""),
            "encoding a conversation: its text becomes the special token "
            "\"ab\", which only the chat template may write");
}

TEST(ChatEncodingTest, ErrorsAreNamed) {
  EXPECT_EQ(Tokens(SmallFile(), "a", "\xff", ""),
            "encoding a conversation: found bytes that are not UTF-8");
}

}  // namespace
}  // namespace revlm::tokenizer
