// Structs as JSON objects and back: what a struct holds is said once, in a
// function template `Fields(archive, value)` of this namespace, for writing and
// reading alike.
//
//   template <typename Archive>
//   void Fields(Archive& archive, Line& line) {
//     archive("id", line.id);
//     archive.Name("kind", line.kind, kKinds);
//   }
//   ToJson(line), FromJson<Line>(json, source)
//
// Members are in byte order of name, numbers the shortest that read back.
//
// Threads: pure functions. Errors: kCorrupt, naming `source`.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/json.h"

namespace revlm::verify {

// Enumerators as they are written.
template <typename E, size_t kCount>
using Names = std::array<std::pair<E, std::string_view>, kCount>;

class Writer {
 public:
  template <typename T>
  void operator()(const char* name, const T& value) {
    json_[name] = ToJson(value);
  }
  // One that earlier documents do not have.
  template <typename T>
  void Newer(const char* name, const T& value) {
    (*this)(name, value);
  }
  // A text that is null where there is nothing to say.
  void OrNull(const char* name, const std::string& text) {
    json_[name] = text.empty() ? base::Json() : base::Json(text);
  }
  template <typename E, size_t kCount>
  void Name(const char* name, const E& value, const Names<E, kCount>& names) {
    for (const auto& [known, text] : names) {
      if (known == value) json_[name] = text;
    }
  }
  base::Json Take() { return std::move(json_); }

 private:
  template <typename T>
  static base::Json ToJson(const T& value) {
    if constexpr (std::constructible_from<base::Json, const T&>) {
      return base::Json(value);
    } else {
      Writer writer;
      Fields(writer, const_cast<T&>(value));  // only read
      return writer.Take();
    }
  }
  template <typename T>
  static base::Json ToJson(const std::optional<T>& value) {
    return value ? ToJson(*value) : base::Json();
  }
  template <typename T>
  static base::Json ToJson(const std::vector<T>& values) {
    base::Json array = base::Json::array();
    for (const T& value : values) array.push_back(ToJson(value));
    return array;
  }

  base::Json json_ = base::Json::object();
};

// Keeps the first error; what follows it reads as nothing.
class Reader {
 public:
  Reader(const base::Json& json, const std::string& source)
      : json_(json), source_(source) {
    if (!json.is_object()) {
      error_ = Error{ErrorCode::kCorrupt, source + ": found no object"};
    }
  }

  void operator()(const char* name, std::string& value) {
    Get(base::GetString, name, value);
  }
  void operator()(const char* name, double& value) {
    Get(base::GetNumber, name, value);
  }
  void operator()(const char* name, bool& value) {
    Get(base::GetBool, name, value);
  }
  template <std::signed_integral T>
  void operator()(const char* name, T& value) {
    const base::IntRange range = {.max = std::numeric_limits<T>::max()};
    Get(
        [range](const base::Json& json, std::string_view key,
                const std::string& source) {
          return base::GetInt(json, key, range, source);
        },
        name, value);
  }
  void operator()(const char* name, uint64_t& value) {
    const base::Json* member = Find(name);
    if (member == nullptr) return;
    if (!member->is_number_unsigned()) return Fail(name, "no whole number");
    value = member->get<uint64_t>();
  }
  template <typename T>
  void operator()(const char* name, std::optional<T>& value) {
    if (error_ || base::FindMember(json_, name) == nullptr) return;
    (*this)(name, value.emplace());
  }
  template <typename T>
  void Newer(const char* name, T& value) {
    if (error_ || base::FindMember(json_, name) == nullptr) return;
    (*this)(name, value);
  }
  void OrNull(const char* name, std::string& text) { Newer(name, text); }
  template <typename T>
  void operator()(const char* name, std::vector<T>& values) {
    const base::Json* member = Find(name);
    if (member == nullptr) return;
    if (!member->is_array()) return Fail(name, "no array");
    for (const base::Json& element : *member)
      Read(element, values.emplace_back());
  }
  template <typename T>
    requires std::is_class_v<T>
  void operator()(const char* name, T& value) {
    if (const base::Json* member = Find(name)) Read(*member, value);
  }
  template <typename E, size_t kCount>
  void Name(const char* name, E& value, const Names<E, kCount>& names) {
    std::string text;
    (*this)(name, text);
    for (const auto& [known, known_text] : names) {
      if (text == known_text) {
        value = known;
        return;
      }
    }
    Fail(name, "no such name");
  }

  const std::optional<Error>& error() const { return error_; }

 private:
  const base::Json* Find(const char* name) {
    if (error_) return nullptr;
    const base::Json* member = base::FindMember(json_, name);
    if (member == nullptr) Fail(name, "nothing");
    return member;
  }
  template <typename Getter, typename T>
  void Get(const Getter& getter, const char* name, T& value) {
    if (Find(name) == nullptr) return;
    const auto found = getter(json_, name, source_);
    if (!found) {
      error_ = found.error();
    } else if (*found) {
      value = static_cast<T>(**found);
    }
  }
  void Read(const base::Json& json, double& value) {
    if (json.is_number()) {
      value = json.get<double>();
    } else if (!error_) {
      error_ = Error{ErrorCode::kCorrupt,
                     source_ + ": found no number where there should be one"};
    }
  }
  void Read(const base::Json& json, std::string& value) {
    if (json.is_string()) {
      value = json.get<std::string>();
    } else if (!error_) {
      error_ = Error{ErrorCode::kCorrupt,
                     source_ + ": found no text where there should be one"};
    }
  }
  template <typename T>
  void Read(const base::Json& json, T& value) {
    Reader reader(json, source_);
    Fields(reader, value);
    if (reader.error_ && !error_) error_ = reader.error_;
  }
  void Fail(const char* name, std::string_view found) {
    if (error_) return;
    error_ = Error{ErrorCode::kCorrupt,
                   fmt::format("{}: found {} in \"{}\"", source_, found, name)};
  }

  const base::Json& json_;
  const std::string& source_;
  std::optional<Error> error_;
};

template <typename T>
base::Json ToJson(const T& value) {
  Writer writer;
  Fields(writer, const_cast<T&>(value));  // only read
  return writer.Take();
}

template <typename T>
Result<T> FromJson(const base::Json& json, const std::string& source) {
  T value;
  Reader reader(json, source);
  Fields(reader, value);
  if (reader.error()) return std::unexpected(*reader.error());
  return value;
}

inline Status CheckSchema(const base::Json& json, std::string_view schema,
                          const std::string& source) {
  const base::Json* found = base::FindMember(json, "schema");
  if (found != nullptr && *found == base::Json(schema)) return {};
  return base::MakeError(ErrorCode::kCorrupt, "{}: found no {}", source,
                         schema);
}

}  // namespace revlm::verify
