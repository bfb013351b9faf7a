#include "tokenizer/component.h"

#include <algorithm>

#include "base/quote.h"
#include "tokenizer/utf8.h"

namespace revlm::tokenizer {
namespace {

using base::MakeError;

// Far more than any tokenizer has; each is a pass over the text.
constexpr size_t kMaxComponents = 64;

// Recursion is bounded by the depth allowed to the JSON text.
Status Read(const base::Json& json, const char* list_key,
            const std::string& source, const ReadComponent& read,
            size_t* num_read) {
  REVLM_ASSIGN_OR_RETURN(const std::string type,
                         RequireString(json, "type", source));
  if (type != "Sequence") {
    if (++*num_read > kMaxComponents) {
      return MakeError(ErrorCode::kUnsupported,
                       "{}: \"{}\" has more than {} components", source,
                       list_key, kMaxComponents);
    }
    return read(json, type);
  }
  const base::Json* list = base::FindMember(json, list_key);
  if (list == nullptr || !list->is_array()) {
    return MakeError(ErrorCode::kCorrupt,
                     "{}: a Sequence without an array \"{}\"", source,
                     list_key);
  }
  for (const base::Json& member : *list) {
    REVLM_TRY(Read(member, list_key, source, read, num_read));
  }
  return {};
}

}  // namespace

size_t MaxBytesOfResult(size_t num_bytes) {
  return std::max(32 * num_bytes, size_t{64} << 10);
}

Status ReadComponents(const base::Json* json, const char* list_key,
                      const std::string& source, const ReadComponent& read) {
  if (json == nullptr) return {};
  size_t num_read = 0;
  return Read(*json, list_key, source, read, &num_read);
}

std::unexpected<Error> UnsupportedType(std::string_view part,
                                       std::string_view type,
                                       const std::string& source) {
  return MakeError(ErrorCode::kUnsupported, "{}: {} type {} is not supported",
                   source, part, base::Quote(type));
}

Result<std::string> RequireString(const base::Json& object, const char* key,
                                  const std::string& source) {
  REVLM_ASSIGN_OR_RETURN(auto value, base::GetString(object, key, source));
  if (!value) {
    return MakeError(ErrorCode::kCorrupt, "{}: \"{}\" is missing", source, key);
  }
  return std::move(*value);
}

Result<bool> BoolOr(const base::Json& object, const char* key, bool fallback,
                    const std::string& source) {
  REVLM_ASSIGN_OR_RETURN(const auto value, base::GetBool(object, key, source));
  return value.value_or(fallback);
}

Result<char32_t> RequireCharacter(const base::Json& object, const char* key,
                                  const std::string& source) {
  REVLM_ASSIGN_OR_RETURN(const std::string text,
                         RequireString(object, key, source));
  const char32_t character = OnlyCharacter(text);
  if (character == 0) {
    return MakeError(ErrorCode::kCorrupt,
                     "{}: \"{}\" is {}, allowed is one character", source, key,
                     base::Quote(text));
  }
  return character;
}

}  // namespace revlm::tokenizer
