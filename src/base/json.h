// Strict, bounded JSON for files of strangers.
//
// `ParseJson` accepts RFC 8259 only (no comments, no NaN), refuses duplicate
// keys and nesting beyond `max_depth`, and says at which byte it stopped. It
// does not recurse. The value it returns takes at most about 41 times the
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
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace revlm::base {

using Json = nlohmann::json;

struct JsonLimits {
  size_t max_depth = 32;
};

// `source` names the text in errors (a file name).
Result<Json> ParseJson(std::string_view text, const std::string& source,
                       const JsonLimits& limits = {});

// Takes the content of an object or array that is too large to keep as a value,
// in the order of the text. An error stops the parse and is its result. The
// container itself begins with `Open` and ends with `Close`; duplicate keys in
// it are the sink's to find.
class JsonSink {
 public:
  virtual ~JsonSink() = default;
  virtual Status Open(char bracket) = 0;  // '{' or '['
  virtual Status Close() = 0;
  virtual Status Key(std::string_view name) = 0;
  virtual Status String(std::string_view value) = 0;
  virtual Status Integer(int64_t value) = 0;
  // A number that is not an int64_t, a literal: `found` is its text.
  virtual Status Other(std::string_view found) = 0;
};

// Sends the container at `path`, the names of the members that lead to it, to
// `sink`; in the value returned it is empty.
struct JsonRoute {
  std::vector<std::string> path;
  JsonSink* sink = nullptr;
};
Result<Json> ParseJsonWithSinks(std::string_view text,
                                const std::string& source,
                                const JsonLimits& limits,
                                std::span<const JsonRoute> routes);

// Appends `text` as a JSON string, the same bytes as Json(text).dump(), without
// making a value of it; text that is not UTF-8 has U+FFFD in place of the bytes
// that are not.
void AppendJsonString(std::string_view text, std::string& out);

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
