#include "cli/suggest.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace revlm::cli {

size_t EditDistance(std::string_view a, std::string_view b) {
  // Three rows of the table of distances between prefixes.
  std::vector<size_t> before(b.size() + 1);
  std::vector<size_t> previous(b.size() + 1);
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    std::swap(before, previous);
    std::swap(previous, row);
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = previous[j - 1] + (a[i - 1] != b[j - 1] ? 1 : 0);
      row[j] = std::min({previous[j] + 1, row[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
  }
  return row[b.size()];
}

std::string Closest(std::string_view typed,
                    std::span<const std::string> candidates) {
  std::string closest;
  size_t least = std::max<size_t>(typed.size() / 3, 1) + 1;
  for (const std::string& candidate : candidates) {
    // A flag cut short ("--prompt-log") is a slip however much is missing.
    const size_t distance = typed.size() > 4 && candidate.starts_with(typed)
                                ? 1
                                : EditDistance(typed, candidate);
    if (distance < least) {
      least = distance;
      closest = candidate;
    }
  }
  return closest;
}

std::string InsertRun(std::vector<std::string>& arguments,
                      std::span<const std::string> commands) {
  if (arguments.empty()) return "";
  const std::string first = arguments.front();
  for (const std::string_view own : {"-h", "--help", "--version"}) {
    if (first == own) return "";
  }
  if (std::find(commands.begin(), commands.end(), first) != commands.end()) {
    return "";
  }
  std::error_code ignored;
  const bool may_be_model = first.starts_with("-") ||
                            first.find_first_of("/:=@.~") != first.npos ||
                            std::filesystem::exists(first, ignored);
  if (!may_be_model) {
    const std::string meant = Closest(first, commands);
    if (!meant.empty()) return meant;
  }
  arguments.insert(arguments.begin(), "run");
  return "";
}

}  // namespace revlm::cli
