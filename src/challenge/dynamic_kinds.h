// The kinds of text that prompt system dynamic composes.
//
// They are version 1: whoever changes what one composes makes a new version,
// see `kDynamic`.
//
// Threads: pure functions. Errors: none.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "challenge/dynamic_grammar.h"

namespace revlm::challenge {

struct DynamicKind {
  std::string_view name;
  std::string_view reason;
  std::string (*compose)(DynamicComposer& composer, uint64_t difficulty);
};
std::span<const DynamicKind> DynamicKinds();

// The sort of edge case is its difficulty, as dynamic.h says.
std::string ComposeEdge(DynamicComposer& composer, uint64_t difficulty);

}  // namespace revlm::challenge
