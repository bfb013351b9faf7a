// How much of the taxonomy a list of challenges touches, whichever prompt
// systems made them.
//
// What a challenge touches follows from its parameters, so it is the same for
// everybody who sees it:
//   hierarchical  its leaf
//   kdf           the leaf that its method belongs to
//   dynamic       of a question, an instruction or a description: the leaf of
//                 its domain below knowledge/practice; of an instruction, a
//                 description, a narrative or a conversation: the leaf of that
//                 kind of text; of an edge case: the leaf of its sort, or at
//                 difficulty 5 only the capability
//   pot           only the capability that its domain belongs to: its templates
//                 are of several skills
// A challenge of another system touches nothing.
//
// Threads: pure functions. Errors: none.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "challenge/system.h"

namespace revlm::challenge {

// Places in TaxonomyLeaves() and Capabilities(), each in rising order. The
// capability of a leaf is always among the capabilities.
struct Touched {
  std::vector<size_t> leaves;
  std::vector<size_t> capabilities;
};
Touched TouchedBy(const Challenge& challenge);

struct Coverage {
  size_t num_leaves = 0;  // touched
  size_t num_capabilities = 0;
  double leaf_share = 0;  // of all, in [0, 1]
  double capability_share = 0;
};
Coverage CoverageOf(std::span<const Challenge> challenges);

}  // namespace revlm::challenge
