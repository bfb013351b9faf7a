// A comparison asks in rounds: how many prompts the next one has, what they
// told apart, and when enough was asked.
//
// The prompts of a round are there before any of them is asked, and asked
// together, so that weights are read once for each round and model. There is a
// look after every prompt all the same, in their order. Prompts that are chosen
// by what the ones before told apart need rounds; others are asked in several
// only so that what was found can be kept when the comparison is stopped.
//
// Threads: pure functions. Errors: none.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "api/comparison_directory.h"
#include "challenge/orchestrator.h"
#include "revlm/compare.h"
#include "verify/behaviour.h"
#include "verify/next_token.h"

namespace revlm {

// Prompts of a round of those that are all there, when asking them takes
// `seconds` and reading the weights for it once `read_seconds`: reading them
// for every round adds a twentieth at most.
size_t PlainRoundSize(size_t num_prompts, double seconds, double read_seconds);

// Of those that are chosen, prompts of the next round: 8, then as many as were
// asked before, so that rounds are few and less than half is asked in vain;
// `most` in all.
size_t RoundSize(size_t num_asked, size_t most);

// Pairs whose behaviour more prompts may decide: SAME is said of it, or
// DIFFERENT in the company of the other pairs, or else it is open.
// REQUIRES: verdicts were formed.
size_t NumUndecided(const Comparison& comparison);

// By model and prompt of a round; nothing: it was not asked.
using CertaintyTable =
    std::vector<std::vector<std::optional<verify::Certainty>>>;

// What each prompt of a round brought. Its information is the largest mean of
// KL(a||b) and KL(b||a) among the pairs that are undecided: pairs that are far
// apart are decided soon and leave the choice to the others. Rejected: the
// smallest, which two copies of one model would hold at 0. A prompt that none
// of these pairs has a value for brought nothing, not 0 nats: it has no
// outcome, and nothing is learnt from it.
std::vector<challenge::Outcome> OutcomesOf(const Comparison& comparison,
                                           const std::vector<MadePrompt>& asked,
                                           const PromptTable& values,
                                           const CertaintyTable& certainty);

// What models were seen to do while prompts were chosen.
std::vector<BehaviourProfile> ProfilesOf(
    const challenge::Orchestrator& orchestrator);

// How many prompts, made before anything is known, the longest to plan memory
// for is taken from when `most` may be asked. The systems propose about as many
// before so many are chosen; those that are bred are not among them.
int32_t NumForPlanning(size_t most);
// Puts each model's longest prompt of `others` in the place of its longest one
// in `encoded`, where that is shorter.
void TakeLongest(const std::vector<verify::BehaviourModel>& others,
                 std::vector<verify::BehaviourModel>& encoded);
// The number of ids of the longest prompt, by model.
std::vector<size_t> MostIds(const std::vector<verify::BehaviourModel>& encoded);
// Takes out prompts of more ids, by model: they have no value. Returns how many
// prompts of the round lost a model.
size_t LeaveOutLonger(const std::vector<size_t>& most_ids,
                      std::vector<verify::BehaviourModel>& encoded);

}  // namespace revlm
