#include "stats/binomial.h"

#include <gmock/gmock.h>

#include <cmath>

namespace revlm::stats {
namespace {

// The probability of `from` to `to` of n, by multiplying it out.
long double SlowProbability(uint64_t from, uint64_t to, uint64_t n,
                            long double rate) {
  long double sum = 0;
  for (uint64_t k = from; k <= to; ++k) {
    long double log_term = static_cast<long double>(k) * std::log(rate) +
                           static_cast<long double>(n - k) * std::log1p(-rate);
    for (uint64_t i = 1; i <= k; ++i) {
      log_term += std::log(static_cast<long double>(n - k + i)) -
                  std::log(static_cast<long double>(i));
    }
    sum += std::exp(log_term);
  }
  return sum;
}

TEST(BinomialTest, LimitsAreWhereTheTailHasItsProbability) {
  for (const uint64_t n : {1, 2, 7, 30, 400}) {
    for (uint64_t k = 0; k <= n; k += 1 + n / 9) {
      for (const double miss : {0.5, 0.05, 1e-6}) {
        if (k < n) {
          const double upper = UpperRateLimit(k, n, miss).value();
          EXPECT_NEAR(
              static_cast<double>(SlowProbability(0, k, n, upper)) / miss, 1,
              1e-9)
              << k << " of " << n << ", " << miss;
        }
        if (k > 0) {
          const double lower = LowerRateLimit(k, n, miss).value();
          EXPECT_NEAR(
              static_cast<double>(SlowProbability(k, n, n, lower)) / miss, 1,
              1e-9)
              << k << " of " << n << ", " << miss;
        }
      }
    }
  }
}

TEST(BinomialTest, KnownLimits) {
  // The rule of three, exactly: 1 - 0.05^(1/n).
  EXPECT_NEAR(UpperRateLimit(0, 1000, 0.05).value(), 0.0029912, 1e-7);
  // A table's interval of 95 % for 1 of 10.
  EXPECT_NEAR(LowerRateLimit(1, 10, 0.025).value(), 0.00252858, 1e-8);
  EXPECT_NEAR(UpperRateLimit(1, 10, 0.025).value(), 0.44501612, 1e-8);
}

TEST(BinomialTest, AMillionAuditsAreSummedExactly) {
  constexpr uint64_t kNumAudits = 1'000'000;
  constexpr uint64_t kNumErrors = 10'000;
  const double upper = UpperRateLimit(kNumErrors, kNumAudits, 0.05).value();
  // All terms, each from the one before: from ln P(0) = n ln(1 - rate) up.
  const long double rate = upper;
  const auto n = static_cast<long double>(kNumAudits);
  long double log_term = n * std::log1p(-rate);
  long double sum = std::exp(log_term);
  for (uint64_t i = 1; i <= kNumErrors; ++i) {
    const auto k = static_cast<long double>(i);
    log_term += std::log((n - k + 1) / k * rate / (1 - rate));
    sum += std::exp(log_term);
  }
  EXPECT_NEAR(static_cast<double>(sum), 0.05, 1e-9);
}

TEST(BinomialTest, NoErrorsAndNothingButErrors) {
  EXPECT_EQ(LowerRateLimit(0, 50, 0.05).value(), 0);
  EXPECT_EQ(UpperRateLimit(50, 50, 0.05).value(), 1);
  EXPECT_NEAR(LowerRateLimit(50, 50, 0.05).value(), std::pow(0.05, 1.0 / 50),
              1e-15);
}

TEST(BinomialTest, TheMostAuditsAreStillCounted) {
  constexpr uint64_t kMost = 1'000'000'000'000;
  const double upper = UpperRateLimit(kMost / 2, kMost, 0.025).value();
  EXPECT_NEAR(upper - 0.5, 1.959964 * 0.5e-6, 1e-11);
}

TEST(BinomialTest, RefusesCountsThatCannotBe) {
  EXPECT_FALSE(UpperRateLimit(0, 0, 0.05));
  EXPECT_FALSE(UpperRateLimit(11, 10, 0.05));
  EXPECT_FALSE(UpperRateLimit(1, 1'000'000'000'001, 0.05));
  for (const double bad : {0.0, 0.51, 1.0, -0.1, std::nan("")}) {
    const auto limit = LowerRateLimit(1, 10, bad);
    ASSERT_FALSE(limit) << bad;
    EXPECT_EQ(limit.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(limit.error().message, ::testing::HasSubstr("1 errors of 10"));
  }
}

}  // namespace
}  // namespace revlm::stats
