// How often a verdict is wrong when it is formed after every prompt.
// `revlm_error_rates` prints the same for more and longer audits.
#include <gtest/gtest.h>

#include "stats/binomial.h"
#include "support/verdict_audits.h"

namespace revlm::verify {
namespace {

TEST(VerdictErrorRateTest, StaysBelowAlphaWithALookAfterEveryPrompt) {
  const auto rates = testing::MeasureVerdictErrorRates(2000, 200);
  for (const testing::ErrorRate& rate : rates) {
    if (rate.num_audits < 2000) {
      EXPECT_EQ(rate.num_errors, 0u) << rate.name;
      continue;
    }
    EXPECT_LE(
        stats::UpperRateLimit(rate.num_errors, rate.num_audits, 0.05).value(),
        0.012)
        << rate.name << ": " << rate.num_errors;
  }
  EXPECT_GE(rates.size(), 6u);
}

// The audits can say DIFFERENT: one that never does would never be wrong.
TEST(VerdictErrorRateTest, FindsWhatIsThere) {
  EXPECT_GE(testing::CountFoundDifferent(10, 100, 8), 99u);
  EXPECT_GE(testing::CountFoundDifferent(3, 100, 25), 99u);
}

}  // namespace
}  // namespace revlm::verify
