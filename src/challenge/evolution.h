// Prompt system evolutionary: a genetic search for prompts that tell models
// apart (Holland 1975, "Adaptation in natural and artificial systems"; Goldberg
// and Deb 1991, "A comparative analysis of selection schemes", on tournaments).
//
// The prompts that it may ask are its budget of model calls: every one is a new
// gene, none is asked twice. What one brought is part luck, so as a parent it
// is worth seven tenths of that and three of the mean worth of its own parents
// (without any: of what all brought), as breeders estimate it from own and
// parental records (Lush 1947, "Family merit and individual merit as bases for
// selection", American Naturalist 81).
//
//   generation 0  genes drawn at random (`DrawGene`), until 8 prompts of any
//                 system have brought something to learn from
//   parents       of the last 512 prompts asked, the eighth that is worth most,
//                 8 to 32, so that a few prompts are enough to select from and
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
//   origin   random; fresh: a random gene beside bred ones; or bred from what
//            was learnt. Random where not given
//   gene     what the text is made of (`gene.h`); drawn where not given
//
// A prompt is made again from its parameters alone, also a bred one.
//
// Whether it is worth its calls: `evolution_test.cc` measures it against random
// genes, docs/method-challenges.md has the figures.
//
// Threads, errors: as system.h and proposer.h say. Memory: of 512 genes, below
// 1 MiB, and 48 bytes for each prompt proposed. Determinism: of key and lessons
// in their order; IEEE arithmetic, and worths are only ever compared.
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
