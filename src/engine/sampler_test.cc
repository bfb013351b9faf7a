#include "engine/sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

namespace revlm::engine {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// What the header promises, in the plainest way: probabilities by id.
std::vector<double> Expected(const std::vector<float>& logits,
                             const Sampling& sampling) {
  std::vector<size_t> order(logits.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return logits[a] > logits[b]; });
  if (sampling.top_k > 0) {
    order.resize(std::min(order.size(), static_cast<size_t>(sampling.top_k)));
  }
  std::vector<double> probabilities(logits.size(), 0);
  double total = 0;
  for (const size_t id : order) {
    probabilities[id] = std::exp(static_cast<double>(logits[id]) /
                                 static_cast<double>(sampling.temperature));
    total += probabilities[id];
  }
  double before = 0;  // probability of all better ones
  double kept = 0;
  for (const size_t id : order) {
    const double p = probabilities[id] / total;
    probabilities[id] =
        before < static_cast<double>(sampling.top_p) || before == 0 ? p : 0;
    kept += probabilities[id];
    before += p;
  }
  for (double& p : probabilities) p /= kept;
  return probabilities;
}

TEST(SamplerTest, FrequenciesAreTheDistribution) {
  const std::vector<float> logits = {0.5f,  2.0f, -1.0f, 1.0f,
                                     -3.0f, 2.0f, 0.0f,  -9.0f};
  const std::vector<Sampling> cases = {
      {.temperature = 1},
      {.temperature = 0.5f},
      {.temperature = 3},
      {.temperature = 1, .top_k = 3},
      {.temperature = 1, .top_k = 100},
      {.temperature = 1, .top_p = 0.7f},
      {.temperature = 2, .top_p = 0.9f},
      {.temperature = 1.5f, .top_k = 5, .top_p = 0.8f},
  };
  for (size_t c = 0; c < cases.size(); ++c) {
    Sampling sampling = cases[c];
    sampling.seed = 100 + c;
    const std::vector<double> expected = Expected(logits, sampling);
    std::vector<int> counts(logits.size(), 0);
    constexpr int kDraws = 100'000;
    for (int i = 0; i < kDraws; ++i) {
      ++counts[static_cast<size_t>(
          SampleToken(logits, sampling, static_cast<uint64_t>(i)))];
    }
    double chi_square = 0;
    for (size_t id = 0; id < logits.size(); ++id) {
      if (expected[id] == 0) {
        EXPECT_EQ(counts[id], 0) << "case " << c << ", id " << id;
        continue;
      }
      const double mean = kDraws * expected[id];
      chi_square += (counts[id] - mean) * (counts[id] - mean) / mean;
    }
    EXPECT_LT(chi_square, 24.3) << "case " << c;  // 7 degrees, p = 0.001
  }
}

TEST(SamplerTest, NarrowSettingsChooseTheFirstOfTheBest) {
  const std::vector<float> logits = {1, 7, -kInf, 7, 6.99f, kNan, 7};
  for (uint64_t i = 0; i < 200; ++i) {
    EXPECT_EQ(SampleToken(logits, {.temperature = 1, .top_k = 1}, i), 1);
    EXPECT_EQ(SampleToken(logits, {.temperature = 1, .top_p = 0}, i), 1);
    EXPECT_EQ(SampleToken({logits.data(), 3}, {.temperature = 1e-30f}, i), 1);
    // Of three equals the two with the lowest ids stay.
    const int32_t id = SampleToken(logits, {.temperature = 1, .top_k = 2}, i);
    EXPECT_TRUE(id == 1 || id == 3) << id;
  }
}

TEST(SamplerTest, LogitsThatAreNotNumbersNeverWin) {
  const Sampling sampling = {.temperature = 1};
  bool seen[2] = {false, false};
  for (uint64_t i = 0; i < 200; ++i) {
    EXPECT_EQ(SampleToken(std::vector<float>{kNan, 0, kNan}, sampling, i), 1);
    EXPECT_EQ(SampleToken(std::vector<float>{kNan, kNan}, sampling, i), 0);
    EXPECT_EQ(SampleToken(std::vector<float>{-kInf, 0, -kInf}, sampling, i), 1);
    EXPECT_EQ(SampleToken(std::vector<float>{3, kInf, 4}, sampling, i), 1);
    const int32_t id =
        SampleToken(std::vector<float>{-kInf, kNan, -kInf}, sampling, i);
    ASSERT_TRUE(id == 0 || id == 2) << id;
    seen[id / 2] = true;
  }
  EXPECT_TRUE(seen[0] && seen[1]);  // equals have equal chances
}

TEST(SamplerTest, SeedAndDrawAloneDecide) {
  const std::vector<float> logits(50, 0.0f);
  auto draw = [&](uint64_t seed) {
    std::vector<int32_t> ids;
    for (uint64_t i = 0; i < 20; ++i) {
      ids.push_back(SampleToken(logits, {.temperature = 1, .seed = seed}, i));
    }
    return ids;
  };
  const std::vector<int32_t> first = draw(1);
  EXPECT_EQ(draw(1), first);
  EXPECT_NE(draw(2), first);
  EXPECT_EQ(SampleToken(logits, {.temperature = 1, .seed = 1}, 13), first[13]);
}

}  // namespace
}  // namespace revlm::engine
