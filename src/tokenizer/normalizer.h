// The first step of encoding: rewrites text before it is split.
//
// Supported: Sequence, NFC, NFD, NFKC, NFKD, Prepend, Replace, Lowercase,
// Strip, StripAccents, Nmt, ByteLevel. Refused by name: BertNormalizer,
// Precompiled and any other.
//
// Threads: immutable. Errors of `Apply`: kUnsupported when the result would be
// more than 32 times as long as the text and 64 KiB, or a pattern needs too
// many steps.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "tokenizer/normal_form.h"
#include "tokenizer/pattern.h"

namespace revlm::tokenizer {

class Normalizer {
 public:
  // `json` is the member "normalizer", or nullptr when null.
  static Result<Normalizer> FromJson(const base::Json* json,
                                     const std::string& source);

  Result<std::string> Apply(std::string_view text) const;

  bool is_byte_level() const;

 private:
  enum class Kind {
    kNormalForm,
    kPrepend,
    kReplace,
    kLowercase,
    kStrip,
    kStripAccents,
    kNmt,
    kByteLevel,
  };
  struct Step {
    Kind kind;
    NormalForm form = NormalForm::kC;
    std::string content = {};  // what Prepend and Replace put in
    std::optional<Pattern> pattern = std::nullopt;  // of Replace
    bool strips_left = false;
    bool strips_right = false;
  };

  static Result<Step> ParseStep(const base::Json& object, std::string_view type,
                                const std::string& source);
  static Result<std::string> ApplyStep(const Step& step, std::string text,
                                       size_t max_bytes);

  std::vector<Step> steps_;
};

}  // namespace revlm::tokenizer
