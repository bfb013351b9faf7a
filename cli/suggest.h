// What the user may have meant.
//
// Threads: pure functions.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace revlm::cli {

// The fewest insertions, deletions, replacements and swaps of neighbours that
// turn one into the other.
size_t EditDistance(std::string_view a, std::string_view b);

// The candidate closest to `typed`, when it is near enough to be a slip: at
// most a third of it wrong. Empty: none.
std::string Closest(std::string_view typed,
                    std::span<const std::string> candidates);

// Puts "run" in front of `arguments` that name no command: `revlm MODEL...` is
// `revlm run MODEL...`. Returns the command that the first argument looks like
// a slip of, when it is also no path and no model reference; else nothing.
std::string InsertRun(std::vector<std::string>& arguments,
                      std::span<const std::string> commands);

}  // namespace revlm::cli
