// The grammar of prompt system dynamic: vocabularies by domain, and the parts
// of sentences that use them, as lists that expand.h reads.
//
// It is version 1: whoever changes a text makes a new version, see `kDynamic`.
//
// Threads: pure functions. Errors: none.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "challenge/draw.h"
#include "challenge/expand.h"

namespace revlm::challenge {

inline constexpr size_t kNumDynamicDomains = 11;

// All domains have lists of the same names:
//   agent    who works there: "cook"           tool   "whisk"
//   stuff    in the plural: "onions"           aspect "the crust"
//   act      what is done: "stir the sauce"    event  "the milk boiled over"
//   quality  of an aspect: "too salty"         unit   in the plural: "grams"
//   site     "the kitchen"
struct DynamicDomain {
  std::string_view name;
  std::array<WordList, 9> vocabulary;
};
std::span<const DynamicDomain> DynamicDomains();

// Parts of sentences, over `CommonWords` and the vocabulary of any domain.
std::span<const WordList> DynamicParts();

// Composes texts about one domain.
class DynamicComposer {
 public:
  // Borrows both, which must outlive it.
  DynamicComposer(const DynamicDomain& domain, Draws& draws);

  std::string Expanded(std::string_view text);

  // A sentence with `num_clauses` clauses (1 to 10): a capital letter, and no
  // full stop.
  std::string Clauses(uint64_t num_clauses);

  // `count` such sentences with full stops, each followed by a space.
  std::string Statements(uint64_t count, uint64_t num_clauses);

  Draws& draws() { return draws_; }

 private:
  std::vector<WordList> lists_;
  Draws& draws_;
};

std::string Capitalised(std::string text);

}  // namespace revlm::challenge
