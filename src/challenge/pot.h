// Prompt system pot: boundary probes. Short openings that models continue
// differently because more than one continuation is plausible, from nearly
// certain to wide open.
//
// Parameters, in this order in every challenge:
//   domain      arithmetic, code, facts, lists, formats, dialogue, translation,
//               commonsense or unicode
//   difficulty  1 (one continuation is all but certain) to 5 (none stands out)
//
// One that is not given goes by the index: domain number (index modulo 9) and
// difficulty 1 + (index modulo 5), so any 45 indices in a row have each pair
// once and a short prefix is varied. The text is drawn: a template of the pair,
// then the template's slots. Each pair has more than 50,000 texts.
//
// The grades are the author's intention, not a measurement; what a prompt tells
// about a model is for the caller to measure. The prompts are English and
// harmless, but not meant to pass for ordinary traffic.
//
// Threads, memory, errors, determinism: as system.h says.
#pragma once

#include "challenge/system.h"

namespace revlm::challenge {

Result<Challenge> MakePotChallenge(const Key& prompt_key, uint64_t index,
                                   std::span<const Parameter> parameters);

inline constexpr System kPot = {.name = "pot/1", .make = &MakePotChallenge};

}  // namespace revlm::challenge
