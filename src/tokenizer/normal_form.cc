#include "tokenizer/normal_form.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/check.h"
#include "tokenizer/utf8.h"

namespace revlm::tokenizer {
namespace {

int CombiningClass(int32_t value) {
  return utf8proc_get_property(value)->combining_class;
}

std::vector<int32_t> Decompose(std::string_view text, bool is_compatible) {
  const int options = UTF8PROC_STABLE | UTF8PROC_DECOMPOSE |
                      (is_compatible ? static_cast<int>(UTF8PROC_COMPAT) : 0);
  std::vector<int32_t> characters;
  characters.reserve(text.size());
  int boundary_state = 0;
  for (size_t position = 0; position < text.size();) {
    const CodePoint point = DecodeUtf8(text, position);
    position += point.length;
    int32_t parts[32];  // the longest decomposition is 18
    const auto num_parts = utf8proc_decompose_char(
        static_cast<int32_t>(point.value), parts, 32,
        static_cast<utf8proc_option_t>(options), &boundary_state);
    REVLM_CHECK(num_parts >= 0 && num_parts <= 32);
    characters.insert(characters.end(), parts, parts + num_parts);
  }
  return characters;
}

// Sorts each run of marks by combining class.
void PutInCanonicalOrder(std::vector<int32_t>* characters) {
  auto begin = characters->begin();
  while (begin != characters->end()) {
    if (CombiningClass(*begin) == 0) {
      ++begin;
      continue;
    }
    const auto end = std::find_if(begin, characters->end(), [](int32_t c) {
      return CombiningClass(c) == 0;
    });
    std::stable_sort(begin, end, [](int32_t a, int32_t b) {
      return CombiningClass(a) < CombiningClass(b);
    });
    begin = end;
  }
}

}  // namespace

std::string ToNormalForm(std::string_view text, NormalForm form) {
  const bool is_ascii = std::all_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x80;
  });
  if (is_ascii) return std::string(text);
  const bool is_compatible = form == NormalForm::kKC || form == NormalForm::kKD;
  std::vector<int32_t> characters = Decompose(text, is_compatible);
  PutInCanonicalOrder(&characters);
  if (form == NormalForm::kC || form == NormalForm::kKC) {
    const auto length = utf8proc_normalize_utf32(
        characters.data(), static_cast<utf8proc_ssize_t>(characters.size()),
        static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
    REVLM_CHECK(length >= 0);
    characters.resize(static_cast<size_t>(length));
  }
  std::string normalized;
  normalized.reserve(text.size());
  for (const int32_t c : characters) {
    AppendUtf8(static_cast<char32_t>(c), &normalized);
  }
  return normalized;
}

}  // namespace revlm::tokenizer
