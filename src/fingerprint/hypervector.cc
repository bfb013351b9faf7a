#include "fingerprint/hypervector.h"

#include <bit>
#include <cmath>

#include "base/check.h"
#include "base/random.h"
#include "fingerprint/alignment.h"

namespace revlm::fingerprint {
namespace {

constexpr uint64_t kSeed = 0x7265762d68762f31;  // "rev-hv/1"; frozen
constexpr uint64_t kTermsPerBit = 64;

// 1 / root mean square off the diagonal; 0 when there is nothing.
double ScaleOf(const Gram& gram) {
  double squares = 0;
  for (size_t i = 0; i < gram.n; ++i) {
    for (size_t j = 0; j < i; ++j) squares += gram.at(i, j) * gram.at(i, j);
  }
  const double count = static_cast<double>(gram.n * (gram.n - 1)) / 2;
  const double scale = std::sqrt(count / squares);
  return std::isfinite(scale) ? scale : 0;
}

}  // namespace

Hypervector MakeHypervector(std::span<const Gram> grams,
                            std::span<const int32_t> row_of) {
  REVLM_CHECK(grams.size() == kHypervectorDepths);
  Hypervector vector;
  const uint64_t n = row_of.size();
  if (n < 2) return vector;
  std::array<double, kHypervectorDepths> scales;
  for (size_t d = 0; d < grams.size(); ++d) scales[d] = ScaleOf(grams[d]);
  for (uint64_t bit = 0; bit < kHypervectorBits; ++bit) {
    double sum = 0;
    for (uint64_t term = 0; term < kTermsPerBit; ++term) {
      const uint64_t drawn = (bit * kTermsPerBit + term) * 2;
      const uint64_t where = base::RandomBits(kSeed, drawn);
      const uint64_t pair = base::RandomBits(kSeed, drawn + 1) % (n * (n - 1));
      const uint64_t i = pair / (n - 1);
      uint64_t j = pair % (n - 1);
      j += j >= i ? 1 : 0;
      if (row_of[i] == kMissing || row_of[j] == kMissing) continue;
      const size_t depth = (where >> 1) % kHypervectorDepths;
      const double value =
          scales[depth] * grams[depth].at(static_cast<size_t>(row_of[i]),
                                          static_cast<size_t>(row_of[j]));
      sum += (where & 1) != 0 ? value : -value;
    }
    if (sum > 0) vector.words[bit / 64] |= uint64_t{1} << (bit % 64);
  }
  return vector;
}

uint32_t HammingDistance(const Hypervector& a, const Hypervector& b) {
  uint32_t distance = 0;
  for (size_t i = 0; i < a.words.size(); ++i) {
    distance += static_cast<uint32_t>(std::popcount(a.words[i] ^ b.words[i]));
  }
  return distance;
}

}  // namespace revlm::fingerprint
