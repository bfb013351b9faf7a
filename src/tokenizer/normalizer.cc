#include "tokenizer/normalizer.h"

#include <utf8proc.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "tokenizer/byte_level.h"
#include "tokenizer/component.h"
#include "tokenizer/utf8.h"

namespace revlm::tokenizer {
namespace {

using base::MakeError;

std::unexpected<Error> TooLong(size_t max_bytes) {
  return MakeError(ErrorCode::kUnsupported,
                   "normalizing text: the result is longer than {} bytes, the "
                   "most allowed for this text",
                   max_bytes);
}

// `text` with each character replaced by what `map` appends for it.
template <typename Map>
std::string MapCharacters(std::string_view text, Map map) {
  std::string mapped;
  mapped.reserve(text.size());
  for (size_t position = 0; position < text.size();) {
    const CodePoint point = DecodeUtf8(text, position);
    position += point.length;
    map(point.value, &mapped);
  }
  return mapped;
}

void AppendLowercase(char32_t c, std::string* out) {
  if (c == 0x130) {  // the only one whose lower case is two characters
    AppendUtf8('i', out);
    AppendUtf8(0x307, out);
    return;
  }
  AppendUtf8(
      static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))),
      out);
}

// The character classes of SentencePiece's nmt rules.
void AppendNmt(char32_t c, std::string* out) {
  const bool is_dropped = (c >= 0x01 && c <= 0x08) || c == 0x0B ||
                          (c >= 0x0E && c <= 0x1F) || c == 0x7F || c == 0x8F ||
                          c == 0x9F;
  if (is_dropped) return;
  const bool is_space = c == 0x09 || c == 0x0A || c == 0x0C || c == 0x0D ||
                        c == 0x1680 || (c >= 0x200B && c <= 0x200F) ||
                        c == 0x2028 || c == 0x2029 || c == 0x2581 ||
                        c == 0xFEFF || c == 0xFFFD;
  AppendUtf8(is_space ? ' ' : c, out);
}

std::string StripSpace(std::string_view text, bool left, bool right) {
  while (left && !text.empty()) {
    const CodePoint point = DecodeUtf8(text, 0);
    if (!IsWhitespace(point.value)) break;
    text.remove_prefix(point.length);
  }
  while (right && !text.empty()) {
    const CodePoint point = DecodeUtf8Before(text, text.size());
    if (!IsWhitespace(point.value)) break;
    text.remove_suffix(point.length);
  }
  return std::string(text);
}

Result<std::string> ReplaceMatches(const Pattern& pattern,
                                   std::string_view content,
                                   std::string_view text, size_t max_bytes) {
  std::vector<Span> spans;
  REVLM_TRY(Matcher(pattern).Find(text, &spans));
  std::string replaced;
  for (const Span& span : spans) {
    const std::string_view part =
        span.is_match ? content
                      : text.substr(span.begin, span.end - span.begin);
    if (part.size() > max_bytes - replaced.size()) return TooLong(max_bytes);
    replaced += part;
  }
  return replaced;
}

std::optional<NormalForm> FormOf(std::string_view type) {
  if (type == "NFC") return NormalForm::kC;
  if (type == "NFD") return NormalForm::kD;
  if (type == "NFKC") return NormalForm::kKC;
  if (type == "NFKD") return NormalForm::kKD;
  return std::nullopt;
}

}  // namespace

Result<Normalizer> Normalizer::FromJson(const base::Json* json,
                                        const std::string& source) {
  Normalizer normalizer;
  REVLM_TRY(ReadComponents(
      json, "normalizers", source,
      [&](const base::Json& object, std::string_view type) -> Status {
        REVLM_ASSIGN_OR_RETURN(Step step, ParseStep(object, type, source));
        normalizer.steps_.push_back(std::move(step));
        return {};
      }));
  return normalizer;
}

Result<Normalizer::Step> Normalizer::ParseStep(const base::Json& object,
                                               std::string_view type,
                                               const std::string& source) {
  if (const auto form = FormOf(type)) {
    return Step{.kind = Kind::kNormalForm, .form = *form};
  }
  if (type == "Lowercase") return Step{.kind = Kind::kLowercase};
  if (type == "StripAccents") return Step{.kind = Kind::kStripAccents};
  if (type == "Nmt") return Step{.kind = Kind::kNmt};
  if (type == "ByteLevel") return Step{.kind = Kind::kByteLevel};
  if (type == "Prepend") {
    Step step{.kind = Kind::kPrepend};
    REVLM_ASSIGN_OR_RETURN(step.content,
                           RequireString(object, "prepend", source));
    return step;
  }
  if (type == "Replace") {
    Step step{.kind = Kind::kReplace};
    const base::Json* json = base::FindMember(object, "pattern");
    REVLM_ASSIGN_OR_RETURN(
        Pattern pattern,
        Pattern::FromJson(json != nullptr ? *json : base::Json(), source));
    step.pattern = std::move(pattern);
    REVLM_ASSIGN_OR_RETURN(step.content,
                           RequireString(object, "content", source));
    return step;
  }
  if (type == "Strip") {
    Step step{.kind = Kind::kStrip};
    REVLM_ASSIGN_OR_RETURN(step.strips_left,
                           BoolOr(object, "strip_left", true, source));
    REVLM_ASSIGN_OR_RETURN(step.strips_right,
                           BoolOr(object, "strip_right", true, source));
    return step;
  }
  return UnsupportedType("normalizer", type, source);
}

Result<std::string> Normalizer::ApplyStep(const Step& step, std::string text,
                                          size_t max_bytes) {
  switch (step.kind) {
    case Kind::kNormalForm:
      return ToNormalForm(text, step.form);
    case Kind::kPrepend:
      if (text.empty()) return text;
      return step.content + text;
    case Kind::kReplace:
      return ReplaceMatches(*step.pattern, step.content, text, max_bytes);
    case Kind::kLowercase:
      return MapCharacters(text, AppendLowercase);
    case Kind::kStrip:
      return StripSpace(text, step.strips_left, step.strips_right);
    case Kind::kStripAccents:
      return MapCharacters(text, [](char32_t c, std::string* out) {
        if (!IsMark(c)) AppendUtf8(c, out);
      });
    case Kind::kNmt:
      return MapCharacters(text, AppendNmt);
    case Kind::kByteLevel: {
      std::string characters;
      AppendBytesAsCharacters(text, &characters);
      return characters;
    }
  }
  return text;
}

Result<std::string> Normalizer::Apply(std::string_view text) const {
  const size_t max_bytes = MaxBytesOfResult(text.size());
  std::string normalized(text);
  for (const Step& step : steps_) {
    REVLM_ASSIGN_OR_RETURN(normalized,
                           ApplyStep(step, std::move(normalized), max_bytes));
    if (normalized.size() > max_bytes) return TooLong(max_bytes);
  }
  return normalized;
}

bool Normalizer::is_byte_level() const {
  return std::any_of(steps_.begin(), steps_.end(), [](const Step& step) {
    return step.kind == Kind::kByteLevel;
  });
}

}  // namespace revlm::tokenizer
