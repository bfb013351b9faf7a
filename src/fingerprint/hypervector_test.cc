#include "fingerprint/hypervector.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numbers>
#include <numeric>
#include <vector>

#include "base/random.h"
#include "fingerprint/alignment.h"
#include "fingerprint/states_testing.h"

namespace revlm::fingerprint {
namespace {

using testing::Mixed;
using testing::RandomStates;

constexpr size_t kNumRows = 80;

std::vector<int32_t> AllRows() {
  std::vector<int32_t> rows(kNumRows);
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

// Five depths of states, a share of those of another seed mixed in.
std::vector<Gram> GramsOf(uint64_t seed, float share) {
  std::vector<Gram> grams;
  for (uint64_t depth = 0; depth < kHypervectorDepths; ++depth) {
    const auto states =
        Mixed(RandomStates(depth, kNumRows, 200, 1), share,
              RandomStates(1000 * seed + depth, kNumRows, 200, 1));
    grams.push_back(CentredGram(states, kNumRows, 200));
  }
  return grams;
}

// Of what is projected.
double AngleBetween(const std::vector<Gram>& a, const std::vector<Gram>& b) {
  double cosine = 0;
  for (size_t d = 0; d < a.size(); ++d) {
    double ab = 0;
    double aa = 0;
    double bb = 0;
    for (size_t i = 0; i < kNumRows; ++i) {
      for (size_t j = 0; j < kNumRows; ++j) {
        if (i == j) continue;
        ab += a[d].at(i, j) * b[d].at(i, j);
        aa += a[d].at(i, j) * a[d].at(i, j);
        bb += b[d].at(i, j) * b[d].at(i, j);
      }
    }
    cosine += ab / std::sqrt(aa * bb) / static_cast<double>(a.size());
  }
  return std::acos(std::clamp(cosine, -1.0, 1.0));
}

TEST(HypervectorTest, TheShareOfDifferentBitsIsTheAngle) {
  const auto rows = AllRows();
  const auto base = GramsOf(1, 0);
  for (const float share : {0.2f, 0.5f, 1.0f, 2.0f, 100.0f}) {
    const auto other = GramsOf(2, share);
    const double expected = AngleBetween(base, other) / std::numbers::pi;
    const double found = HammingDistance(MakeHypervector(base, rows),
                                         MakeHypervector(other, rows)) /
                         static_cast<double>(kHypervectorBits);
    // Bits share pairs of positions, so they spread more than coins, whose
    // standard deviation is 0.005; the sums have 64 terms only.
    EXPECT_NEAR(found, expected, 0.03) << share;
  }
}

TEST(HypervectorTest, IsTheSameForTheSameModel) {
  const auto rows = AllRows();
  const Hypervector vector = MakeHypervector(GramsOf(1, 0.5), rows);
  EXPECT_EQ(vector, MakeHypervector(GramsOf(1, 0.5), rows));
  EXPECT_EQ(HammingDistance(vector, vector), 0U);
  // Half of the bits are set, and none beyond the last.
  const uint32_t num_set = HammingDistance(vector, Hypervector());
  EXPECT_NEAR(num_set, kHypervectorBits / 2, 500);
  EXPECT_EQ(vector.words.back() >> (kHypervectorBits % 64), 0U);
}

TEST(HypervectorTest, MissingPositionsCountNothing) {
  auto rows = AllRows();
  const Hypervector whole = MakeHypervector(GramsOf(1, 0), rows);
  rows[7] = rows[21] = kMissing;
  const Hypervector part = MakeHypervector(GramsOf(1, 0), rows);
  // Of 64 terms of a bit, 5 % fall away.
  EXPECT_LT(HammingDistance(whole, part), kHypervectorBits / 10);
  EXPECT_GT(HammingDistance(whole, part), 0U);
  const std::vector<int32_t> none(kNumRows, kMissing);
  EXPECT_EQ(MakeHypervector(GramsOf(1, 0), none), Hypervector());
}

TEST(HypervectorTest, TenThousandAreComparedWithinASecond) {
  std::vector<Hypervector> vectors(10'000);
  uint64_t idx = 0;
  for (Hypervector& vector : vectors) {
    for (uint64_t& word : vector.words) word = base::RandomBits(3, idx++);
    vector.words.back() &= (uint64_t{1} << (kHypervectorBits % 64)) - 1;
  }
  const auto started = std::chrono::steady_clock::now();
  uint32_t nearest = kHypervectorBits;
  for (size_t i = 1; i < vectors.size(); ++i) {
    nearest = std::min(nearest, HammingDistance(vectors[0], vectors[i]));
  }
  const std::chrono::duration<double> passed =
      std::chrono::steady_clock::now() - started;
  EXPECT_LT(passed.count(), 1);
  // Bit by bit, of some of them.
  for (const size_t i : {size_t{1}, size_t{17}, size_t{9999}}) {
    uint32_t plain = 0;
    for (uint32_t bit = 0; bit < kHypervectorBits; ++bit) {
      const auto at = [&](const Hypervector& of) {
        return (of.words[bit / 64] >> (bit % 64)) & 1;
      };
      plain += at(vectors[0]) != at(vectors[i]) ? 1 : 0;
    }
    EXPECT_EQ(HammingDistance(vectors[0], vectors[i]), plain);
  }
  EXPECT_NEAR(nearest, kHypervectorBits / 2, 300);
}

}  // namespace
}  // namespace revlm::fingerprint
