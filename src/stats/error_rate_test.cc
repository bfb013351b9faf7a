// How often each test of this module is wrong when it is looked at after every
// value. `revlm_error_rates` prints the same for more and longer audits.
#include <gtest/gtest.h>

#include "stats/binomial.h"
#include "support/audits.h"

namespace revlm::stats {
namespace {

TEST(ErrorRateTest, StaysBelowAlphaWithALookAfterEveryValue) {
  const auto rates = testing::MeasureErrorRates(2000, 500);
  uint64_t num_errors = 0;
  for (const testing::ErrorRate& rate : rates) {
    EXPECT_EQ(rate.num_audits, 2000u);
    EXPECT_LE(UpperRateLimit(rate.num_errors, rate.num_audits, 0.05).value(),
              0.012)
        << rate.name << ": " << rate.num_errors;
    num_errors += rate.num_errors;
  }
  EXPECT_GE(rates.size(), 30u);
  // The audits can be wrong: a test that is never wrong would be idle.
  EXPECT_GT(num_errors, 50u);
}

// A look after every value finds something in a test that is not made for it.
TEST(ErrorRateTest, ATestOfOneLookIsFoundOut) {
  uint64_t num_errors = 0;
  for (uint64_t seed = 0; seed < 500; ++seed) {
    double sum = 0;
    for (uint64_t i = 0; i < 500; ++i) {
      sum += 2 * testing::Streams()[0].draw(seed, i) - 1;
      // Two standard deviations and a half: 0.0062 at one look.
      if (i >= 9 && sum * sum > 6.25 * static_cast<double>(i + 1)) {
        ++num_errors;
        break;
      }
    }
  }
  EXPECT_GT(num_errors, 35u);  // 0.07
}

}  // namespace
}  // namespace revlm::stats
