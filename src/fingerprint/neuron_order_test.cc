#include "fingerprint/neuron_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "base/random.h"
#include "stats/binomial.h"

namespace revlm::fingerprint {
namespace {

std::vector<int32_t> Shuffled(uint64_t seed, int32_t n) {
  std::vector<int32_t> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  for (int32_t i = n - 1; i > 0; --i) {
    const auto j = static_cast<int32_t>(
        base::UniformDouble(seed, static_cast<uint64_t>(i)) * (i + 1));
    std::swap(order[static_cast<size_t>(i)], order[static_cast<size_t>(j)]);
  }
  return order;
}

// Pearson's correlation of the ranks, from its definition.
double ReferenceCorrelation(const std::vector<int32_t>& a,
                            const std::vector<int32_t>& b) {
  const auto n = static_cast<double>(a.size());
  const double mean = (n - 1) / 2;
  double product = 0;
  double squares = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    product += (a[i] - mean) * (b[i] - mean);
    squares += (a[i] - mean) * (a[i] - mean);
  }
  return product / squares;
}

TEST(NeuronOrderTest, TheCorrelationIsPearsonsOfTheRanks) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const auto a = Shuffled(seed, 50);
    const auto b = Shuffled(seed + 1000, 50);
    EXPECT_NEAR(CompareOrders(a, b).z, ReferenceCorrelation(a, b) * 7, 1e-12);
  }
}

TEST(NeuronOrderTest, EqualOrdersOfManyUnitsDoNotUnderflow) {
  const auto order = Shuffled(1, 11008);
  const OrderTest test = CompareOrders(order, order);
  EXPECT_NEAR(test.z, std::sqrt(11007.0), 1e-9);
  EXPECT_LT(test.log_p, -5500);
  EXPECT_TRUE(std::isfinite(test.log_p));
  const auto few = Shuffled(1, 4);
  EXPECT_GE(CompareOrders(few, few).log_p, -std::log(24.0) - 1e-12);
}

// All orders of 7 units against one: the exact distribution.
TEST(NeuronOrderTest, TheTailIsNotBelowTheExactOneWhereItMatters) {
  std::vector<int32_t> order = {0, 1, 2, 3, 4, 5, 6};
  const std::vector<int32_t> fixed = order;
  std::vector<double> log_ps;
  do {
    log_ps.push_back(CompareOrders(order, fixed).log_p);
  } while (std::ranges::next_permutation(order).found);
  for (const double alpha : {0.05, 0.01, 0.001}) {
    const auto errors = std::ranges::count_if(
        log_ps, [&](double log_p) { return log_p <= std::log(alpha); });
    EXPECT_LE(static_cast<double>(errors),
              1.1 * alpha * static_cast<double>(log_ps.size()))
        << alpha;
  }
}

TEST(NeuronOrderTest, IndependentOrdersAreCalledDependentAsOftenAsStated) {
  constexpr uint64_t kAudits = 20000;
  uint64_t errors = 0;
  for (uint64_t i = 0; i < kAudits; ++i) {
    std::vector<double> log_ps;
    for (uint64_t layer = 0; layer < 3; ++layer) {
      log_ps.push_back(CompareOrders(Shuffled(6 * i + 2 * layer, 32),
                                     Shuffled(6 * i + 2 * layer + 1, 32))
                           .log_p);
    }
    errors += CombineLogP(log_ps) <= std::log(0.01) ? 1 : 0;
  }
  EXPECT_LE(stats::UpperRateLimit(errors, kAudits, 0.05).value(), 0.0125);
  EXPECT_GE(errors, kAudits / 200);
}

TEST(NeuronOrderTest, FishersMethodIsTheChiSquaredTail) {
  const double one[] = {-3.0};
  EXPECT_NEAR(CombineLogP(one), -3, 1e-12);
  const double two[] = {-1.0, -2.0};  // e^-3 (1 + 3)
  EXPECT_NEAR(CombineLogP(two), -3 + std::log(4.0), 1e-12);
  const double huge[] = {-1e5, -1e5};
  EXPECT_NEAR(CombineLogP(huge), -2e5 + std::log(200001.0), 1e-6);
  EXPECT_EQ(CombineLogP({}), 0);
  const double nothing[] = {0.0, 0.0};
  EXPECT_EQ(CombineLogP(nothing), 0);
}

}  // namespace
}  // namespace revlm::fingerprint
