#include "base/random.h"
#include "support/audits.h"

namespace revlm::testing {
namespace {

double Uniform(uint64_t seed, uint64_t idx) {
  return base::UniformDouble(seed, 2 * idx);
}

// A second one of the same value.
double Another(uint64_t seed, uint64_t idx) {
  return base::UniformDouble(seed, 2 * idx + 1);
}

double Coin(double probability, uint64_t seed, uint64_t idx) {
  return Uniform(seed, idx) < probability ? 1 : 0;
}

constexpr Stream kStreams[] = {
    {"fair coin", 0.5,
     [](uint64_t seed, uint64_t idx) { return Coin(0.5, seed, idx); }},
    {"1 in 1000", 0.001,
     [](uint64_t seed, uint64_t idx) { return Coin(0.001, seed, idx); }},
    {"1 in 50", 0.02,
     [](uint64_t seed, uint64_t idx) { return Coin(0.02, seed, idx); }},
    {"999 in 1000", 0.999,
     [](uint64_t seed, uint64_t idx) { return Coin(0.999, seed, idx); }},
    {"nothing in 99 of 100", 0.005,
     [](uint64_t seed, uint64_t idx) {
       return Coin(0.01, seed, idx) * Another(seed, idx);
     }},
    {"two points near the bounds", 0.2006,
     [](uint64_t seed, uint64_t idx) {
       return 0.001 + 0.998 * Coin(0.2, seed, idx);
     }},
    {"hardly varies", 0.3,
     [](uint64_t seed, uint64_t idx) {
       return 0.3 + 2e-6 * (Uniform(seed, idx) - 0.5);
     }},
    {"changes its shape", 0.1,
     [](uint64_t seed, uint64_t idx) {
       return idx / 100 % 2 == 0 ? Coin(0.1, seed, idx)
                                 : 0.2 * Uniform(seed, idx);
     }},
    // A one is followed by a coin, all else by something narrow.
    {"shape by the value before", 0.2,
     [](uint64_t seed, uint64_t idx) {
       const bool wide = idx > 0 && Uniform(seed, idx - 1) < 0.2;
       return wide ? Coin(0.2, seed, idx) : 0.1 + 0.2 * Uniform(seed, idx);
     }},
};

}  // namespace

std::span<const Stream> Streams() { return kStreams; }

}  // namespace revlm::testing
