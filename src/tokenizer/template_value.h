// The values that a chat template computes with, and what Python does with
// them: the reference is Jinja over Python, and what a template means is what
// those do.
//
// Threads: thread-compatible. Memory: strings and lists are shared between
// values and never changed. Errors: kUnsupported, without the line.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.h"
#include "tokenizer/marked_text.h"

namespace revlm::tokenizer {

class Value;

// What a name, an attribute or an item is that is not there.
struct Undefined {
  std::string name;
};
struct None {};

struct List {
  enum class Kind {
    kList,
    kTuple,
    kSelection,  // of selectattr: Python reads it once only
  };
  Kind kind = Kind::kList;
  std::vector<Value> values;
  int32_t depth = 1;  // of lists and maps in each other
};

struct Map {
  enum class Kind { kDictionary, kLoop };
  Kind kind = Kind::kDictionary;
  std::vector<std::pair<std::string, Value>> members;
  int32_t depth = 1;

  const Value* Find(std::string_view name) const;
};

// Its members are the renderer's, which can change.
struct NamespaceIdx {
  size_t idx = 0;
};

class Value {
 public:
  using Text = std::shared_ptr<const MarkedText>;
  using ListPtr = std::shared_ptr<const List>;
  using MapPtr = std::shared_ptr<const Map>;

  Value() = default;
  Value(Undefined value) : data_(std::move(value)) {}
  Value(None) : data_(None()) {}
  explicit Value(bool value) : data_(value) {}
  explicit Value(int64_t value) : data_(value) {}
  explicit Value(MarkedText value)
      : data_(std::make_shared<const MarkedText>(std::move(value))) {}
  explicit Value(List value)
      : data_(std::make_shared<const List>(std::move(value))) {}
  explicit Value(Map value)
      : data_(std::make_shared<const Map>(std::move(value))) {}
  explicit Value(NamespaceIdx value) : data_(value) {}

  // Null when it is of another kind.
  const Undefined* undefined() const { return std::get_if<Undefined>(&data_); }
  const bool* boolean() const { return std::get_if<bool>(&data_); }
  const int64_t* integer() const { return std::get_if<int64_t>(&data_); }
  const MarkedText* text() const { return Pointee<Text>(); }
  const List* list() const { return Pointee<ListPtr>(); }
  const Map* map() const { return Pointee<MapPtr>(); }
  const NamespaceIdx* name_space() const {
    return std::get_if<NamespaceIdx>(&data_);
  }
  bool is_none() const { return std::holds_alternative<None>(data_); }

 private:
  template <typename T>
  auto Pointee() const -> decltype(std::declval<T>().get()) {
    const T* held = std::get_if<T>(&data_);
    return held == nullptr ? nullptr : held->get();
  }

  std::variant<Undefined, None, bool, int64_t, Text, ListPtr, MapPtr,
               NamespaceIdx>
      data_;
};

// "a string", "none", "\"tools\", which is undefined".
std::string Describe(const Value& value);

// What rendering may take, so that a template made to take forever does not: an
// error is returned when it is spent.
class Allowance {
 public:
  // For conversations of `num_bytes`.
  explicit Allowance(uint64_t num_bytes)
      : num_steps_(kFewSteps + 256 * num_bytes),
        num_bytes_(kFewBytes + 16 * num_bytes) {}

  // A step is a byte looked at or a sixteenth of a node evaluated.
  Status TakeSteps(uint64_t num_steps);
  // Of new strings and lists.
  Status TakeBytes(uint64_t num_bytes);

 private:
  static constexpr uint64_t kFewSteps = 16 << 20;
  static constexpr uint64_t kFewBytes = 1 << 20;

  uint64_t num_steps_;
  uint64_t num_bytes_;
};

// Lists and maps that lie in each other more than this are refused: Equal and
// destructors walk them.
inline constexpr int32_t kMaxValueDepth = 16;

// Refuses what selectattr gives where it would be kept: who reads it again
// finds nothing left in Python, and everything here.
Status CheckCanBeKept(const Value& value);

// Errors: more than kMaxValueDepth deep, and those of CheckCanBeKept.
Result<Value> MakeList(List::Kind kind, std::vector<Value> values);
Result<Value> MakeDictionary(
    std::vector<std::pair<std::string, Value>> members);

bool IsTrue(const Value& value);
Result<bool> Equal(const Value& a, const Value& b, Allowance& allowance);
// Adds what a template prints, str() of Python.
Status AppendText(const Value& value, MarkedText& text);
// The number of characters of valid UTF-8.
int64_t NumCharacters(std::string_view text);

}  // namespace revlm::tokenizer
