// Random numbers as pure functions of a seed and an index, so that no order of
// calls can change them. SplitMix64 (Steele, Lea, Flood 2014, "Fast splittable
// pseudorandom number generators"): not for cryptography.
#pragma once

#include <cstdint>

namespace revlm::base {

inline uint64_t RandomBits(uint64_t seed, uint64_t idx) {
  uint64_t z = seed + (idx + 1) * 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

// Uniform in [0, 1), a multiple of 2^-53.
inline double UniformDouble(uint64_t seed, uint64_t idx) {
  return static_cast<double>(RandomBits(seed, idx) >> 11) * 0x1p-53;
}

}  // namespace revlm::base
