// The fixed set of prompts used when none are given: short, varied (completion,
// facts, code, arithmetic, logic, other languages, formats), and always the
// same under the same id, so that runs of different days can be compared.
//
// Ids and texts are part of stored results: prompts may be appended, never
// changed or reordered.
#pragma once

#include <span>
#include <string_view>

namespace revlm::challenge {

struct BuiltinPrompt {
  std::string_view id;
  std::string_view text;
};

// All of them. Neighbours are of different kinds, so a short prefix is varied.
std::span<const BuiltinPrompt> BuiltinPrompts();

}  // namespace revlm::challenge
