// Prompt system evolutionary: a genetic search for prompts that tell models
// apart (Holland 1975, "Adaptation in natural and artificial systems"; Goldberg
// and Deb 1991, "A comparative analysis of selection schemes", on tournaments).
//
// Fitness is the information that a prompt brought. The prompts that it may ask
// are its budget of model calls: every one is a new gene, none is asked twice.
//
//   generation 0  genes drawn at random (`DrawGene`), until 8 prompts of any
//                 system have brought something to learn from
//   parents       the best eighth of the last 512 prompts asked, at least 8 and
//                 at most 32, so that few prompts are enough to select from and
//                 the best stay as long as nothing better comes (elitism);
//                 those of other systems as genes that say the same
//                 (`AdoptPrompt`)
//   selection     the best of three parents drawn at random
//   children      of two parents three times of four (`CrossGenes`), else of
//                 one; then one to a few mutations (`MutateGene`)
//   diversity     one in eight is a random gene; no text comes twice
//
// As a `System` it makes what an index draws, or what a gene says:
//
//   origin   random, or bred from what was learnt; random where not given
//   gene     what the text is made of (`gene.h`); drawn where not given
//
// A prompt is made again from its parameters alone, also a bred one.
//
// Whether it is worth its calls: `evolution_test.cc` measures it against random
// genes, docs/method-challenges.md has the figures.
//
// Threads, errors: as system.h and proposer.h say. Memory: of 512 genes, below
// 1 MiB, and 32 bytes for each prompt proposed. Determinism: of key and lessons
// in their order; fitness is only ever compared.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "challenge/proposer.h"
#include "challenge/system.h"

namespace revlm::challenge {

Result<Challenge> MakeEvolutionaryChallenge(
    const Key& prompt_key, uint64_t index,
    std::span<const Parameter> parameters);

inline constexpr System kEvolutionary = {.name = "evolutionary/1",
                                         .make = &MakeEvolutionaryChallenge};

std::shared_ptr<Proposer> MakeEvolutionProposer(const Key& session_key);

}  // namespace revlm::challenge
