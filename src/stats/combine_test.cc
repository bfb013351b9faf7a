#include "stats/combine.h"

#include <gmock/gmock.h>

#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "base/random.h"

namespace revlm::stats {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr double kInf = std::numeric_limits<double>::infinity();

TEST(CombineTest, ProductsAndMeansAreThoseOfPlainNumbers) {
  const std::array log_es = {std::log(2), std::log(0.5), std::log(40)};
  EXPECT_NEAR(LogProduct(log_es).value(), std::log(40), 1e-15);
  EXPECT_NEAR(LogMean(log_es, std::array{1.0, 1.0, 1.0}).value(),
              std::log(42.5 / 3), 1e-15);
  EXPECT_NEAR(LogMean(log_es, std::array{1.0, 0.0, 3.0}).value(),
              std::log(30.5), 1e-15);
}

TEST(CombineTest, EvidenceBeyondADoubleIsHeld) {
  EXPECT_EQ(LogProduct(std::array{1e6, 2e6}).value(), 3e6);
  EXPECT_DOUBLE_EQ(LogMean(std::array{1e6, -1e6}, std::array{1.0, 1.0}).value(),
                   1e6 - std::log(2));
}

TEST(CombineTest, AZeroEndsAProductAndNotAMean) {
  EXPECT_EQ(LogProduct(std::array{-kInf, 5.0}).value(), -kInf);
  EXPECT_DOUBLE_EQ(
      LogMean(std::array{-kInf, 5.0}, std::array{1.0, 1.0}).value(),
      5 - std::log(2));
}

TEST(CombineTest, RefusesWhatIsNoEvidence) {
  const std::array weights = {1.0, 1.0};
  for (const double bad : {std::nan(""), kInf}) {
    EXPECT_FALSE(LogProduct(std::array{0.0, bad}));
    EXPECT_FALSE(LogMean(std::array{bad, 0.0}, weights));
    EXPECT_FALSE(RejectedByEBh(std::array{0.0, bad}, 0.01));
  }
  EXPECT_FALSE(LogProduct({}));
  EXPECT_FALSE(LogMean({}, {}));
}

TEST(CombineTest, RefusesImpossibleWeights) {
  const std::array log_es = {0.0, 1.0};
  EXPECT_FALSE(LogMean(log_es, std::array{1.0}));
  EXPECT_FALSE(LogMean(log_es, std::array{0.0, 0.0}));
  EXPECT_FALSE(LogMean(log_es, std::array{2.0, -1.0}));
  EXPECT_FALSE(LogMean(log_es, std::array{1.0, kInf}));
  EXPECT_FALSE(LogMean(log_es, std::array{1.0, std::nan("")}));
}

TEST(CombineTest, EBhByHand) {
  // m = 4, alpha = 0.1: the largest needs 40, two need 20 each, three 13.4.
  const auto rejected = [](std::vector<double> es) {
    for (double& e : es) e = std::log(e);
    return RejectedByEBh(es, 0.1).value();
  };
  EXPECT_THAT(rejected({1, 39, 1, 1}), IsEmpty());
  EXPECT_THAT(rejected({1, 41, 1, 1}), ElementsAre(1));
  EXPECT_THAT(rejected({21, 1, 21, 1}), ElementsAre(0, 2));
  EXPECT_THAT(rejected({14, 1, 14, 14}), ElementsAre(0, 2, 3));
  EXPECT_THAT(rejected({11, 11, 11, 11}), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(rejected({9, 9, 9, 1000}), ElementsAre(3));
}

TEST(CombineTest, EBhOfNoneAndOfOne) {
  EXPECT_THAT(RejectedByEBh({}, 0.01).value(), IsEmpty());
  EXPECT_THAT(RejectedByEBh(std::array{std::log(101)}, 0.01).value(),
              ElementsAre(0));
  EXPECT_THAT(RejectedByEBh(std::array{std::log(99)}, 0.01).value(), IsEmpty());
  EXPECT_THAT(RejectedByEBh(std::array{-kInf}, 0.01).value(), IsEmpty());
  for (const double bad : {0.0, 1.0, -1.0, std::nan("")}) {
    EXPECT_FALSE(RejectedByEBh(std::array{0.0}, bad));
  }
}

// The definition: the largest set of which every member has m/(alpha size).
std::vector<size_t> SlowEBh(const std::vector<double>& es, double alpha) {
  const size_t m = es.size();
  std::vector<size_t> best;
  for (uint32_t set = 0; set < (1u << m); ++set) {
    std::vector<size_t> members;
    for (size_t i = 0; i < m; ++i) {
      if ((set >> i & 1) != 0) members.push_back(i);
    }
    bool holds = members.size() > best.size();
    for (const size_t i : members) {
      holds = holds && es[i] * alpha * static_cast<double>(members.size()) >=
                           static_cast<double>(m);
    }
    if (holds) best = members;
  }
  return best;
}

TEST(CombineTest, EBhIsTheLargestSetThatMeetsItsBar) {
  size_t num_rejected = 0;
  for (uint64_t seed = 0; seed < 500; ++seed) {
    std::vector<double> es(1 + seed % 9);
    std::vector<double> log_es;
    for (size_t i = 0; i < es.size(); ++i) {
      es[i] = std::exp(8 * base::UniformDouble(seed, i));
      log_es.push_back(std::log(es[i]));
    }
    const auto rejected = RejectedByEBh(log_es, 0.05).value();
    EXPECT_EQ(rejected, SlowEBh(es, 0.05)) << seed;
    num_rejected += rejected.size();
  }
  EXPECT_GT(num_rejected, 500u);
  EXPECT_LT(num_rejected, 2400u);
}

}  // namespace
}  // namespace revlm::stats
