#include "challenge/predictor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "challenge/chooser.h"
#include "challenge/landscape_testing.h"
#include "challenge/pot.h"

namespace revlm::challenge {
namespace {

using ::revlm::testing::Landscape;
using ::revlm::testing::Normal;
using ::revlm::testing::Shape;
using ::testing::Le;

constexpr size_t kNumFeatures = ResponsePredictor::kNumFeatures;

std::vector<Challenge> PotChallenges(uint64_t seed, size_t count) {
  return GenerateChallenges(
             kPot, DeriveSessionKey({.seed = SeedFromNumber(seed)}), {}, count)
      .value();
}

// The formulas of the header, by elimination in long double and with the C
// library's logarithm.
class PlainPredictor {
 public:
  void Learn(const Challenge& challenge, double contrast, double information) {
    rows_.push_back(FeaturesOf(challenge, contrast));
    ys_.push_back(std::log2(information + 1e-7));
    long double sum = 0;
    for (const long double y : ys_) sum += y;
    for (const std::string& area : AreasOf(challenge)) {
      auto& [total, count] = worths_[area];
      total += ys_.back() - sum / ys_.size();
      count += 1;
    }
  }

  double Predict(const Challenge& challenge, double contrast) const {
    std::vector<std::vector<long double>> a(
        kNumFeatures, std::vector<long double>(kNumFeatures + 1));
    for (size_t i = 0; i < kNumFeatures; ++i) a[i][i] = i == 0 ? 0.01L : 1;
    for (size_t n = 0; n < rows_.size(); ++n) {
      for (size_t i = 0; i < kNumFeatures; ++i) {
        for (size_t j = 0; j < kNumFeatures; ++j) {
          a[i][j] += rows_[n][i] * rows_[n][j];
        }
        a[i][kNumFeatures] += rows_[n][i] * ys_[n];
      }
    }
    for (size_t k = 0; k < kNumFeatures; ++k) {
      for (size_t i = 0; i < kNumFeatures; ++i) {
        if (i == k) continue;
        const long double factor = a[i][k] / a[k][k];
        for (size_t j = k; j <= kNumFeatures; ++j) a[i][j] -= factor * a[k][j];
      }
    }
    const auto x = FeaturesOf(challenge, contrast);
    long double mean = 0;
    for (size_t i = 0; i < kNumFeatures; ++i) {
      mean += x[i] * a[i][kNumFeatures] / a[i][i];
    }
    return static_cast<double>(mean);
  }

 private:
  std::vector<long double> FeaturesOf(const Challenge& challenge,
                                      double contrast) const {
    const TextFeatures text = TextFeaturesOf(challenge);
    std::vector<long double> features(text.begin(), text.end());
    for (const std::string& area : AreasOf(challenge)) {
      const auto found = worths_.find(area);
      features.push_back(found == worths_.end()
                             ? 0
                             : found->second.first /
                                   (found->second.second + 2));
    }
    features.push_back(contrast);
    return features;
  }

