// The tokens of a model's vocabulary: text to id and id to text.
//
// Threads: immutable. Memory: the bytes of the tokens, 8 bytes an id and 6 to
// 12 bytes a token (3 MiB for the 128,000 tokens of Llama 3).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "tokenizer/hash_index.h"

namespace revlm::tokenizer {

inline constexpr size_t kMaxTokens = size_t{4} << 20;
inline constexpr size_t kMaxTokenBytes = size_t{64} << 10;

// The largest id that `num_tokens` tokens may use: a sparse numbering is
// allowed, one that would make us allocate for ids nobody has is not.
inline int64_t MaxTokenId(size_t num_tokens) {
  return 2 * static_cast<int64_t>(num_tokens) + 65536;
}

// Tokens as they are read: their texts lie one after the other in `texts`.
struct TokenList {
  struct Token {
    uint32_t offset;
    uint32_t length;
    int32_t id;
  };
  std::string texts;
  std::vector<Token> tokens;

  std::string_view TextOf(const Token& token) const {
    return std::string_view(texts).substr(token.offset, token.length);
  }
};

class Vocabulary {
 public:
  Vocabulary() = default;

  // Errors: kCorrupt for two tokens with one id, two ids for one token, or an
  // id beyond MaxTokenId.
  static Result<Vocabulary> Build(TokenList list, const std::string& source);

  std::optional<int32_t> Find(std::string_view token) const;
  // Nothing when no token has this id. Valid as long as the vocabulary.
  std::optional<std::string_view> Text(int32_t id) const;

  size_t num_tokens() const { return num_tokens_; }
  uint64_t heap_bytes() const {
    return base::HeapBytes(texts_) + base::HeapBytes(spans_) +
           index_.heap_bytes();
  }
  // One more than the largest id.
  int32_t num_ids() const { return static_cast<int32_t>(spans_.size()); }

 private:
  static constexpr uint32_t kNoToken = UINT32_MAX;
  struct Span {
    uint32_t offset = 0;
    uint32_t length = kNoToken;
  };

  std::string_view TextAt(uint32_t id) const {
    return {texts_.data() + spans_[id].offset, spans_[id].length};
  }

  std::string texts_;
  std::vector<Span> spans_;  // by id
  HashIndex index_;          // of ids, by text
  size_t num_tokens_ = 0;
};

}  // namespace revlm::tokenizer
