#include "formats/closest_names.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <utility>

namespace revlm::formats {
namespace {

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

// Levenshtein's distance, one row at a time.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i + 1);
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

}  // namespace

std::vector<std::string> ClosestNames(std::string_view wanted,
                                      const std::vector<std::string>& known,
                                      size_t max_count) {
  const std::string lower_wanted = Lower(wanted);
  const size_t allowed = std::max<size_t>(1, wanted.size() / 3);
  std::set<std::pair<size_t, std::string>> ranked;
  for (const std::string& name : known) {
    const std::string lower = Lower(name);
    const bool same_tail =
        std::string_view(lower).substr(lower.rfind('/') + 1) == lower_wanted;
    const size_t distance =
        same_tail ? std::min<size_t>(1, EditDistance(lower, lower_wanted))
                  : EditDistance(lower, lower_wanted);
    if (distance <= allowed) ranked.emplace(distance, name);
  }
  std::vector<std::string> closest;
  for (const auto& [distance, name] : ranked) {
    if (closest.size() == max_count) break;
    closest.push_back(name);
  }
  return closest;
}

std::string DidYouMean(std::string_view wanted,
                       const std::vector<std::string>& known,
                       std::string_view prefix) {
  std::string text;
  for (const std::string& name : ClosestNames(wanted, known, 3)) {
    text += text.empty() ? "; did you mean " : " or ";
    text += prefix;
    text += name;
  }
  return text.empty() ? text : text + "?";
}

}  // namespace revlm::formats
