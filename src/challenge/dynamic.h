// Prompt system dynamic: texts composed from the vocabulary of a domain by a
// small grammar of clauses: who, what about it, under which condition, asked
// how. Nothing but the vocabulary and the parts of sentences is kept.
//
// Parameters, in this order in every challenge:
//   kind        question, instruction, description, narrative, conversation or
//               edge
//   domain      one of eleven, as dynamic_grammar.h lists them
//   difficulty  1 to 5: more clauses, conditions and constraints; in a
//               conversation, 2 to 6 turns. Of an edge case it is the sort: 1
//               hardly any text, 2 repetition, 3 numbers at their limits, 4
//               several languages, 5 two of these in one
//
// One that is not given goes by the index: kind number (index modulo 6), domain
// number (index modulo 11) and difficulty 1 + (index modulo 5), so any 330
// indices in a row have each combination once. The rest is drawn. Each
// combination has thousands of texts; a text has at most 2 KiB.
//
// Threads, memory, errors, determinism: as system.h says.
#pragma once

#include "challenge/system.h"

namespace revlm::challenge {

Result<Challenge> MakeDynamicChallenge(const Key& prompt_key, uint64_t index,
                                       std::span<const Parameter> parameters);

inline constexpr System kDynamic = {.name = "dynamic/1",
                                    .make = &MakeDynamicChallenge};

}  // namespace revlm::challenge
