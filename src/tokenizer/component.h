// What the parts of a tokenizer file (normalizer, pre_tokenizer,
// post_processor, decoder) have in common when they are read: each is an object
// with a "type", and a "Sequence" holds others.
//
// Threads: pure functions. Errors: kCorrupt, and kUnsupported for a type that
// is not known, by its name.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "base/json.h"

namespace revlm::tokenizer {

// What a text of `num_bytes` may become on its way through the components of a
// file: one made to multiply its input is stopped here.
size_t MaxBytesOfResult(size_t num_bytes);

// Calls `read(object, type)` for `json` or, when it is a Sequence, for each of
// the members of its array `list_key`, in order and to any depth. `json` may be
// null: nothing to read.
using ReadComponent =
    std::function<Status(const base::Json& object, std::string_view type)>;
Status ReadComponents(const base::Json* json, const char* list_key,
                      const std::string& source, const ReadComponent& read);

// "<source>: <part> type "<type>" is not supported".
std::unexpected<Error> UnsupportedType(std::string_view part,
                                       std::string_view type,
                                       const std::string& source);

// A member that must be there.
Result<std::string> RequireString(const base::Json& object, const char* key,
                                  const std::string& source);
Result<bool> BoolOr(const base::Json& object, const char* key, bool fallback,
                    const std::string& source);
// A string of exactly one character.
Result<char32_t> RequireCharacter(const base::Json& object, const char* key,
                                  const std::string& source);

}  // namespace revlm::tokenizer
