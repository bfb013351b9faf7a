#include "tokenizer/pre_tokenizer.h"

#include <algorithm>
#include <utility>

#include "base/quote.h"
#include "tokenizer/byte_level.h"
#include "tokenizer/component.h"
#include "tokenizer/utf8.h"

namespace revlm::tokenizer {
namespace {

using base::MakeError;

// How GPT-2 splits text: contractions, words, numbers, the rest, whitespace.
constexpr char kGpt2Pattern[] =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+)"
    R"(|\s+(?!\S)|\s+)";
std::string ToString(char32_t character) {
  std::string text;
  AppendUtf8(character, &text);
  return text;
}

Result<SplitBehavior> ParseBehavior(const base::Json& object,
                                    SplitBehavior fallback,
                                    const std::string& source) {
  REVLM_ASSIGN_OR_RETURN(const auto name,
                         base::GetString(object, "behavior", source));
  if (!name) return fallback;
  const auto behavior = SplitBehaviorOf(*name);
  if (!behavior) {
    return MakeError(ErrorCode::kUnsupported,
                     "{}: split behavior {} is not supported", source,
                     base::Quote(*name));
  }
  return *behavior;
}

// Splits `text` into pieces of `length` characters.
void AddByLength(std::string_view text, int64_t length, Pieces* out) {
  size_t begin = 0;
  int64_t num_characters = 0;
  for (size_t position = 0; position < text.size();) {
    position += DecodeUtf8(text, position).length;
    if (++num_characters == length || position == text.size()) {
      out->Add(text.substr(begin, position - begin));
      begin = position;
      num_characters = 0;
    }
  }
}

}  // namespace

Result<PreTokenizer> PreTokenizer::FromJson(const base::Json* json,
                                            const std::string& source) {
  PreTokenizer pre_tokenizer;
  REVLM_TRY(
      ReadComponents(json, "pretokenizers", source,
                     [&](const base::Json& object, std::string_view type) {
                       return pre_tokenizer.Parse(object, type, source);
                     }));
  return pre_tokenizer;
}

void PreTokenizer::AddPattern(Pattern pattern, SplitBehavior behavior,
                              bool is_inverted) {
  Step step{.kind = Kind::kPattern};
  step.pattern = std::move(pattern);
  step.behavior = behavior;
  step.is_inverted = is_inverted;
  steps_.push_back(std::move(step));
}

void PreTokenizer::AddCharacters(bool (*is_member)(char32_t),
                                 SplitBehavior behavior) {
  Step step{.kind = Kind::kCharacters};
  step.is_member = is_member;
  step.behavior = behavior;
  steps_.push_back(std::move(step));
}

Status PreTokenizer::Parse(const base::Json& object, std::string_view type,
                           const std::string& source) {
  if (type == "ByteLevel") return ParseByteLevel(object, source);
  if (type == "Metaspace") return ParseMetaspace(object, source);
  if (type == "Split") return ParseSplit(object, source);
  if (type == "Punctuation") {
    REVLM_ASSIGN_OR_RETURN(
        const auto behavior,
        ParseBehavior(object, SplitBehavior::kIsolated, source));
    AddCharacters(IsPunctuation, behavior);
    return {};
  }
  if (type == "Digits") {
    REVLM_ASSIGN_OR_RETURN(const bool is_individual,
                           BoolOr(object, "individual_digits", false, source));
    AddCharacters(IsNumeric, is_individual ? SplitBehavior::kIsolated
                                           : SplitBehavior::kContiguous);
    return {};
  }
  if (type == "Whitespace" || type == "WhitespaceSplit" ||
      type == "BertPreTokenizer") {
    AddCharacters(IsWhitespace, SplitBehavior::kRemoved);
    if (type == "Whitespace") {
      AddCharacters(IsWord, SplitBehavior::kContiguous);
    } else if (type == "BertPreTokenizer") {
      AddCharacters(IsPunctuation, SplitBehavior::kIsolated);
    }
    return {};
  }
  if (type == "CharDelimiterSplit") {
    REVLM_ASSIGN_OR_RETURN(const char32_t delimiter,
                           RequireCharacter(object, "delimiter", source));
    REVLM_ASSIGN_OR_RETURN(Pattern pattern,
                           Pattern::Literal(ToString(delimiter), source));
    AddPattern(std::move(pattern), SplitBehavior::kRemoved, false);
    return {};
  }
  if (type == "FixedLength") {
    REVLM_ASSIGN_OR_RETURN(
        const auto length,
        base::GetInt(object, "length", {1, INT32_MAX}, source));
    steps_.push_back({.kind = Kind::kLength, .length = length.value_or(5)});
    return {};
  }
  return UnsupportedType("pre_tokenizer", type, source);
}

Status PreTokenizer::ParseByteLevel(const base::Json& object,
                                    const std::string& source) {
  // trim_offsets is about offsets into the text, which nobody asks for here.
  REVLM_ASSIGN_OR_RETURN(const bool adds_space,
                         BoolOr(object, "add_prefix_space", true, source));
  REVLM_ASSIGN_OR_RETURN(const bool splits,
                         BoolOr(object, "use_regex", true, source));
  if (adds_space) steps_.push_back({.kind = Kind::kPrefix, .content = " "});
  if (splits) {
    REVLM_ASSIGN_OR_RETURN(Pattern pattern,
                           Pattern::Regex(kGpt2Pattern, source));
    AddPattern(std::move(pattern), SplitBehavior::kIsolated, false);
  }
  steps_.push_back({.kind = Kind::kBytes});
  return {};
}

