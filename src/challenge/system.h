// Prompt systems: prompts made from a key instead of kept in a list.
//
// A challenge is data: the prompt and where it came from. A system makes the
// challenge of an index as a pure function of key, index and parameters, so a
// single one can be made again, or shown to others, without the rest.
//
//   const Key key = DeriveSessionKey({.seed = SeedFromNumber(0)});
//   auto challenge = kPot.make(DerivePromptKey(key, kPot.name), 17, {});
//
// `orchestrator.h` has many of several systems.
//
// Threads: pure functions. Memory: the challenges, and in GenerateChallenges
// their texts once more. Errors: kInvalidArgument for a parameter or a number
// that is not allowed. Determinism: the same seed gives the same bytes on every
// machine, for every compiler and number of threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "challenge/draw.h"

namespace revlm::challenge {

struct Parameter {
  std::string name;
  std::string value;

  bool operator==(const Parameter&) const = default;
};

struct Challenge {
  // System without version, "-", index: "pot-17". A letter before the index:
  // it was chosen by what others brought, and the index alone does not make it
  // ("evolutionary-b8", "hierarchical-u3").
  std::string id;
  std::string text;                   // valid UTF-8
  std::string system;                 // "pot/1"
  std::vector<Parameter> parameters;  // what made it, in the system's order
  std::string rationale;              // why it is worth asking, a sentence

  bool operator==(const Challenge&) const = default;
};

struct System {
  // With the version of its grammar, which changes whenever a text would.
  std::string_view name;

  // The challenge of `index`. Parameters that are not given go by the index.
  // Errors: kInvalidArgument for a parameter that the system does not have.
  Result<Challenge> (*make)(const Key& prompt_key, uint64_t index,
                            std::span<const Parameter> parameters);
};

inline constexpr size_t kMaxChallenges = 10'000;

// Of one system alone, which tests hold orchestrators against.
//
// Exactly `count` challenges (1 to kMaxChallenges) with different texts: those
// of index 0, 1, ..., without any whose text came before. So the first n are
// the same whatever `count` is. Errors: kInvalidArgument also when the
// parameters leave so few texts that kMaxChallenges indices in a row bring no
// new one.
Result<std::vector<Challenge>> GenerateChallenges(
    const System& system, const Key& session_key,
    std::span<const Parameter> parameters, size_t count);

}  // namespace revlm::challenge
