// Regular expressions of tokenizer files are written for Oniguruma with its
// Ruby syntax. This turns one into the PCRE2 expression that matches the same.
//
// What differs and is translated: \s, \w, \h and \b (PCRE2 has another set of
// characters in mind; inside a class \S keeps PCRE2's, which differs for U+180E
// only) and (?m). What differs and is not translated is refused by name: nested
// classes, intersections, \u, \Q, POSIX classes, subexpression calls, verbs,
// conditionals, {,n}, {n,m}+.
//
// Threads: pure function. Errors: kUnsupported.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace revlm::tokenizer {

Result<std::string> TranslatePattern(std::string_view expression,
                                     const std::string& source);

}  // namespace revlm::tokenizer
