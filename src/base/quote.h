// Text of strangers in a message of ours.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace revlm::base {

// `text` in double quotes, fit for a terminal and a log line: bytes other than
// printable ASCII become \xNN, and what exceeds `max_bytes` is left out and
// shown as "...".
inline std::string Quote(std::string_view text, size_t max_bytes = 80) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string quoted = "\"";
  for (const char c : text.substr(0, max_bytes)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\') {
      quoted += c;
    } else {
      quoted += "\\x";
      quoted += kDigits[byte >> 4];
      quoted += kDigits[byte & 15];
    }
  }
  quoted += text.size() > max_bytes ? "\"..." : "\"";
  return quoted;
}

}  // namespace revlm::base
