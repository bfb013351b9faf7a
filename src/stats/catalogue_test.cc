#include "stats/catalogue.h"

#include <gmock/gmock.h>

#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "base/random.h"

namespace revlm::stats {
namespace {

using ::testing::HasSubstr;

constexpr double kInf = std::numeric_limits<double>::infinity();

TEST(CatalogueTest, IsThePlainMixtureOfProducts) {
  const std::vector<Alternative> alternatives = {
      {.prior = 3}, {.prior = 1, .share = 0.25}, {.prior = 6, .share = 0.9}};
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    auto catalogue = Catalogue::Create(alternatives).value();
    std::array<long double, 3> products = {0.3L, 0.1L, 0.6L};
    for (uint64_t request = 0; request < 200; ++request) {
      std::array<double, 3> log_ratios;
      for (size_t i = 0; i < 3; ++i) {
        log_ratios[i] = 4 * base::UniformDouble(seed, 3 * request + i) - 2;
        products[i] *= 1 - alternatives[i].share +
                       alternatives[i].share * std::exp(log_ratios[i]);
      }
      ASSERT_TRUE(catalogue.Add(log_ratios));
      const long double e = products[0] + products[1] + products[2];
      ASSERT_NEAR(catalogue.e_process().log_e(),
                  static_cast<double>(std::log(e)), 1e-10);
      const auto posterior = catalogue.Posterior();
      for (size_t i = 0; i < 3; ++i) {
        ASSERT_NEAR(posterior[i], static_cast<double>(products[i] / e), 1e-10);
        ASSERT_LE(posterior[i], posterior[catalogue.Best()]);
      }
    }
  }
}

TEST(CatalogueTest, BeginsWithThePriorsAndNoEvidence) {
  const auto catalogue = Catalogue::Create(std::array{Alternative{.prior = 1},
                                                      Alternative{.prior = 3}})
                             .value();
  EXPECT_EQ(catalogue.e_process().e(), 1);
  EXPECT_NEAR(catalogue.Posterior()[0], 0.25, 1e-15);
  EXPECT_NEAR(catalogue.Posterior()[1], 0.75, 1e-15);
  EXPECT_EQ(catalogue.Best(), 1u);
}

TEST(CatalogueTest, NoTextGivesNoEvidence) {
  auto catalogue =
      Catalogue::Create(std::array{Alternative{}, Alternative{.share = 0.3}})
          .value();
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(catalogue.Add(std::array{0.0, 0.0}));
  }
  EXPECT_NEAR(catalogue.e_process().log_e(), 0, 1e-12);
}

TEST(CatalogueTest, AMixtureLosesAtMostItsShareByARequest) {
  auto catalogue =
      Catalogue::Create(std::array{Alternative{.share = 0.2}}).value();
  ASSERT_TRUE(catalogue.Add(std::array{-1e300}));
  EXPECT_NEAR(catalogue.e_process().e(), 0.8, 1e-15);
}

TEST(CatalogueTest, TenMillionRequestsNeitherDriftNorOverflow) {
  auto catalogue =
      Catalogue::Create(std::array{Alternative{}, Alternative{}}).value();
  for (int i = 0; i < 10'000'000; ++i) {
    const double log_ratio = i % 2 == 0 ? 0.75 : -0.5;
    ASSERT_TRUE(catalogue.Add(std::array{log_ratio, -log_ratio}));
  }
  const double expected = 5e6 * 0.25 - std::log(2);
  EXPECT_NEAR(catalogue.e_process().log_e() / expected, 1, 1e-12);
  EXPECT_EQ(catalogue.Best(), 0u);
  EXPECT_EQ(catalogue.Posterior()[0], 1);
  EXPECT_EQ(catalogue.Posterior()[1], 0);
}

TEST(CatalogueTest, HugeRatiosOfOneRequestAreHeld) {
  auto catalogue =
      Catalogue::Create(std::array{Alternative{}, Alternative{.share = 0.5}})
          .value();
  ASSERT_TRUE(catalogue.Add(std::array{1e5, -1e5}));
  ASSERT_TRUE(catalogue.Add(std::array{-2e5, 1e5}));
  EXPECT_NEAR(catalogue.e_process().log_e(), 1e5 - 3 * std::log(2), 1e-9);
  EXPECT_EQ(catalogue.Best(), 1u);
}

TEST(CatalogueTest, RatiosThatOverflowTogetherAreAnError) {
  auto catalogue = Catalogue::Create(std::array{Alternative{}}).value();
  ASSERT_TRUE(catalogue.Add(std::array{1.7e308}));
  EXPECT_FALSE(catalogue.Add(std::array{1.7e308}));
  EXPECT_EQ(catalogue.e_process().log_e(), 1.7e308);
  EXPECT_TRUE(catalogue.Add(std::array{-1.7e308}));
  EXPECT_EQ(catalogue.e_process().log_e(), 0);
}

TEST(CatalogueTest, RefusesRequestsThatDoNotFitAndStaysAsItWas) {
  auto catalogue =
      Catalogue::Create(std::array{Alternative{}, Alternative{}}).value();
  ASSERT_TRUE(catalogue.Add(std::array{1.0, 2.0}));
  const double log_e = catalogue.e_process().log_e();
  for (const double bad : {std::nan(""), kInf, -kInf}) {
    const Status status = catalogue.Add(std::array{1.0, bad});
    ASSERT_FALSE(status) << bad;
    EXPECT_EQ(status.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(status.error().message, HasSubstr("for alternative 1"));
  }
  EXPECT_FALSE(catalogue.Add(std::array{1.0}));
  EXPECT_FALSE(catalogue.Add({}));
  EXPECT_EQ(catalogue.e_process().log_e(), log_e);
  ASSERT_TRUE(catalogue.Add(std::array{0.0, 0.0}));
  EXPECT_DOUBLE_EQ(catalogue.e_process().log_e(), log_e);
}

TEST(CatalogueTest, RefusesImpossibleAlternatives) {
  EXPECT_FALSE(Catalogue::Create({}));
  for (const Alternative& bad :
       {Alternative{.prior = 0}, Alternative{.prior = -1},
        Alternative{.prior = kInf}, Alternative{.prior = std::nan("")},
        Alternative{.share = 0}, Alternative{.share = 1.01},
        Alternative{.share = std::nan("")}}) {
    const auto catalogue = Catalogue::Create(std::array{Alternative{}, bad});
    ASSERT_FALSE(catalogue);
    EXPECT_EQ(catalogue.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(catalogue.error().message, HasSubstr("alternative 1"));
  }
}

}  // namespace
}  // namespace revlm::stats