Status PreTokenizer::ParseMetaspace(const base::Json& object,
                                    const std::string& source) {
  REVLM_ASSIGN_OR_RETURN(const char32_t character,
                         RequireCharacter(object, "replacement", source));
  const std::string replacement = ToString(character);
  REVLM_ASSIGN_OR_RETURN(auto scheme,
                         base::GetString(object, "prepend_scheme", source));
  REVLM_ASSIGN_OR_RETURN(const bool adds_space,
                         BoolOr(object, "add_prefix_space", true, source));
  const std::string when = scheme.value_or(adds_space ? "always" : "never");
  if (when != "always" && when != "first" && when != "never") {
    return MakeError(ErrorCode::kUnsupported,
                     "{}: prepend_scheme {} is not supported", source,
                     base::Quote(when));
  }
  if (!adds_space && when != "never") {
    return MakeError(ErrorCode::kCorrupt,
                     "{}: prepend_scheme \"{}\" contradicts add_prefix_space",
                     source, when);
  }
  steps_.push_back({.kind = Kind::kReplace, .content = replacement});
  if (when != "never") {
    steps_.push_back({.kind = Kind::kPrefix,
                      .scope = when == "first" ? Scope::kFirst : Scope::kAlways,
                      .content = replacement});
  }
  REVLM_ASSIGN_OR_RETURN(const bool splits,
                         BoolOr(object, "split", true, source));
  if (splits) {
    REVLM_ASSIGN_OR_RETURN(Pattern pattern,
                           Pattern::Literal(replacement, source));
    AddPattern(std::move(pattern), SplitBehavior::kMergedWithNext, false);
  }
  return {};
}

Status PreTokenizer::ParseSplit(const base::Json& object,
                                const std::string& source) {
  const base::Json* json = base::FindMember(object, "pattern");
  REVLM_ASSIGN_OR_RETURN(
      Pattern pattern,
      Pattern::FromJson(json != nullptr ? *json : base::Json(), source));
  REVLM_ASSIGN_OR_RETURN(
      const auto behavior,
      ParseBehavior(object, SplitBehavior::kIsolated, source));
  REVLM_ASSIGN_OR_RETURN(const bool is_inverted,
                         BoolOr(object, "invert", false, source));
  AddPattern(std::move(pattern), behavior, is_inverted);
  return {};
}

Status PreTokenizer::ApplyPattern(const Step& step, const Pieces& in,
                                  Pieces* out) {
  Matcher matcher(*step.pattern);
  std::vector<Span> spans;
  for (size_t i = 0; i < in.size(); ++i) {
    REVLM_TRY(matcher.Find(in[i], &spans));
    if (step.is_inverted) {
      for (Span& span : spans) span.is_match = !span.is_match;
    }
    AddSplit(in[i], spans, step.behavior, out);
  }
  return {};
}

void PreTokenizer::ApplyCharacters(const Step& step, const Pieces& in,
                                   Pieces* out) {
  std::vector<Span> spans;
  for (size_t i = 0; i < in.size(); ++i) {
    spans.clear();
    uint32_t done = 0;
    for (uint32_t position = 0; position < in[i].size();) {
      const CodePoint point = DecodeUtf8(in[i], position);
      const uint32_t next = position + point.length;
      if (step.is_member(point.value)) {
        if (done < position) spans.push_back({done, position, false});
        spans.push_back({position, next, true});
        done = next;
      }
      position = next;
    }
    const auto size = static_cast<uint32_t>(in[i].size());
    if (done < size) spans.push_back({done, size, false});
    AddSplit(in[i], spans, step.behavior, out);
  }
}

void PreTokenizer::ApplyText(const Step& step, const Pieces& in, Pieces* out) {
  std::string text;
  for (size_t i = 0; i < in.size(); ++i) {
    text.clear();
    if (step.kind == Kind::kBytes) {
      AppendBytesAsCharacters(in[i], &text);
    } else if (step.kind == Kind::kReplace) {
      for (const char c : in[i]) {
        c == ' ' ? text.append(step.content) : text.append(1, c);
      }
    } else {
      const bool is_in_scope =
          step.scope == Scope::kAlways || (i == 0 && in.begins_text);
      if (is_in_scope && !in[i].starts_with(step.content)) text = step.content;
      text += in[i];
    }
    out->Add(text);
  }
}

Result<Pieces> PreTokenizer::Apply(Pieces pieces) const {
  const size_t max_bytes = MaxBytesOfResult(pieces.num_bytes());
  Pieces next;
  for (const Step& step : steps_) {
    next.Clear();
    next.begins_text = pieces.begins_text;
    switch (step.kind) {
      case Kind::kPrefix:
      case Kind::kReplace:
      case Kind::kBytes:
        ApplyText(step, pieces, &next);
        break;
      case Kind::kPattern:
        REVLM_TRY(ApplyPattern(step, pieces, &next));
        break;
      case Kind::kCharacters:
        ApplyCharacters(step, pieces, &next);
        break;
      case Kind::kLength:
        for (size_t i = 0; i < pieces.size(); ++i) {
          AddByLength(pieces[i], step.length, &next);
        }
        break;
    }
    if (next.num_bytes() > max_bytes) {
      return MakeError(ErrorCode::kUnsupported,
                       "splitting text: the pieces are longer than {} bytes, "
                       "the most allowed for this text",
                       max_bytes);
    }
    std::swap(pieces, next);
  }
  return pieces;
}

bool PreTokenizer::is_byte_level() const {
  return std::any_of(steps_.begin(), steps_.end(), [](const Step& step) {
    return step.kind == Kind::kBytes;
  });
}

}  // namespace revlm::tokenizer
