// The second step of encoding: splits normalized text into the pieces that the
// model encodes one by one.
//
// Supported: Sequence, ByteLevel, Split, Punctuation, Digits, Metaspace,
// Whitespace, WhitespaceSplit, BertPreTokenizer, CharDelimiterSplit,
// FixedLength. Refused by name: UnicodeScripts and any other.
//
// Threads: immutable. Memory: about 4 times the text while it works. Errors of
// `Apply`: kUnsupported when a pattern needs too many steps, or the pieces
// would be more than 32 times as long as the text and 64 KiB.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "tokenizer/pattern.h"
#include "tokenizer/pieces.h"

namespace revlm::tokenizer {

class PreTokenizer {
 public:
  // `json` is the member "pre_tokenizer", or nullptr when null.
  static Result<PreTokenizer> FromJson(const base::Json* json,
                                       const std::string& source);

  Result<Pieces> Apply(Pieces pieces) const;

  bool is_byte_level() const;

 private:
  enum class Kind {
    kPrefix,      // adds `content` in front
    kReplace,     // replaces ' ' by `content`
    kBytes,       // bytes to characters, as ByteLevel does
    kPattern,     // splits at the matches of `pattern`
    kCharacters,  // splits at characters of a class
    kLength,      // splits into pieces of `length` characters
  };
  enum class Scope { kAlways, kFirst };
  // What files call one pre-tokenizer is one to three of these.
  struct Step {
    Kind kind;
    Scope scope = Scope::kAlways;  // of kPrefix
    std::string content = {};
    std::optional<Pattern> pattern = std::nullopt;  // of kPattern
    bool (*is_member)(char32_t) = nullptr;
    SplitBehavior behavior = SplitBehavior::kIsolated;
    bool is_inverted = false;  // the matches are what is not matched
    int64_t length = 0;
  };

  Status Parse(const base::Json& object, std::string_view type,
               const std::string& source);
  Status ParseByteLevel(const base::Json& object, const std::string& source);
  Status ParseMetaspace(const base::Json& object, const std::string& source);
  Status ParseSplit(const base::Json& object, const std::string& source);
  void AddPattern(Pattern pattern, SplitBehavior behavior, bool is_inverted);
  void AddCharacters(bool (*is_member)(char32_t), SplitBehavior behavior);

  static Status ApplyPattern(const Step& step, const Pieces& in, Pieces* out);
  static void ApplyCharacters(const Step& step, const Pieces& in, Pieces* out);
  static void ApplyText(const Step& step, const Pieces& in, Pieces* out);

  std::vector<Step> steps_;
};

}  // namespace revlm::tokenizer
