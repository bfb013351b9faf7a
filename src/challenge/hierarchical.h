// Prompt system hierarchical: a prompt for every skill of a taxonomy, in an
// order that covers it (taxonomy.h has the tree).
//
// Parameters, in this order in every challenge:
//   walk  breadth_first: a skill of each capability, then one of each topic,
//         then the others, so that few prompts touch much; depth_first: topic
//         by topic; uncertainty: the caller has chosen the leaf, and must give
//         it
//   leaf  the path of a leaf, "mathematics/arithmetic/addition"
//
// A leaf that is not given is the one at (index modulo the number of leaves) of
// the walk, which is breadth_first where none is given. The text is drawn: a
// template of the leaf, then its slots. Each leaf has thousands of texts.
//
// Threads, memory, errors, determinism: as system.h says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "challenge/system.h"

namespace revlm::challenge {

Result<Challenge> MakeHierarchicalChallenge(
    const Key& prompt_key, uint64_t index,
    std::span<const Parameter> parameters);

inline constexpr System kHierarchical = {.name = "hierarchical/1",
                                         .make = &MakeHierarchicalChallenge};

// All leaves in the order of the walk.
std::vector<size_t> LeavesBreadthFirst();
std::vector<size_t> LeavesDepthFirst();

// What challenges told about a leaf so far.
struct LeafKnowledge {
  uint64_t num_outcomes = 0;
  double sum_nats = 0;  // of their information
  double sum_squares_nats2 = 0;
};
void AddOutcome(double information_nats, LeafKnowledge& knowledge);

// The leaves, those first of whose mean information least is known: those
// without outcomes in the order of LeavesBreadthFirst, then by the variance of
// the mean, the largest first. The variance of a leaf's outcomes is shrunk
// towards that of all outcomes, which counts as much as one of its own:
//   (S + v) / n,  S its squared deviations from its mean, v the variance of
//                 all outcomes from the mean of all, n its number of outcomes
// divided by n once more for the mean; one that is not finite counts as zero.
// Equal ones are in the order of LeavesBreadthFirst. Takes O(L log L).
// REQUIRES: one for each leaf.
//
// It needs additions, products, quotients and comparisons only, so that it
// comes out alike on every machine that rounds as IEEE 754 does.
std::vector<size_t> LeavesByUncertainty(
    std::span<const LeafKnowledge> knowledge);

}  // namespace revlm::challenge
