// Prompt system kdf: robustness probes. Ordinary sentences made difficult:
// misspelt, encoded, in unusual characters, under orders that contradict each
// other, after a long text, or in a format that is nested or broken. Nothing in
// them is harmful or asks for anything that is.
//
// Parameters, in this order in every challenge:
//   class     perturbation, encoding, unicode, conflict, long_context or
//             format_trap
//   method    one of the class, as kdf_methods.h lists them
//   strength  1 (hardly disturbed) to 5 (hardly readable)
//
// What is not given goes by the index: class number (index modulo 6), strength
// 1 + (index modulo 5), and the methods of the class in turn, the next one
// after every six indices. So any 30 indices in a row have each class at each
// strength. A method without a class decides the class. Everything else is
// drawn with the key of the index: who does not have the key cannot prepare for
// a prompt, although all methods are known.
//
// Each method has thousands of texts at each strength. A text is valid UTF-8
// without control characters other than newlines, of at most 4 KiB (8 KiB in
// class long_context). Some carry characters that are not seen or that change
// the direction of text: quote them before they go to a terminal.
//
// Threads, memory, errors, determinism: as system.h says.
#pragma once

#include "challenge/system.h"

namespace revlm::challenge {

Result<Challenge> MakeKdfChallenge(const Key& prompt_key, uint64_t index,
                                   std::span<const Parameter> parameters);

inline constexpr System kKdf = {.name = "kdf/1", .make = &MakeKdfChallenge};

}  // namespace revlm::challenge
