// The grammar of genes: frames, separators, templates of segments, and words in
// several languages, as expand.h reads them.
//
// It is version 1. Every text of it is part of what a gene means: whoever
// changes, adds, removes or reorders one makes a new version, see
// `kEvolutionary`.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "challenge/expand.h"

namespace revlm::challenge {

// What stands before and after the segments.
struct GeneFrame {
  std::string_view before;
  std::string_view after;
};

std::span<const GeneFrame> GeneFrames();
std::span<const std::string_view> GeneSeparators();
std::span<const std::string_view> GeneTemplates();

// How many words at most; 0: any number.
std::span<const uint32_t> GeneWordLimits();

// The lists that templates draw from, by language.
inline constexpr uint32_t kNumGeneLanguages = 8;
std::span<const WordList> GeneWordLists(uint32_t language);

}  // namespace revlm::challenge
