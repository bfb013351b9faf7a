// The four normal forms of Unicode (UAX 15).
//
// utf8proc supplies the tables; putting marks in canonical order is done here,
// because its own way is quadratic in a run of marks.
//
// Threads: pure function. Cost: O(n log n), whatever the text.
#pragma once

#include <string>
#include <string_view>

namespace revlm::tokenizer {

enum class NormalForm { kC, kD, kKC, kKD };

// `text` is valid UTF-8, and so is the result: at most 11 times as long.
std::string ToNormalForm(std::string_view text, NormalForm form);

}  // namespace revlm::tokenizer
