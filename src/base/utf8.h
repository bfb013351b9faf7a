// UTF-8 as RFC 3629 defines it: no surrogates, no overlong forms, nothing
// beyond U+10FFFF.
#pragma once

#include <cstddef>
#include <string_view>

namespace revlm::base {

struct CodePoint {
  char32_t value = 0;
  size_t num_bytes = 0;  // 0: no valid code point starts here
};

// The code point at the start of `text`.
inline CodePoint FirstCodePoint(std::string_view text) {
  if (text.empty()) return {};
  const auto byte = [&](size_t i) {
    return static_cast<unsigned char>(text[i]);
  };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  size_t num_bytes = 0;
  char32_t value = 0;
  char32_t smallest = 0;  // below it, the form is overlong
  if ((lead & 0xe0) == 0xc0) {
    num_bytes = 2, value = lead & 0x1f, smallest = 0x80;
  } else if ((lead & 0xf0) == 0xe0) {
    num_bytes = 3, value = lead & 0x0f, smallest = 0x800;
  } else if ((lead & 0xf8) == 0xf0) {
    num_bytes = 4, value = lead & 0x07, smallest = 0x10000;
  } else {
    return {};
  }
  if (text.size() < num_bytes) return {};
  for (size_t i = 1; i < num_bytes; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    value = value << 6 | (byte(i) & 0x3f);
  }
  const bool is_surrogate = value >= 0xd800 && value <= 0xdfff;
  if (value < smallest || value > 0x10ffff || is_surrogate) return {};
  return {value, num_bytes};
}

inline bool IsValidUtf8(std::string_view text) {
  while (!text.empty()) {
    const CodePoint point = FirstCodePoint(text);
    if (point.num_bytes == 0) return false;
    text.remove_prefix(point.num_bytes);
  }
  return true;
}

}  // namespace revlm::base
