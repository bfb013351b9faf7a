// What of a prompt may tell how informative it is, as numbers near 1 in size:
// length, words, kinds of characters, variety, repetition, how it ends, how
// difficult its system calls it. Of the first 1,024 bytes.
//
// Threads: pure functions. Memory: for the call, some times the prompt's.
// Errors: none. Determinism: `portable_math.h`.
#pragma once

#include <array>
#include <cstddef>
#include <string>

#include "challenge/system.h"

namespace revlm::challenge {

inline constexpr size_t kNumTextFeatures = 20;
using TextFeatures = std::array<double, kNumTextFeatures>;

// The first is 1.
TextFeatures TextFeaturesOf(const Challenge& challenge);

// Where a challenge comes from, coarse to fine: its system, and that with the
// first and with the first two of its parameters; a path counts as its first
// part and as a whole. Left out are genes and walks, which say not what a
// prompt is about, and long values, which hardly come twice. Empty where there
// are fewer.
inline constexpr size_t kNumAreaLevels = 3;
using Areas = std::array<std::string, kNumAreaLevels>;

Areas AreasOf(const Challenge& challenge);

}  // namespace revlm::challenge
