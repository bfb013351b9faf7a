// Related behaviour: two models, unrelated by weights, that are nearer to each
// other than any two others that are unrelated.
//
// Models that were trained apart on the same data are about equally far from
// each other; one that learned from the answers of another is nearer to it.
// With J(x, y) = KL(x||y) + KL(y||x) of a prompt, per token, a pair (x, y) is
// compared with every other pair (z, w) of the comparison that can be compared
// over the same scale and is unrelated by weights, but for pairs of a relative
// of x with a relative of y, which are near for the same reason. A payoff is
//
//   g = sign(c J(z, w) - J(x, y))    c = 3/4
//
// The hypothesis: for one of these (z, w), E[g] <= 0, that is, x and y are
// nearer than by that quarter on no more than half of the prompts. Each has a
// bet (stats/bet.h); the least of them is the pair's e, 1 at most where a mean
// of J is not nearer either. It is at most that of a hypothesis that is true,
// so P(e >= 1/alpha) <= alpha however many pairs there are. Several pairs
// judged at once: e-BH (stats/combine.h).
//
// What it does not show: that one learned from the other. It is a fact about
// these models, which says so only where the others are models like these two:
// of the same data, and as good. Hence there have to be two others at least
// that are unrelated, so that what is usual here is seen.
//
// Threads: a pure function. Memory: O(models^2 + prompts). Errors: those of
// payoffs, which values that are not finite give. Determinism: of the
// arguments.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "base/error.h"
#include "revlm/compare.h"
#include "verify/behaviour.h"

namespace revlm::verify {

struct NearnessPair {
  size_t a = 0;  // index of a model
  size_t b = 0;
  bool is_related = false;     // by weights
  Scale scale = Scale::kNone;  // kNone: there are no values
  // By prompt, the same ones for all pairs; no positions, or beyond the end: no
  // value.
  std::span<const PromptDivergence> values;
};

// For each pair; nothing where there is too little to compare it with.
Result<std::vector<std::optional<NearnessFinding>>> FindNearness(
    std::span<const NearnessPair> pairs, double alpha);

}  // namespace revlm::verify
