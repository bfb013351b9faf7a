// The grammar of prompt system pot: templates by domain and difficulty, and the
// lists their slots draw from, as expand.h reads them.
//
// It is version 1. Every text of it is part of what a seed means: whoever
// changes, adds, removes or reorders one makes a new version, see `kPot`.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "challenge/expand.h"

namespace revlm::challenge {

enum class PotDomain : uint8_t {
  kArithmetic,
  kCode,
  kFacts,
  kLists,
  kFormats,
  kDialogue,
  kTranslation,
  kCommonsense,
  kUnicode,
};
inline constexpr uint64_t kNumPotDomains = 9;
inline constexpr uint64_t kNumPotDifficulties = 5;

struct PotTemplate {
  PotDomain domain;
  uint8_t difficulty;  // 1 to kNumPotDifficulties
  std::string_view text;
};

// Grouped by domain, then by difficulty: each pair has some.
std::span<const PotTemplate> PotTemplates();
std::span<const WordList> PotWordLists();

// The value of parameter "domain", and why such prompts tell models apart.
std::string_view PotDomainName(PotDomain domain);
std::string_view PotDomainReason(PotDomain domain);

// What is expected of the continuation at `difficulty`.
std::string_view PotDifficultyMeaning(uint64_t difficulty);

}  // namespace revlm::challenge
