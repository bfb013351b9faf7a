// How many values the tests of this module need beside what no test can beat.
#include <gtest/gtest.h>

#include <cstdio>
#include <string>

#include "support/audits.h"

namespace revlm::stats {
namespace {

// Of the median, as a multiple of ln(1/alpha) / KL.
double MostOverBound(const std::string& name) {
  if (name.starts_with("catalogue that holds it")) return 1.4;
  if (name.starts_with("catalogue with a near miss")) return 2.0;
  if (name.starts_with("bet")) return 2.0;
  if (name.starts_with("SAME")) return 1.5;
  if (name.starts_with("DIFFERENT")) return 2.5;
  // Typicality is one number of an answer's whole distribution, and what is
  // typical is learned from 20 answers.
  return 25;
}

TEST(PowerTest, VerdictsComeNearTheBound) {
  const auto powers = testing::MeasurePower(100);
  EXPECT_GE(powers.size(), 20u);
  for (const testing::Power& power : powers) {
    std::printf("%-52s bound %6.0f  median %6llu  90 %% %6llu\n",
                power.name.c_str(), power.bound,
                static_cast<unsigned long long>(power.median),
                static_cast<unsigned long long>(power.percentile_90));
    // Nothing is faster on average than the bound; a median may be.
    EXPECT_GT(static_cast<double>(power.median), 0.6 * power.bound)
        << power.name;
    EXPECT_LT(static_cast<double>(power.median),
              MostOverBound(power.name) * power.bound)
        << power.name;
    EXPECT_LE(power.percentile_90, 4 * power.median) << power.name;
  }
}

}  // namespace
}  // namespace revlm::stats
