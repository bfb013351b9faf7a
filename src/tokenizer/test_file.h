// Small tokenizer files for tests: a valid one, to be changed and printed.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "tokenizer/tokenizer.h"

namespace revlm::testing {

using base::Json;
using tokenizer::SpecialTokens;
using tokenizer::Tokenizer;

// Tokens: the characters a to h, space, '.', "▁" and "é"; ab, cd, abcd, bc;
// <unk>, <s> and the byte tokens of "ü". Merges: ab, cd, ab+cd, bc.
inline Json SmallFile() {
  Json vocab = Json::object();
  for (const char* token :
       {"a",    "b",  "c",     "d",   "e",      "f",     "g",
        "h",    " ",  ".",     "▁",   "é",      "ab",    "cd",
        "abcd", "bc", "<unk>", "<s>", "<0xC3>", "<0xBC>"}) {
    vocab[token] = vocab.size();
  }
  return Json{
      {"version", "1.0"},
      {"added_tokens", Json::array()},
      {"model",
       {{"type", "BPE"},
        {"vocab", vocab},
        {"merges",
         Json::array({Json::array({"a", "b"}), Json::array({"c", "d"}),
                      Json::array({"ab", "cd"}), Json::array({"b", "c"})})}}}};
}

inline Json AddedTokenJson(int id, const char* content) {
  return Json{{"id", id},        {"content", content}, {"single_word", false},
              {"lstrip", false}, {"rstrip", false},    {"normalized", false},
              {"special", true}};
}

inline Result<Tokenizer> Load(const Json& file) {
  return Tokenizer::FromJson(file.dump(), "t.json");
}

// Why `file` is refused: "code: message", or "accepted".
inline std::string Refusal(const Json& file) {
  const auto loaded = Load(file);
  return loaded
             ? "accepted"
             : (loaded.error().code == ErrorCode::kCorrupt ? "corrupt: "
                                                           : "unsupported: ") +
                   loaded.error().message;
}

// The texts of the tokens of `text`, joined by '|'; the error when there is
// one.
inline std::string Tokens(const Json& file, std::string_view text,
                          SpecialTokens special = SpecialTokens::kOmit) {
  const auto loaded = Load(file);
  if (!loaded) return loaded.error().message;
  const auto ids = loaded->Encode(text, special);
  if (!ids) return ids.error().message;
  std::string joined;
  for (const int32_t id : *ids) {
    if (!joined.empty()) joined += '|';
    joined += loaded->TokenText(id).value_or("?");
  }
  return joined;
}

}  // namespace revlm::testing
