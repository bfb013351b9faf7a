// Where the words of a prompt end, and which token of a model ends there: what
// makes hidden states of models with different tokenizers comparable.
//
// A word ends before a blank (ASCII space, tab, line end) that follows
// something else, and at the end of the text. These byte offsets depend on the
// text alone. A token belongs to one when the tokens up to it decode to exactly
// the text up to it; where no token ends, the position is missing for that
// tokenizer.
//
// Threads: pure functions. Errors: those of the tokenizer.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "tokenizer/tokenizer.h"

namespace revlm::fingerprint {

// Byte offsets, ascending.
std::vector<uint32_t> WordEnds(std::string_view text);

inline constexpr int32_t kMissing = -1;

struct AlignedPrompt {
  std::vector<int32_t> ids;     // with special tokens
  std::vector<int32_t> tokens;  // for each word end its place in `ids`, or
                                // kMissing
};

Result<AlignedPrompt> Align(const tokenizer::Tokenizer& tokenizer,
                            std::string_view text);

}  // namespace revlm::fingerprint
