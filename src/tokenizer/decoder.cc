#include "tokenizer/decoder.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "tokenizer/byte_level.h"
#include "tokenizer/component.h"
#include "tokenizer/utf8.h"

namespace revlm::tokenizer {
namespace {

using base::MakeError;

size_t NumBytes(const std::vector<std::string>& tokens) {
  size_t num_bytes = 0;
  for (const std::string& token : tokens) num_bytes += token.size();
  return num_bytes;
}

std::string Join(const std::vector<std::string>& tokens,
                 std::string_view separator) {
  std::string text;
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (i > 0) text += separator;
    text += tokens[i];
  }
  return text;
}

// The byte that a token "<0xE2>" stands for.
std::optional<char> ByteOf(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>') {
    return std::nullopt;
  }
  unsigned byte = 0;
  const auto parsed =
      std::from_chars(token.data() + 3, token.data() + 5, byte, 16);
  if (parsed.ptr != token.data() + 5) return std::nullopt;
  return static_cast<char>(byte);
}

// Joins each run of byte tokens into its characters, or into one U+FFFD a byte
// when the run as a whole is not UTF-8.
std::vector<std::string> JoinBytes(std::vector<std::string> tokens) {
  std::vector<std::string> joined;
  std::string bytes;
  const auto flush = [&] {
    if (bytes.empty()) return;
    if (IsValidUtf8(bytes)) {
      joined.push_back(std::move(bytes));
    } else {
      std::string replaced;
      for (size_t i = 0; i < bytes.size(); ++i) {
        replaced.clear();
        AppendUtf8(kReplacementCharacter, &replaced);
        joined.push_back(replaced);
      }
    }
    bytes.clear();
  };
  for (std::string& token : tokens) {
    if (const auto byte = ByteOf(token)) {
      bytes += *byte;
    } else {
      flush();
      joined.push_back(std::move(token));
    }
  }
  flush();
  return joined;
}

// Drops `character` from the ends of `text`, no more often than allowed.
std::string StripCharacter(std::string_view text, char32_t character,
                           int64_t num_start, int64_t num_stop) {
  for (; num_start > 0 && !text.empty(); --num_start) {
    const CodePoint point = DecodeUtf8(text, 0);
    if (point.value != character) break;
    text.remove_prefix(point.length);
  }
  for (; num_stop > 0 && !text.empty(); --num_stop) {
    const CodePoint point = DecodeUtf8Before(text, text.size());
    if (point.value != character) break;
    text.remove_suffix(point.length);
  }
  return std::string(text);
}

std::string ReplaceCharacter(std::string_view text, char32_t character,
                             std::string_view replacement) {
  std::string replaced;
  for (size_t position = 0; position < text.size();) {
    const CodePoint point = DecodeUtf8(text, position);
    replaced += point.value == character ? replacement
                                         : text.substr(position, point.length);
    position += point.length;
  }
  return replaced;
}

}  // namespace

Result<Decoder> Decoder::FromJson(const base::Json* json,
                                  const std::string& source) {
  Decoder decoder;
  decoder.joins_by_spaces_ = json == nullptr;
  REVLM_TRY(ReadComponents(
      json, "decoders", source,
      [&](const base::Json& object, std::string_view type) -> Status {
        REVLM_ASSIGN_OR_RETURN(Step step, ParseStep(object, type, source));
        decoder.steps_.push_back(std::move(step));
        return {};
      }));
  return decoder;
}

