// Turns the texts of tokens back into text.
//
// Supported: Sequence, ByteLevel, ByteFallback, Fuse, Strip, Replace,
// Metaspace, BPEDecoder. Refused by name: WordPiece, CTC and any other. Without
// a decoder the tokens are joined by spaces.
//
// Threads: immutable. Errors of `Apply`: kUnsupported when the text would be
// more than 32 times as long as the tokens and 64 KiB, or a pattern needs too
// many steps.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "tokenizer/pattern.h"

namespace revlm::tokenizer {

class Decoder {
 public:
  // `json` is the member "decoder", or nullptr when null.
  static Result<Decoder> FromJson(const base::Json* json,
                                  const std::string& source);

  // The result is valid UTF-8: bytes that make no character become U+FFFD.
  Result<std::string> Apply(std::vector<std::string> tokens) const;

  // The bytes that `token` adds behind other tokens, which need not be whole
  // characters. Nothing where that depends on its neighbours. Errors: as
  // `Apply`.
  Result<std::optional<std::string>> BytesOf(std::string token) const;

 private:
  enum class Kind {
    kByteLevel,
    kByteFallback,
    kFuse,
    kStrip,
    kReplace,
    kMetaspace,
    kSuffix,
  };
  struct Step {
    Kind kind;
    std::optional<Pattern> pattern = std::nullopt;  // of kReplace and kSuffix
    std::string content = {};                       // what kReplace puts in
    char32_t character = 0;                         // of kStrip and kMetaspace
    int64_t num_start = 0;  // of kStrip: at most so many of them
    int64_t num_stop = 0;
    bool drops_first = false;  // of kMetaspace: in the first token
  };

  static Result<Step> ParseStep(const base::Json& object, std::string_view type,
                                const std::string& source);
  static Status ApplyStep(const Step& step, size_t max_bytes,
                          std::vector<std::string>* tokens);
  static Status ReplaceInTokens(const Step& step, size_t max_bytes,
                                std::vector<std::string>* tokens);

  std::vector<Step> steps_;
  bool joins_by_spaces_ = true;
};

}  // namespace revlm::tokenizer
