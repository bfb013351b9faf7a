// The lines of a text, one after the other.
//
// Threads: pure functions. Memory: none; lines are parts of the text.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "base/error.h"

namespace revlm::base {

// Calls `take(line, number)` with each line without its end, "\n" or "\r\n",
// numbers from 1, until one fails.
template <typename F>
Status ForEachLine(std::string_view text, const F& take) {
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    REVLM_TRY(take(line, number));
  }
  return {};
}

}  // namespace revlm::base
