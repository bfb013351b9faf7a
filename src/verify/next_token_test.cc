#include "verify/next_token.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/random.h"

namespace revlm::verify {
namespace {

std::vector<float> DrawLogits(size_t count, double spread, uint64_t seed) {
  std::vector<float> logits;
  for (size_t i = 0; i < count; ++i) {
    logits.push_back(
        static_cast<float>(spread * (base::UniformDouble(seed, i) - 0.5)));
  }
  return logits;
}

Distribution FromLogits(const std::vector<float>& logits) {
  Distribution distribution;
  SetFromLogits(logits, distribution);
  return distribution;
}

// The definition, with more digits.
long double PlainKl(const std::vector<float>& a, const std::vector<float>& b) {
  const auto log_sum = [](const std::vector<float>& logits) {
    long double sum = 0;
    for (const float logit : logits) {
      sum += std::exp(static_cast<long double>(logit));
    }
    return std::log(sum);
  };
  const long double log_a = log_sum(a);
  const long double log_b = log_sum(b);
  long double kl = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const long double log_p = a[i] - log_a;
    kl += std::exp(log_p) * (log_p - (b[i] - log_b));
  }
  return kl;
}

TEST(NextTokenTest, CertaintyIsTheMeanOverPositions) {
  constexpr size_t kVocabulary = 300;
  std::vector<float> logits;
  double entropy = 0;
  double top = 0;
  for (const double spread : {0.0, 3.0, 40.0, 5000.0}) {
    const auto row = DrawLogits(kVocabulary, spread, 1);
    logits.insert(logits.end(), row.begin(), row.end());
    const Distribution next = FromLogits(row);
    double largest = 0;
    for (const double p : next.p) {
      if (p > 0) entropy -= p * std::log(p) / 4;
      largest = std::max(largest, p);
    }
    top += largest / 4;
  }
  Distribution workspace;
  const Certainty found = CertaintyOf(logits, kVocabulary, workspace);
  EXPECT_NEAR(found.mean_entropy_nats, entropy, 1e-9);
  EXPECT_NEAR(found.mean_top_probability, top, 1e-12);
  // All alike: nothing is more probable than another.
  const std::vector<float> alike(kVocabulary, 2.5f);
  EXPECT_NEAR(CertaintyOf(alike, kVocabulary, workspace).mean_entropy_nats,
              std::log(kVocabulary), 1e-12);
}

TEST(NextTokenTest, IsTheDefinition) {
  for (const double spread : {0.1, 3.0, 40.0}) {
    for (uint64_t seed = 0; seed < 20; ++seed) {
      const auto a = DrawLogits(300, spread, 2 * seed);
      const auto b = DrawLogits(300, spread, 2 * seed + 1);
      const BothNats both = Divergences(FromLogits(a), FromLogits(b));
      const auto expected = static_cast<double>(PlainKl(a, b));
      const auto mirror = static_cast<double>(PlainKl(b, a));
      EXPECT_NEAR(both.nats, expected, 1e-12 * (1 + expected));
      EXPECT_NEAR(both.mirror, mirror, 1e-12 * (1 + mirror));
    }
  }
}

TEST(NextTokenTest, SmallDivergencesKeepTheirDigits) {
  for (const float change : {1e-2f, 1e-3f, 1e-4f}) {
    auto a = DrawLogits(100, 5, 3);
    auto b = a;
    for (size_t i = 0; i < b.size(); i += 2) b[i] += change;
    const double found = Divergences(FromLogits(a), FromLogits(b)).nats;
    const auto expected = static_cast<double>(PlainKl(a, b));
    EXPECT_GT(found, 0);
    EXPECT_NEAR(found / expected, 1, 1e-6) << change;
  }
}

TEST(NextTokenTest, EqualLogitsAreExactlyZeroApart) {
  const auto a = DrawLogits(1000, 30, 5);
  const BothNats both = Divergences(FromLogits(a), FromLogits(a));
  EXPECT_EQ(both.nats, 0);
  EXPECT_EQ(both.mirror, 0);
}

TEST(NextTokenTest, AConstantAddedToAllLogitsIsNoDifference) {
  const auto a = DrawLogits(100, 4, 6);
  auto b = a;
  for (float& logit : b) logit += 8;  // exact in floating point, nearly
  EXPECT_LT(Divergences(FromLogits(a), FromLogits(b)).nats, 1e-12);
}

TEST(NextTokenTest, LogitsFarApartStayFinite) {
  std::vector<float> a(50, -3e38f);
  std::vector<float> b(50, -3e38f);
  a[3] = 3e38f;
  b[4] = 3e38f;
  const BothNats both = Divergences(FromLogits(a), FromLogits(b));
  EXPECT_TRUE(std::isfinite(both.nats));
  EXPECT_GT(both.nats, 1e30);
  EXPECT_EQ(both.nats, both.mirror);
}

TEST(NextTokenTest, BytesNeverSayMoreThanTokens) {
  std::vector<uint16_t> first_bytes;
  for (size_t i = 0; i < 400; ++i) {
    first_bytes.push_back(
        static_cast<uint16_t>(base::RandomBits(7, i) % kNumFirstBytes));
  }
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const auto a = FromLogits(DrawLogits(400, 6, 2 * seed));
    const auto b = FromLogits(DrawLogits(400, 6, 2 * seed + 1));
    Distribution bytes_a;
    Distribution bytes_b;
    SetFromTokens(a, first_bytes, bytes_a);
    SetFromTokens(b, first_bytes, bytes_b);
    const BothNats of_tokens = Divergences(a, b);
    const BothNats of_bytes = Divergences(bytes_a, bytes_b);
    EXPECT_LE(of_bytes.nats, of_tokens.nats);
    EXPECT_LE(of_bytes.mirror, of_tokens.mirror);
    EXPECT_GT(of_bytes.nats, 0);
  }
}

TEST(NextTokenTest, ABytePerTokenSaysAsMuch) {
  std::vector<uint16_t> first_bytes;
  for (uint16_t i = 0; i < 200; ++i) first_bytes.push_back(i);
  const auto a = FromLogits(DrawLogits(200, 6, 1));
  const auto b = FromLogits(DrawLogits(200, 6, 2));
  Distribution bytes_a;
  Distribution bytes_b;
  SetFromTokens(a, first_bytes, bytes_a);
  SetFromTokens(b, first_bytes, bytes_b);
  EXPECT_NEAR(Divergences(bytes_a, bytes_b).nats, Divergences(a, b).nats,
              1e-12);
}

}  // namespace
}  // namespace revlm::verify