Result<Decoder::Step> Decoder::ParseStep(const base::Json& object,
                                         std::string_view type,
                                         const std::string& source) {
  if (type == "ByteLevel") return Step{.kind = Kind::kByteLevel};
  if (type == "ByteFallback") return Step{.kind = Kind::kByteFallback};
  if (type == "Fuse") return Step{.kind = Kind::kFuse};
  if (type == "Strip") {
    Step step{.kind = Kind::kStrip};
    REVLM_ASSIGN_OR_RETURN(step.character,
                           RequireCharacter(object, "content", source));
    REVLM_ASSIGN_OR_RETURN(
        const auto start,
        base::GetInt(object, "start", {0, INT32_MAX}, source));
    REVLM_ASSIGN_OR_RETURN(
        const auto stop, base::GetInt(object, "stop", {0, INT32_MAX}, source));
    step.num_start = start.value_or(0);
    step.num_stop = stop.value_or(0);
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
  if (type == "Metaspace") {
    Step step{.kind = Kind::kMetaspace};
    REVLM_ASSIGN_OR_RETURN(step.character,
                           RequireCharacter(object, "replacement", source));
    REVLM_ASSIGN_OR_RETURN(const auto scheme,
                           base::GetString(object, "prepend_scheme", source));
    REVLM_ASSIGN_OR_RETURN(const bool adds_space,
                           BoolOr(object, "add_prefix_space", true, source));
    step.drops_first = scheme.value_or(adds_space ? "" : "never") != "never";
    return step;
  }
  if (type == "BPEDecoder") {
    Step step{.kind = Kind::kSuffix};
    REVLM_ASSIGN_OR_RETURN(std::string suffix,
                           RequireString(object, "suffix", source));
    REVLM_ASSIGN_OR_RETURN(Pattern pattern,
                           Pattern::Literal(std::move(suffix), source));
    step.pattern = std::move(pattern);
    step.content = " ";
    return step;
  }
  return UnsupportedType("decoder", type, source);
}

Status Decoder::ReplaceInTokens(const Step& step, size_t max_bytes,
                                std::vector<std::string>* tokens) {
  Matcher matcher(*step.pattern);
  std::vector<Span> spans;
  size_t num_bytes = 0;
  for (size_t i = 0; i < tokens->size(); ++i) {
    const bool is_last = i + 1 == tokens->size();
    const std::string_view content = step.kind == Kind::kSuffix && is_last
                                         ? std::string_view()
                                         : step.content;
    std::string& token = (*tokens)[i];
    REVLM_TRY(matcher.Find(token, &spans));
    std::string replaced;
    for (const Span& span : spans) {
      const std::string_view part =
          span.is_match ? content
                        : std::string_view(token).substr(span.begin,
                                                         span.end - span.begin);
      num_bytes += part.size();
      if (num_bytes > max_bytes) {
        return MakeError(ErrorCode::kUnsupported,
                         "decoding {} tokens: the text is longer than {} "
                         "bytes, the most allowed for these tokens",
                         tokens->size(), max_bytes);
      }
      replaced += part;
    }
    token = std::move(replaced);
  }
  return {};
}

Status Decoder::ApplyStep(const Step& step, size_t max_bytes,
                          std::vector<std::string>* tokens) {
  switch (step.kind) {
    case Kind::kByteLevel: {
      std::string bytes;
      for (const std::string& token : *tokens) {
        AppendCharactersAsBytes(token, &bytes);
      }
      tokens->assign(1, ToValidUtf8(bytes));
      return {};
    }
    case Kind::kByteFallback:
      *tokens = JoinBytes(std::move(*tokens));
      return {};
    case Kind::kFuse:
      tokens->assign(1, Join(*tokens, ""));
      return {};
    case Kind::kStrip:
      for (std::string& token : *tokens) {
        token = StripCharacter(token, step.character, step.num_start,
                               step.num_stop);
      }
      return {};
    case Kind::kReplace:
    case Kind::kSuffix:
      return ReplaceInTokens(step, max_bytes, tokens);
    case Kind::kMetaspace:
      for (size_t i = 0; i < tokens->size(); ++i) {
        const bool is_dropped = i == 0 && step.drops_first;
        (*tokens)[i] = ReplaceCharacter((*tokens)[i], step.character,
                                        is_dropped ? "" : " ");
      }
      return {};
  }
  return {};
}

Result<std::string> Decoder::Apply(std::vector<std::string> tokens) const {
  if (joins_by_spaces_) return Join(tokens, " ");
  const size_t max_bytes = MaxBytesOfResult(NumBytes(tokens));
  for (const Step& step : steps_) {
    REVLM_TRY(ApplyStep(step, max_bytes, &tokens));
  }
  return Join(tokens, "");
}

Result<std::optional<std::string>> Decoder::BytesOf(std::string token) const {
  if (joins_by_spaces_) return std::nullopt;
  // Behind other tokens none is the first, and, where a suffix is dropped from
  // the last one, none is the last.
  const size_t max_bytes = MaxBytesOfResult(token.size());
  bool is_fused = false;
  for (const Step& step : steps_) {
    switch (step.kind) {
      case Kind::kByteLevel: {
        std::string bytes;
        AppendCharactersAsBytes(token, &bytes);
        return bytes;
      }
      case Kind::kByteFallback:
        if (const auto byte = ByteOf(token)) return std::string(1, *byte);
        break;
      case Kind::kFuse:
        is_fused = true;
        break;
      case Kind::kStrip:
        if (is_fused) break;  // of the text's own ends
        token = StripCharacter(token, step.character, step.num_start,
                               step.num_stop);
        break;
      case Kind::kReplace:
      case Kind::kSuffix: {
        std::vector<std::string> tokens = {std::move(token), ""};
        REVLM_TRY(ReplaceInTokens(step, max_bytes, &tokens));
        token = std::move(tokens[0]);
        break;
      }
      case Kind::kMetaspace:
        token = ReplaceCharacter(token, step.character, " ");
        break;
    }
  }
  return token;
}

}  // namespace revlm::tokenizer
