// Cuts a chat template into the units of its language: the subset of Jinja that
// template_parser.h lists.
//
// Whitespace is treated as Hugging Face has it: newlines become "\n" and one at
// the end is dropped; a newline behind {% %} or {# #} is dropped, and the
// blanks between the start of a line and one of them (trim_blocks,
// lstrip_blocks);
// '-' inside any delimiter drops all whitespace on its side, '+' keeps it.
// Whitespace is what Python takes for it. Comments are left out.
//
// Threads: pure functions. Memory: the bytes of the template and about 64 for
// each lexeme. Errors: kCorrupt for a template that Jinja refuses too,
// kUnsupported for what Jinja knows and this does not; both name the line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace revlm::tokenizer {

struct Lexeme {
  enum class Kind {
    kText,  // outside the delimiters, or a string: what it stands for
    kString,
    kOpenPrint,  // {{
    kClosePrint,
    kOpenTag,  // {%
    kCloseTag,
    kName,
    kInteger,
    kOperator,  // and brackets
    kEnd,       // of the template: always the last
  };
  Kind kind = Kind::kEnd;
  std::string text;  // as written, but for kText and kString
  uint32_t line = 0;
};

// `source` names the template in errors.
Result<std::vector<Lexeme>> CutTemplate(std::string_view text,
                                        const std::string& source);

// What Python's str.isspace() and str.strip() take for whitespace.
bool IsPythonSpace(char32_t value);

// "<source>, line <n>: ".
std::string AtLine(const std::string& source, uint32_t line);

}  // namespace revlm::tokenizer
