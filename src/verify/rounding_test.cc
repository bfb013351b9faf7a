#include "verify/rounding.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "base/random.h"

namespace revlm::verify {
namespace {

std::vector<float> RandomValues(uint64_t seed, size_t num) {
  std::vector<float> values;
  for (uint64_t i = 0; i < num; ++i) {
    const double uniform = base::UniformDouble(seed, i);
    values.push_back(static_cast<float>(0.1 * (uniform - 0.4)));
  }
  return values;
}

float Half(float x) { return static_cast<float>(static_cast<_Float16>(x)); }

std::vector<float> Rounded(const Rounding& rounding,
                           std::vector<float> values) {
  RoundGroup(rounding, static_cast<int64_t>(values.size()), 1, values.data());
  return values;
}

const Rounding& Named(const std::string& name) {
  return *std::ranges::find(Roundings(), name, &Rounding::name);
}

// Blocks as the files store them: whole codes, then what they are read as.
struct Block {
  std::vector<int> codes;
  float scale = 0;
  float offset = 0;

  std::vector<float> Read() const {
    std::vector<float> values;
    values.reserve(codes.size());
    for (const int code : codes) {
      values.push_back(static_cast<float>(code) * scale + offset);
    }
    return values;
  }
};

Block PlainQ8_0(const std::vector<float>& x) {
  float most = 0;
  for (const float v : x) most = std::max(most, std::fabs(v));
  const float d = most / 127;
  Block block = {.scale = Half(d)};
  for (const float v : x) {
    block.codes.push_back(static_cast<int>(std::lround(v * (1 / d))));
  }
  return block;
}

Block PlainSigned(const std::vector<float>& x, int bits) {
  float largest = 0;
  for (const float v : x) {
    if (std::fabs(v) > std::fabs(largest)) largest = v;
  }
  const int half = 1 << (bits - 1);
  const float d = largest / static_cast<float>(-half);
  Block block = {.scale = Half(d)};
  for (const float v : x) {
    const int code =
        static_cast<int>(v * (1 / d) + (static_cast<float>(half) + 0.5F));
    block.codes.push_back(std::min(code, 2 * half - 1) - half);
  }
  return block;
}

Block PlainQ4_1(const std::vector<float>& x) {
  const float least = *std::ranges::min_element(x);
  const float most = *std::ranges::max_element(x);
  const float d = (most - least) / 15;
  Block block = {.scale = Half(d), .offset = Half(least)};
  for (const float v : x) {
    block.codes.push_back(
        std::min(15, static_cast<int>((v - least) * (1 / d) + 0.5F)));
  }
  return block;
}

TEST(RoundingTest, BlocksOfGgufAreReadAsTheyWereStored) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    const std::vector<float> x = RandomValues(seed, 32);
    EXPECT_EQ(Rounded(Named("q8_0"), x), PlainQ8_0(x).Read()) << seed;
    EXPECT_EQ(Rounded(Named("q5_0"), x), PlainSigned(x, 5).Read()) << seed;
    EXPECT_EQ(Rounded(Named("q4_0"), x), PlainSigned(x, 4).Read()) << seed;
    EXPECT_EQ(Rounded(Named("q4_1"), x), PlainQ4_1(x).Read()) << seed;
  }
}

TEST(RoundingTest, SymmetricCodesAreTheNearest) {
  for (const Rounding& rounding : Roundings()) {
    if (rounding.scheme != RoundingScheme::kSymmetric) continue;
    const std::vector<float> x = RandomValues(7, 100);
    float most = 0;
    for (const float v : x) most = std::max(most, std::fabs(v));
    const int levels = (1 << (rounding.bits - 1)) - 1;
    const float scale = most / static_cast<float>(levels);
    const std::vector<float> rounded = Rounded(rounding, x);
    for (size_t i = 0; i < x.size(); ++i) {
      // The nearest of all values that a code can stand for.
      float nearest = 0;
      for (int code = -levels; code <= levels; ++code) {
        const float value = static_cast<float>(code) * scale;
        if (std::fabs(x[i] - value) < std::fabs(x[i] - nearest)) {
          nearest = value;
        }
      }
      EXPECT_FLOAT_EQ(rounded[i], nearest) << rounding.name;
    }
  }
}

TEST(RoundingTest, NothingMovesByMoreThanAStep) {
  for (const Rounding& rounding : Roundings()) {
    const std::vector<float> x = RandomValues(3, 64);
    const auto [least, most] = std::ranges::minmax(x);
    const float range =
        std::max(most, 0.0F) - std::min(least, 0.0F) + std::fabs(most + least);
    const float step = range / std::exp2(static_cast<float>(rounding.bits));
    const std::vector<float> rounded = Rounded(rounding, x);
    size_t num_moved = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      EXPECT_LE(std::fabs(rounded[i] - x[i]), 1.1F * step) << rounding.name;
      num_moved += rounded[i] != x[i];
    }
    EXPECT_GT(num_moved, 50u) << rounding.name;
  }
}

TEST(RoundingTest, ZerosStayAndConstantsAreKept) {
  for (const Rounding& rounding : Roundings()) {
    EXPECT_EQ(Rounded(rounding, std::vector<float>(32)), std::vector<float>(32))
        << rounding.name;
    for (const float rounded :
         Rounded(rounding, std::vector<float>(32, -0.25F))) {
      EXPECT_NEAR(rounded, -0.25F, 2e-4F) << rounding.name;
    }
  }
}

TEST(RoundingTest, AStrideTouchesItsOwnValuesOnly) {
  const std::vector<float> x = RandomValues(5, 96);
  for (const Rounding& rounding : Roundings()) {
    std::vector<float> column;
    for (size_t i = 1; i < 96; i += 3) column.push_back(x[i]);
    const std::vector<float> expected = Rounded(rounding, column);
    std::vector<float> strided = x;
    RoundGroup(rounding, 32, 3, strided.data() + 1);
    for (size_t i = 0; i < 96; ++i) {
      EXPECT_EQ(strided[i], i % 3 == 1 ? expected[i / 3] : x[i]);
    }
  }
}

}  // namespace
}  // namespace revlm::verify
