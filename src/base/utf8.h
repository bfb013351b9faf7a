// UTF-8 as RFC 3629 defines it: no surrogates, no overlong forms, nothing
// beyond U+10FFFF.
//
// Threads: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace revlm::base {

inline constexpr char32_t kReplacementCharacter = 0xFFFD;

struct CodePoint {
  char32_t value = kReplacementCharacter;
  // Bytes taken: of the character or, when it is not valid, of the longest
  // prefix of a character found there (at least 1).
  uint32_t length = 1;
  bool is_valid = false;
};

// The character at `position`. REQUIRES: position < text.size().
CodePoint DecodeUtf8(std::string_view text, size_t position);

// Where the valid UTF-8 that starts at `position` ends.
size_t ValidUtf8Until(std::string_view text, size_t position);

bool IsValidUtf8(std::string_view text);

}  // namespace revlm::base
