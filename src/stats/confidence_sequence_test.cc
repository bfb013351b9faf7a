#include "stats/confidence_sequence.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/random.h"

namespace revlm::stats {
namespace {

using ::testing::HasSubstr;

constexpr double kInf = std::numeric_limits<double>::infinity();

struct SlowAnswer {
  long double lower;
  long double upper;
  std::vector<long double> weights;
};

// The formulas of the header, from all values, with every sum anew.
SlowAnswer SlowInterval(const std::vector<double>& values, long double alpha) {
  const auto mean = [&](size_t t) {  // m_t
    long double sum = 0.5L;
    for (size_t i = 0; i < t; ++i) sum += values[i];
    return sum / static_cast<long double>(t + 1);
  };
  const auto variance = [&](size_t t) {  // v_t
    long double sum = 0.25L;
    for (size_t i = 1; i <= t; ++i) {
      sum += (values[i - 1] - mean(i)) * (values[i - 1] - mean(i));
    }
    return sum / static_cast<long double>(t + 1);
  };
  SlowAnswer answer;
  long double sum_of_weights = 0;
  long double weighted = 0;
  long double bound = std::log(2 / alpha);
  for (size_t t = 1; t <= values.size(); ++t) {
    const auto count = static_cast<long double>(t);
    const long double l = std::min(
        0.75L, std::sqrt(2 * std::log(2 / alpha) /
                         (variance(t - 1) * count * std::log(1 + count))));
    const long double psi = (-std::log(1 - l) - l) / 4;
    const long double surprise = values[t - 1] - mean(t - 1);
    answer.weights.push_back(l);
    sum_of_weights += l;
    weighted += l * values[t - 1];
    bound += 4 * surprise * surprise * psi;
  }
  const long double centre = weighted / sum_of_weights;
  answer.lower = std::max(0.0L, centre - bound / sum_of_weights);
  answer.upper = std::min(1.0L, centre + bound / sum_of_weights);
  return answer;
}

TEST(ConfidenceSequenceTest, IsThePlainFormula) {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    const double alpha = seed % 2 == 0 ? 0.01 : 0.2;
    auto sequence = ConfidenceSequence::Create(alpha).value();
    std::vector<double> values;
    for (uint64_t i = 0; i < 60; ++i) {
      values.push_back(
          std::pow(base::UniformDouble(seed, i), static_cast<double>(seed)));
      ASSERT_TRUE(sequence.Add(values.back()));
      const Interval interval = sequence.interval();
      const SlowAnswer slow = SlowInterval(values, alpha);
      ASSERT_NEAR(interval.lower, static_cast<double>(slow.lower), 1e-13);
      ASSERT_NEAR(interval.upper, static_cast<double>(slow.upper), 1e-13);
    }
  }
}

TEST(ConfidenceSequenceTest, KnowsNothingBeforeTheFirstValue) {
  const auto sequence = ConfidenceSequence::Create(0.01).value();
  EXPECT_EQ(sequence.interval().lower, 0);
  EXPECT_EQ(sequence.interval().upper, 1);
  EXPECT_EQ(sequence.num_values(), 0u);
}

TEST(ConfidenceSequenceTest, OneValueSaysLittle) {
  auto sequence = ConfidenceSequence::Create(0.01).value();
  ASSERT_TRUE(sequence.Add(0.5));
  EXPECT_EQ(sequence.interval().lower, 0);
  EXPECT_EQ(sequence.interval().upper, 1);
  EXPECT_EQ(sequence.num_values(), 1u);
}

TEST(ConfidenceSequenceTest, ClosesInOnTheMeanFasterWhereValuesVaryLittle) {
  auto coin = ConfidenceSequence::Create(0.01).value();
  auto narrow = ConfidenceSequence::Create(0.01).value();
  for (uint64_t i = 0; i < 20'000; ++i) {
    const double uniform = base::UniformDouble(11, i);
    ASSERT_TRUE(coin.Add(uniform < 0.3 ? 1 : 0));
    ASSERT_TRUE(narrow.Add(0.295 + 0.01 * uniform));
  }
  const double coin_width = coin.interval().upper - coin.interval().lower;
  const double narrow_width = narrow.interval().upper - narrow.interval().lower;
  // Of a number of values fixed before, the central limit theorem has 0.0167.
  // All times at once cost, with s the standard deviation and L = ln(2/alpha),
  // 2 s sqrt(L ln(t) / 8t) (1 + ln ln t) = 0.0545, or less early on.
  EXPECT_LT(coin_width, 0.0545);
  EXPECT_GT(coin_width, 2 * 0.0167);
  // 2 ln(200) / (3/4 * 20000), and a little for the variance.
  EXPECT_LT(narrow_width, 1.05 * 7.07e-4);
  EXPECT_GT(narrow_width, 7.06e-4);
  EXPECT_LT(narrow.interval().lower, 0.3);
  EXPECT_GT(narrow.interval().upper, 0.3);
}

TEST(ConfidenceSequenceTest, HoldsTheWeightedMeanWhereTheMeanDrifts) {
  // From 0.1 up to 0.9: the mean of all and the present mean are not covered.
  uint64_t num_misses = 0;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    auto sequence = ConfidenceSequence::Create(0.01).value();
    std::vector<double> values;
    std::vector<double> means;
    for (uint64_t i = 0; i < 120; ++i) {
      means.push_back(0.1 + 0.8 * static_cast<double>(i) / 120);
      values.push_back(base::UniformDouble(seed, i) < means.back() ? 1 : 0);
      ASSERT_TRUE(sequence.Add(values.back()));
    }
    const auto weights = SlowInterval(values, 0.01).weights;
    long double sum = 0;
    long double weighted = 0;
    for (size_t i = 0; i < means.size(); ++i) {
      sum += weights[i];
      weighted += weights[i] * means[i];
    }
    const auto target = static_cast<double>(weighted / sum);
    const Interval interval = sequence.interval();
    if (interval.lower > target || interval.upper < target) ++num_misses;
  }
  EXPECT_LE(num_misses, 6u);  // of 200 at 0.01: more have probability 0.005
}

