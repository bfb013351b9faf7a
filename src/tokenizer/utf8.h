// UTF-8 and the few character classes that the reference tokenizers ask for.
//
// Threads: pure functions. Determinism: the classes are those of the Unicode
// version of utf8proc.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/utf8.h"

namespace revlm::tokenizer {

using base::CodePoint;
using base::DecodeUtf8;
using base::IsValidUtf8;
using base::kReplacementCharacter;

// The character that ends at `end`, in valid UTF-8. REQUIRES: end > 0.
CodePoint DecodeUtf8Before(std::string_view text, size_t end);

void AppendUtf8(char32_t value, std::string* text);

// `text` with each ill-formed sequence (maximal subpart, as in chapter 3 of the
// Unicode standard) replaced by U+FFFD.
std::string ToValidUtf8(std::string_view text);

// The single character that is `text`, or U+0000 when it is not exactly one.
char32_t OnlyCharacter(std::string_view text);

bool IsWhitespace(char32_t value);   // property White_Space
bool IsNumeric(char32_t value);      // categories Nd, Nl, No
bool IsMark(char32_t value);         // categories Mn, Mc, Me
bool IsPunctuation(char32_t value);  // categories P*, and ASCII punctuation
bool IsWord(char32_t value);         // \w of UTS 18, with Join_Control

}  // namespace revlm::tokenizer
