#include "tokenizer/utf8.h"

#include <utf8proc.h>

namespace revlm::tokenizer {
namespace {

utf8proc_category_t CategoryOf(char32_t value) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(value));
}

}  // namespace

CodePoint DecodeUtf8Before(std::string_view text, size_t end) {
  size_t begin = end - 1;
  while (begin > 0 && end - begin < 4 &&
         (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) {
    --begin;
  }
  return DecodeUtf8(text.substr(0, end), begin);
}

void AppendUtf8(char32_t value, std::string* text) {
  if (value < 0x80) {
    *text += static_cast<char>(value);
    return;
  }
  utf8proc_uint8_t bytes[4];
  const utf8proc_ssize_t length =
      utf8proc_encode_char(static_cast<utf8proc_int32_t>(value), bytes);
  text->append(reinterpret_cast<const char*>(bytes),
               static_cast<size_t>(length));
}

std::string ToValidUtf8(std::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  size_t position = 0;
  while (position < text.size()) {
    const size_t end = base::ValidUtf8Until(text, position);
    valid.append(text, position, end - position);
    position = end;
    if (position == text.size()) break;
    AppendUtf8(kReplacementCharacter, &valid);
    position += DecodeUtf8(text, position).length;
  }
  return valid;
}

char32_t OnlyCharacter(std::string_view text) {
  if (text.empty()) return 0;
  const CodePoint point = DecodeUtf8(text, 0);
  return point.is_valid && point.length == text.size() ? point.value : 0;
}

bool IsWhitespace(char32_t value) {
  if (value <= 0x20) return value == 0x20 || (value >= 0x09 && value <= 0x0D);
  if (value == 0x85) return true;
  if (value < 0xA0) return false;
  const utf8proc_category_t category = CategoryOf(value);
  return category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL ||
         category == UTF8PROC_CATEGORY_ZP;
}

bool IsNumeric(char32_t value) {
  const utf8proc_category_t category = CategoryOf(value);
  return category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO;
}

bool IsMark(char32_t value) {
  const utf8proc_category_t category = CategoryOf(value);
  return category >= UTF8PROC_CATEGORY_MN && category <= UTF8PROC_CATEGORY_ME;
}

bool IsPunctuation(char32_t value) {
  if (value < 0x80) {
    return value > 0x20 && value != 0x7F && !(value >= '0' && value <= '9') &&
           !((value | 0x20) >= 'a' && (value | 0x20) <= 'z');
  }
  const utf8proc_category_t category = CategoryOf(value);
  return category >= UTF8PROC_CATEGORY_PC && category <= UTF8PROC_CATEGORY_PO;
}

bool IsWord(char32_t value) {
  const utf8proc_category_t category = CategoryOf(value);
  if ((category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_NL) ||
      category == UTF8PROC_CATEGORY_PC) {
    return true;
  }
  // Join_Control, and the symbols that are Other_Alphabetic.
  return value == 0x200C || value == 0x200D ||
         (value >= 0x24B6 && value <= 0x24E9) ||
         (value >= 0x1F130 && value <= 0x1F149) ||
         (value >= 0x1F150 && value <= 0x1F169) ||
         (value >= 0x1F170 && value <= 0x1F189);
}

}  // namespace revlm::tokenizer
