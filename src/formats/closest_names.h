// Which of the names known is most likely what a user meant.
//
// Threads: pure function. Cost: the product of the lengths, for each name.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace revlm::formats {

// At most `max_count` of `known` within a third of `wanted`'s length in edits
// (insert, delete, replace a byte; upper and lower case alike), closest first,
// without repetition. A known name whose part after the last "/" is `wanted`
// counts as one edit.
std::vector<std::string> ClosestNames(std::string_view wanted,
                                      const std::vector<std::string>& known,
                                      size_t max_count);

// "; did you mean PREFIXone or PREFIXother?", or nothing when none is close.
std::string DidYouMean(std::string_view wanted,
                       const std::vector<std::string>& known,
                       std::string_view prefix);

}  // namespace revlm::formats
