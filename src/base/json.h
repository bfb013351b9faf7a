// Strict, bounded JSON for files of strangers.
//
// `ParseJson` accepts RFC 8259 only (no comments, no NaN), refuses duplicate
// keys and nesting beyond `max_depth`, and says at which byte it stopped. It
// does not recurse. The value it returns takes at most about 24 times the
// bytes of the text.
//
// The getters below read one member and say what was found and what was
// allowed. An absent or null member gives `fallback`.
//
// Threads: pure functions. Errors: kCorrupt.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace revlm::base {

using Json = nlohmann::json;

struct JsonLimits {
  size_t max_depth = 32;
};

// `source` names the text in errors (a file name).
Result<Json> ParseJson(std::string_view text, const std::string& source,
                       const JsonLimits& limits = {});

// Member `key` of `object`, or nullptr when absent or null.
const Json* FindMember(const Json& object, std::string_view key);

struct IntRange {
  int64_t min = 0;
  int64_t max = INT64_MAX;
};
Result<std::optional<int64_t>> GetInt(const Json& object, std::string_view key,
                                      IntRange range,
                                      const std::string& source);
Result<std::optional<double>> GetNumber(const Json& object,
                                        std::string_view key,
                                        const std::string& source);
Result<std::optional<bool>> GetBool(const Json& object, std::string_view key,
                                    const std::string& source);
Result<std::optional<std::string>> GetString(const Json& object,
                                             std::string_view key,
                                             const std::string& source);

// A float as the shortest decimal that reads back as the same float, so that
// output is stable and free of widening noise (0.1f prints as 0.1).
Json FloatToJson(float value);

}  // namespace revlm::base