  std::vector<std::vector<long double>> rows_;
  std::vector<long double> ys_;
  std::map<std::string, std::pair<long double, long double>> worths_;
};

TEST(PredictorTest, AgreesWithThePlainFormulas) {
  const Landscape landscape(Shape::kLinear, 1);
  ResponsePredictor predictor;
  PlainPredictor plain;
  for (const Challenge& challenge : PotChallenges(1, 150)) {
    const double contrast = base::UniformDouble(1, challenge.text.size());
    EXPECT_NEAR(predictor.Predict(challenge, contrast).log2_information,
                plain.Predict(challenge, contrast), 1e-8);
    const double information = landscape.InformationNats(challenge);
    predictor.Learn(challenge, contrast, information);
    plain.Learn(challenge, contrast, information);
  }
}

TEST(PredictorTest, BecomesSurerTheMoreItHasSeen) {
  const Landscape landscape(Shape::kLinear, 2);
  const auto challenges = PotChallenges(2, 600);
  ResponsePredictor predictor;
  double before = predictor.Predict(challenges.back(), 0).deviation;
  for (size_t i = 0; i < 500; ++i) {
    predictor.Learn(challenges[i], 0, landscape.InformationNats(challenges[i]));
    if (i != 20 && i != 499) continue;
    const double now = predictor.Predict(challenges.back(), 0).deviation;
    EXPECT_LT(now, before / 2);
    before = now;
  }
}

TEST(PredictorTest, LearnsWhatAnAreaIsWorthWhereTheTextSaysNothing) {
  ResponsePredictor predictor;
  const auto make = [](const std::string& topic) {
    return Challenge{
        .text = "the same", .system = "x/1", .parameters = {{"topic", topic}}};
  };
  for (int i = 0; i < 30; ++i) {
    predictor.Learn(make("good"), 0, 4e-3);
    predictor.Learn(make("bad"), 0, 1e-3);
  }
  EXPECT_GT(predictor.Predict(make("good"), 0).log2_information,
            predictor.Predict(make("bad"), 0).log2_information + 1);
}

TEST(PredictorTest, ExtremesStayFinite) {
  ResponsePredictor predictor;
  for (const double information : {0.0, 1e300, 0.0, 5e-324, 1.0}) {
    for (const std::string& text : {std::string(), std::string(9000, 'a')}) {
      const Challenge challenge = {.text = text};
      predictor.Learn(challenge, 1, information);
      const auto prediction = predictor.Predict(challenge, 0);
      EXPECT_TRUE(std::isfinite(prediction.log2_information));
      EXPECT_TRUE(std::isfinite(prediction.deviation));
    }
  }
}

// What choosing brings in eight rounds of 16 out of 128 proposals each.
struct Yield {
  double chosen = 0;  // mean information
  double random = 0;  // the same of all proposals
  double best = 0;    // of the 16 best each time
};

Yield Choose(Shape shape, uint64_t seed, Focus focus) {
  constexpr size_t kNumRounds = 8;
  constexpr size_t kNumDue = 16;
  constexpr size_t kNumProposals = 128;
  const Landscape landscape(shape, seed);
  const auto all = PotChallenges(seed, kNumRounds * kNumProposals);
  Chooser chooser(DeriveSessionKey({.seed = SeedFromNumber(seed)}),
                  Strategy::kBalanced, focus);
  Yield yield;
  for (size_t round = 0; round < kNumRounds; ++round) {
    const auto begin = all.begin() + round * kNumProposals;
    std::deque<Challenge> proposals(begin, begin + kNumProposals);
    std::vector<double> values;
    for (const Challenge& challenge : proposals) {
      values.push_back(landscape.InformationNats(challenge));
      yield.random += values.back() / (kNumRounds * kNumProposals);
    }
    std::ranges::sort(values, std::greater<>());
    chooser.Order(proposals, round * kNumDue);
    for (size_t i = 0; i < kNumDue; ++i) {
      const double value = landscape.InformationNats(proposals[i]);
      yield.chosen += value / (kNumRounds * kNumDue);
      yield.best += values[i] / (kNumRounds * kNumDue);
      chooser.Learn(proposals[i], value, {});
    }
  }
  return yield;
}

// Of the regret of random choice, the part that is left: 0 for one who knows
// the landscape, 1 for random choice.
double MeanRegret(Shape shape, Focus focus) {
  constexpr int kNumSeeds = 40;
  double sum = 0;
  for (uint64_t seed = 0; seed < kNumSeeds; ++seed) {
    const Yield yield = Choose(shape, seed, focus);
    sum += (yield.best - yield.chosen) / (yield.best - yield.random);
  }
  return sum / kNumSeeds;
}

TEST(PredictorTest, LeavesLittleOfTheRegretOfRandomChoice) {
  const double linear = MeanRegret(Shape::kLinear, Focus::kSeparation);
  const double nonlinear = MeanRegret(Shape::kNonlinear, Focus::kSeparation);
  const double none = MeanRegret(Shape::kNone, Focus::kSeparation);
  std::printf(
      "regret, of that of random choice: linear %.3f, nonlinear %.3f, "
      "nothing to learn %.3f\n",
      linear, nonlinear, none);
  EXPECT_LT(linear, 0.55);
  EXPECT_LT(nonlinear, 0.65);
  // Nothing to learn: no worse than random by more than noise.
  EXPECT_THAT(none, Le(1.05));
}

}  // namespace
}  // namespace revlm::challenge
