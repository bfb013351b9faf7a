// Structs as bytes, for messages between processes of the same build and for
// files whose head says their version.
//
// What a struct holds is said once, for both ways:
//
//   template <class Wire>
//   void Fields(Wire& wire, Point& point) { wire(point.x, point.y); }
//
//   integers, floats  little-endian, as wide as they are
//   bool, optional    one byte, 0 or 1; then the value
//   enum              its number as i32, checked with wire.Enum(value, last)
//   a bounded number  as it is, checked with wire.Within(value, least, most)
//   string, vector    u64le count, then the elements
//
// Reading believes nothing: every length is checked against the bytes that
// remain before memory is taken, and what is left over is an error.
//
// Threads: pure functions. Errors: kCorrupt.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"

namespace revlm::base {

template <typename T>
concept WireNumber = std::is_arithmetic_v<T> && !std::is_same_v<T, bool>;

class WireWriter {
 public:
  explicit WireWriter(std::string& out) : out_(out) {}

  template <typename... T>
  void operator()(const T&... values) {
    (Put(values), ...);
  }
  template <typename E>
  void Enum(const E& value, E /*last*/) {
    Put(static_cast<int32_t>(value));
  }
  template <WireNumber T>
  void Within(const T& value, T /*least*/, T /*most*/) {
    Put(value);
  }

 private:
  template <WireNumber T>
  void Put(T value) {
    out_.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }
  void Put(bool value) { out_ += value ? '\1' : '\0'; }
  void Put(const std::string& text) {
    Put(uint64_t{text.size()});
    out_ += text;
  }
  template <typename T>
  void Put(const std::optional<T>& value) {
    Put(value.has_value());
    if (value) Put(*value);
  }
  template <typename T>
  void Put(const std::vector<T>& values) {
    Put(uint64_t{values.size()});
    for (const T& value : values) Put(value);
  }
  template <typename T>
    requires std::is_class_v<T>
  void Put(const T& value) {
    Fields(*this, const_cast<T&>(value));  // only read
  }

  std::string& out_;
};

class WireReader {
 public:
  explicit WireReader(std::string_view bytes) : rest_(bytes) {}

  template <typename... T>
  void operator()(T&... values) {
    (Take(values), ...);
  }
  template <typename E>
  void Enum(E& value, E last) {
    int32_t number = 0;
    Take(number);
    if (number < 0 || number > static_cast<int32_t>(last)) {
      is_good_ = false;
      return;
    }
    value = static_cast<E>(number);
  }
  template <WireNumber T>
  void Within(T& value, T least, T most) {
    Take(value);
    is_good_ = is_good_ && value >= least && value <= most;
  }

  // Whether everything made sense and nothing is left.
  bool IsWhole() const { return is_good_ && rest_.empty(); }

 private:
  template <WireNumber T>
  void Take(T& value) {
    if (!Has(sizeof(T))) return;
    value = LoadUnaligned<T>(rest_.data());
    rest_.remove_prefix(sizeof(T));
  }
  void Take(bool& value) {
    uint8_t byte = 0;
    Take(byte);
    if (byte > 1) is_good_ = false;
    value = byte == 1;
  }
  void Take(std::string& text) {
    const uint64_t size = TakeCount(1);
    text.assign(rest_.substr(0, size));
    rest_.remove_prefix(size);
  }
  template <typename T>
  void Take(std::optional<T>& value) {
    bool has_value = false;
    Take(has_value);
    value.reset();
    if (has_value && is_good_) Take(value.emplace());
  }
  template <typename T>
  void Take(std::vector<T>& values) {
    // Every element takes a byte at least, and numbers all of theirs.
    const uint64_t count = TakeCount(WireNumber<T> ? sizeof(T) : 1);
    values.clear();
    if constexpr (WireNumber<T>) values.reserve(count);
    for (uint64_t i = 0; i < count && is_good_; ++i) {
      Take(values.emplace_back());
    }
    values.shrink_to_fit();  // results are kept, and counted as they are
  }
  template <typename T>
    requires std::is_class_v<T>
  void Take(T& value) {
    Fields(*this, value);
  }

  bool Has(uint64_t size_bytes) {
    is_good_ = is_good_ && size_bytes <= rest_.size();
    return is_good_;
  }
  uint64_t TakeCount(uint64_t element_bytes) {
    uint64_t count = 0;
    Take(count);
    if (is_good_ && count <= rest_.size() / element_bytes) return count;
    is_good_ = false;
    return 0;
  }

  std::string_view rest_;
  bool is_good_ = true;
};

}  // namespace revlm::base
