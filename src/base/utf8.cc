#include "base/utf8.h"

#include <cstring>

namespace revlm::base {
namespace {

// What may follow a first byte: how many bytes, and the range of the second.
struct Shape {
  uint32_t length = 0;  // 0: not a first byte
  unsigned second_min = 0x80;
  unsigned second_max = 0xBF;
};

Shape ShapeOf(unsigned first) {
  if (first < 0x80) return {1};
  if (first >= 0xC2 && first <= 0xDF) return {2};
  if (first == 0xE0) return {3, 0xA0, 0xBF};
  if (first == 0xED) return {3, 0x80, 0x9F};
  if (first >= 0xE1 && first <= 0xEF) return {3};
  if (first == 0xF0) return {4, 0x90, 0xBF};
  if (first >= 0xF1 && first <= 0xF3) return {4};
  if (first == 0xF4) return {4, 0x80, 0x8F};
  return {};
}

}  // namespace

CodePoint DecodeUtf8(std::string_view text, size_t position) {
  const auto byte = [&](size_t offset) {
    return static_cast<unsigned char>(text[position + offset]);
  };
  const unsigned first = byte(0);
  const Shape shape = ShapeOf(first);
  if (shape.length == 1) return {first, 1, true};
  if (shape.length == 0) return {};
  char32_t value = first & (0x7Fu >> shape.length);
  const size_t available = text.size() - position;
  for (uint32_t i = 1; i < shape.length; ++i) {
    const unsigned min = i == 1 ? shape.second_min : 0x80;
    const unsigned max = i == 1 ? shape.second_max : 0xBF;
    if (i >= available || byte(i) < min || byte(i) > max) {
      return {kReplacementCharacter, i, false};
    }
    value = (value << 6) | (byte(i) & 0x3F);
  }
  return {value, shape.length, true};
}

size_t ValidUtf8Until(std::string_view text, size_t position) {
  while (position < text.size()) {
    // Eight ASCII bytes at a time: most text of most prompts.
    if (text.size() - position >= 8) {
      uint64_t word;
      std::memcpy(&word, text.data() + position, 8);
      if ((word & 0x8080808080808080u) == 0) {
        position += 8;
        continue;
      }
    }
    const CodePoint point = DecodeUtf8(text, position);
    if (!point.is_valid) return position;
    position += point.length;
  }
  return position;
}

bool IsValidUtf8(std::string_view text) {
  return ValidUtf8Until(text, 0) == text.size();
}

}  // namespace revlm::base