TEST(ConfidenceSequenceTest, TenMillionValuesNeitherDriftNorOverflow) {
  auto sequence = ConfidenceSequence::Create(0.01).value();
  for (uint64_t i = 0; i < 10'000'000; ++i) {
    ASSERT_TRUE(sequence.Add(i % 4 == 0 ? 1 : 0));
  }
  const Interval interval = sequence.interval();
  EXPECT_LT(interval.lower, 0.25);
  EXPECT_GT(interval.upper, 0.25);
  // By the same estimate as above.
  EXPECT_LT(interval.upper - interval.lower, 0.0034);
  EXPECT_NEAR((interval.upper + interval.lower) / 2, 0.25, 1e-4);
}

TEST(ConfidenceSequenceTest, RefusesValuesOutOfBoundsAndStaysAsItWas) {
  auto sequence = ConfidenceSequence::Create(0.01).value();
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(sequence.Add(0.25));
  const Interval before = sequence.interval();
  for (const double bad :
       {std::nan(""), kInf, -kInf, -1e-300, std::nextafter(1.0, 2.0)}) {
    const Status status = sequence.Add(bad);
    ASSERT_FALSE(status) << bad;
    EXPECT_EQ(status.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(status.error().message, HasSubstr("allowed are 0 to 1"));
  }
  EXPECT_EQ(sequence.interval().lower, before.lower);
  EXPECT_EQ(sequence.interval().upper, before.upper);
  EXPECT_EQ(sequence.num_values(), 50u);
}

TEST(ConfidenceSequenceTest, RefusesImpossibleErrorRates) {
  for (const double bad : {0.0, 1.0, -0.1, kInf, std::nan("")}) {
    const auto sequence = ConfidenceSequence::Create(bad);
    ASSERT_FALSE(sequence) << bad;
    EXPECT_EQ(sequence.error().code, ErrorCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace revlm::stats
