#include "challenge/draw.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/hex.h"
#include "crypto/crypto_testing.h"

namespace revlm::challenge {
namespace {

using base::AsBytes;
using base::ToHex;
using crypto::ArrayFromHex;

std::vector<uint64_t> Take(Draws draws, uint64_t m, size_t count) {
  std::vector<uint64_t> values;
  values.reserve(count);
  for (size_t i = 0; i < count; ++i) values.push_back(draws.Below(m));
  return values;
}

// The expected values of these two tests come from a second implementation of
// draw.h, written in Python from its comment.
TEST(DrawTest, WithoutACommitmentTheSeedDecides) {
  const SessionInputs inputs = {.seed = SeedFromNumber(0x0102030405060708)};
  EXPECT_EQ(ToHex(inputs.seed),
            "0807060504030201000000000000000000000000000000000000000000000000");
  EXPECT_EQ(ToHex(SeedCommitment(inputs)),
            "c3b4d2db4e02f8fe70d3ec43370b5915dae37150eab38a0998e33e1589aff3b4");
  EXPECT_EQ(ToHex(DeriveRunId(inputs)), "9c88f09b2109e19f26623c53369fe64a");
  const Key session = DeriveSessionKey(inputs);
  EXPECT_EQ(ToHex(session),
            "5c4a97ca395ea1c68e55c955a2a481e2ee833abb90a388df8459691e6986bc1b");
  const Key prompt = DerivePromptKey(session, "pot/1");
  EXPECT_EQ(ToHex(prompt),
            "cebb8b377073ff4e75748a1941a08ab15a9b78e637ab6766c2d45dda7eb1f45a");
  EXPECT_EQ(Take(Draws(prompt, 0), 1000, 12),
            (std::vector<uint64_t>{529, 865, 165, 537, 5, 653, 573, 497, 280,
                                   115, 410, 219}));
  EXPECT_EQ(Take(Draws(prompt, 1), (uint64_t{1} << 63) + 1, 4),
            (std::vector<uint64_t>{7424226291184177141, 8534633086749164759,
                                   7393107675914079539, 3299885085037450855}));
}

TEST(DrawTest, ACommitmentAndEntropyEnterEveryValue) {
  const SessionInputs inputs = {
      .seed = ArrayFromHex<32>("000102030405060708090a0b0c0d0e0f"
                               "101112131415161718191a1b1c1d1e1f"),
      .plan_digest = ArrayFromHex<32>("11111111111111111111111111111111"
                                      "11111111111111111111111111111111"),
      .entropy = AsBytes("beacon")};
  EXPECT_EQ(ToHex(SeedCommitment(inputs)),
            "ea1a33a74e6f5e5b02200bd44c25c8579d09bf9ceb58dd629ecfec46e391b8b9");
  EXPECT_EQ(ToHex(DeriveRunId(inputs)), "924ab2d9aef061e7befc109ca52f0083");
  EXPECT_EQ(ToHex(DeriveSessionKey(inputs)),
            "e48a1bc6c01dab372dc242c2148350ddf66d35043189f8af81bad195816f5bbc");
}

TEST(DrawTest, EverySystemAndIndexHasDrawsOfItsOwn) {
  std::set<std::vector<uint64_t>> seen;
  for (const uint64_t seed : {0, 1}) {
    const Key session = DeriveSessionKey({.seed = SeedFromNumber(seed)});
    for (const std::string_view system : {"pot/1", "pot/2", "pot", ""}) {
      const Key key = DerivePromptKey(session, system);
      for (const uint64_t idx : {uint64_t{0}, uint64_t{1}, uint64_t{1} << 32}) {
        EXPECT_TRUE(seen.insert(Take(Draws(key, idx), 1 << 30, 4)).second);
      }
    }
  }
}

constexpr int kNumDraws = 1'000'000;

// Pearson's statistic of a million values, each a cell below `num_cells`.
template <typename NextCell>
double ChiSquare(uint64_t num_cells, NextCell next_cell) {
  std::vector<double> found(num_cells, 0);
  for (int i = 0; i < kNumDraws; ++i) ++found.at(next_cell());
  const double expected = kNumDraws / static_cast<double>(num_cells);
  double sum = 0;
  for (const double count : found) {
    sum += (count - expected) * (count - expected) / expected;
  }
  return sum;
}

// Of draws below `m`.
double ChiSquareOfDraws(uint64_t m, uint64_t num_cells) {
  Draws draws(DeriveSessionKey({.seed = SeedFromNumber(7)}), m);
  return ChiSquare(num_cells, [&] {
    return static_cast<uint64_t>(__uint128_t{draws.Below(m)} * num_cells / m);
  });
}

// What a chi-square variable exceeds with probability 1e-6, by the
// approximation of Wilson and Hilferty.
double ChiSquareLimit(uint64_t num_cells) {
  const double freedom = static_cast<double>(num_cells) - 1;
  const double variance = 2 / (9 * freedom);
  return freedom * std::pow(1 - variance + 4.7534 * std::sqrt(variance), 3);
}

TEST(DrawTest, DrawsBelowASmallNumberAreUniform) {
  for (const uint64_t m : {2, 3, 7, 10, 45, 64, 1000, 4099}) {
    EXPECT_LT(ChiSquareOfDraws(m, m), ChiSquareLimit(m)) << "m = " << m;
  }
}

TEST(DrawTest, DrawsAreUniformWhereRejectionIsFrequent) {
  // Words modulo m would fill the lower cells twice as often.
  for (const uint64_t m :
       {(uint64_t{1} << 63) + 1, UINT64_MAX / 3 * 2, UINT64_MAX}) {
    EXPECT_LT(ChiSquareOfDraws(m, 48), ChiSquareLimit(48)) << "m = " << m;
  }
}

// What a system draws first decides the template: over a million prompts.
TEST(DrawTest, TheFirstDrawsOfAMillionIndicesAreUniform) {
  const Key key =
      DerivePromptKey(DeriveSessionKey({.seed = SeedFromNumber(8)}), "kdf/1");
  uint64_t idx = 0;
  EXPECT_LT(ChiSquare(111, [&] { return Draws(key, idx++).Below(111); }),
            ChiSquareLimit(111));
}

TEST(DrawTest, ADrawTellsNothingOfTheNext) {
  Draws draws(DeriveSessionKey({.seed = SeedFromNumber(9)}), 0);
  uint64_t previous = draws.Below(30);
  EXPECT_LT(ChiSquare(900,
                      [&] {
                        const uint64_t next = draws.Below(30);
                        const uint64_t cell = previous * 30 + next;
                        previous = next;
                        return cell;
                      }),
            ChiSquareLimit(900));
}

// One value in ten of one cell of 45 goes to another.
TEST(DrawTest, TheTestsAboveWouldSeeABias) {
  Draws draws(DeriveSessionKey({.seed = SeedFromNumber(10)}), 0);
  EXPECT_GT(ChiSquare(45,
                      [&] {
                        const uint64_t cell = draws.Below(45);
                        return cell == 44 && draws.Below(10) == 0 ? 0 : cell;
                      }),
            ChiSquareLimit(45));
}

TEST(DrawTest, BelowOneIsZero) {
  EXPECT_EQ(Take(Draws({}, 0), 1, 3), (std::vector<uint64_t>{0, 0, 0}));
}

}  // namespace
}  // namespace revlm::challenge
