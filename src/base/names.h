// Lists of names in sentences.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>

namespace revlm::base {

// "a", "a and b", "a, b and 12 more": at most `most` of the names.
inline std::string NameSome(std::span<const std::string> names,
                            size_t most = 3) {
  const size_t num_named = std::min(names.size(), most);
  const size_t num_more = names.size() - num_named;
  std::string text;
  for (size_t i = 0; i < num_named; ++i) {
    const bool is_last = i + 1 == num_named && num_more == 0;
    if (i > 0) text += is_last ? " and " : ", ";
    text += names[i];
  }
  if (num_more > 0) text += " and " + std::to_string(num_more) + " more";
  return text;
}

}  // namespace revlm::base
