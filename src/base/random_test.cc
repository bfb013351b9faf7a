#include "base/random.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

namespace revlm::base {
namespace {

// From a transcription in Python of the paper's algorithm; the first of seed
// 1234567 are also those of the public reference implementation.
TEST(RandomTest, BitsAreThoseOfSplitMix64) {
  struct Known {
    uint64_t seed, idx, bits;
  };
  constexpr Known kKnown[] = {
      {0, 0, 16294208416658607535u},
      {0, 1, 7960286522194355700u},
      {1234567, 0, 6457827717110365317u},
      {1234567, 1, 3203168211198807973u},
      {1234567, 4, 16408922859458223821u},
      {~uint64_t{0}, 0, 16490336266968443936u},
      {~uint64_t{0}, ~uint64_t{0}, 13029008266876403067u},
      {0x0123456789abcdef, 1000000, 4728004324206247487u},
  };
  for (const Known& known : kKnown) {
    EXPECT_EQ(RandomBits(known.seed, known.idx), known.bits)
        << known.seed << ", " << known.idx;
  }
  EXPECT_EQ(UniformDouble(0, 0), 0.8833108082136426);
  EXPECT_EQ(UniformDouble(0x0123456789abcdef, 1000000), 0.25630562799126355);
}

TEST(RandomTest, DrawsAreUniformAlongIndicesAndAlongSeeds) {
  constexpr size_t kBins = 256;
  constexpr int kDraws = 256 * 1000;
  for (const bool along_seeds : {false, true}) {
    std::array<int, kBins> counts = {};
    for (uint64_t i = 0; i < kDraws; ++i) {
      const double x = along_seeds ? UniformDouble(i, 0) : UniformDouble(7, i);
      ASSERT_GE(x, 0);
      ASSERT_LT(x, 1);
      ++counts[static_cast<size_t>(x * kBins)];
    }
    double chi_square = 0;
    for (const int count : counts) {
      chi_square += std::pow(count - 1000.0, 2) / 1000.0;
    }
    // 255 degrees of freedom: mean 255, standard deviation 22.6.
    EXPECT_LT(chi_square, 255 + 4 * 22.6);
    EXPECT_GT(chi_square, 255 - 4 * 22.6);
  }
}

}  // namespace
}  // namespace revlm::base
