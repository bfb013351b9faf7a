// Tokens that are found in the text before anything else splits it: special
// tokens such as <s>, and tokens added to a trained model.
//
// Threads: immutable. Memory: about 30 bytes a byte of the tokens.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/json.h"
#include "tokenizer/marked_text.h"
#include "tokenizer/token_matcher.h"
#include "tokenizer/vocabulary.h"

namespace revlm::tokenizer {

struct AddedToken {
  std::string content;
  // `content` after normalization when `is_normalized`: what is searched for,
  // and what it decodes to.
  std::string normalized_content;
  int32_t id = 0;
  bool is_single_word = false;  // not beside a word character
  bool strips_left = false;     // takes the whitespace before it
  bool strips_right = false;    // takes the whitespace after it
  bool is_normalized = false;   // is searched for in the normalized text
  bool is_special = false;      // no text: it steers the model
  bool is_space = false;        // whitespace alone, which steers nothing
};

class AddedTokens {
 public:
  // A part of a text: a token, or text still to be split.
  struct Segment {
    uint32_t begin;
    uint32_t end;
    std::optional<int32_t> id;
  };
  using Normalize = std::function<Result<std::string>(std::string_view)>;

  AddedTokens() = default;

  // Reads the array "added_tokens". Errors: kCorrupt for ids or contents that
  // are not unique, disagree with `vocabulary` or exceed its limits.
  static Result<AddedTokens> FromJson(const base::Json& array,
                                      const Vocabulary& vocabulary,
                                      const Normalize& normalize,
                                      const std::string& source);

  // Splits a text not normalized, or normalized, by the tokens that are
  // searched for in it. In parts that are `content`, and across their borders,
  // only tokens of whitespace are found: nobody who writes there can steer.
  using Parts = std::span<const MarkedText::Part>;
  std::vector<Segment> SplitRaw(std::string_view text, Parts content) const {
    return Split(text, content, raw_);
  }
  std::vector<Segment> SplitNormalized(std::string_view text,
                                       Parts content) const {
    return Split(text, content, normalized_);
  }

  // A token that is not of whitespace in a normalized text; null: there is
  // none.
  const AddedToken* FindSteering(std::string_view normalized) const;

  const AddedToken* Find(std::string_view content) const;
  const AddedToken* FindId(int32_t id) const;
  size_t size() const { return tokens_.size(); }
  int32_t num_ids() const { return num_ids_; }
  uint64_t heap_bytes() const;

 private:
  struct Searched {
    std::vector<uint32_t> tokens;  // by pattern of `matcher`
    TokenMatcher matcher;
  };

  Status Add(AddedToken token, const Vocabulary& vocabulary,
             const std::string& source);
  const AddedToken& TokenOf(const TokenMatcher::Match& match,
                            const Searched& searched) const {
    return tokens_[searched.tokens[match.pattern]];
  }
  std::vector<TokenMatcher::Match> Matches(std::string_view text, Parts content,
                                           const Searched& searched) const;
  std::vector<Segment> Split(std::string_view text, Parts content,
                             const Searched& searched) const;

  std::vector<AddedToken> tokens_;
  std::unordered_map<std::string, uint32_t> by_content_;
  std::unordered_map<int32_t, uint32_t> by_id_;
  Searched raw_;
  Searched normalized_;
  int32_t num_ids_ = 0;
};

}  // namespace revlm::tokenizer
