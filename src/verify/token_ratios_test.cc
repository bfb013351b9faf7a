#include "verify/token_ratios.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <vector>

#include "base/random.h"

namespace revlm::verify {
namespace {

using Shares = std::array<double, 4>;

constexpr Shares kP = {0.4, 0.3, 0.2, 0.1};
constexpr Shares kQ = {0.35, 0.3, 0.22, 0.13};

double PlainNats(const Shares& p, const Shares& q) {
  double nats = 0;
  for (size_t i = 0; i < 4; ++i) nats += p[i] * std::log(p[i] / q[i]);
  return nats;
}

Shares Mixed(double weight) {
  Shares shares;
  for (size_t i = 0; i < 4; ++i) {
    shares[i] = (1 - weight) * kP[i] + weight * kQ[i];
  }
  return shares;
}

// Answers in which tokens are as frequent as p says, exactly.
struct Answers {
  std::vector<AnswerLogs> log_ps;
  std::vector<AnswerLogs> log_qs;

  Answers() {
    for (int answer = 0; answer < 20; ++answer) {
      AnswerLogs log_p;
      AnswerLogs log_q;
      for (size_t token = 0; token < 4; ++token) {
        const int num = static_cast<int>(std::lround(10 * kP[token]));
        for (int i = 0; i < num; ++i) {
          log_p.push_back(static_cast<float>(std::log(kP[token])));
          log_q.push_back(static_cast<float>(std::log(kQ[token])));
        }
      }
      log_ps.push_back(log_p);
      log_qs.push_back(log_q);
    }
  }
};

TEST(TokenRatiosTest, TheEstimateIsTheDivergenceWhereFrequenciesAreExact) {
  const Answers answers;
  for (const double weight : {1.0, 0.5, 0.1}) {
    const NatsEstimate estimate =
        EstimateNats(answers.log_ps, answers.log_qs, weight);
    EXPECT_NEAR(estimate.nats, PlainNats(kP, Mixed(weight)), 1e-7);
    EXPECT_NEAR(estimate.error, 0, 1e-9);  // all answers are alike
  }
}

TEST(TokenRatiosTest, TheEstimateOfDrawnAnswersIsRightToItsErrors) {
  const double nats = PlainNats(kP, kQ);
  double sum_of_squares = 0;
  constexpr int kRepeats = 200;
  for (int repeat = 0; repeat < kRepeats; ++repeat) {
    std::vector<AnswerLogs> log_ps(100);
    std::vector<AnswerLogs> log_qs(100);
    uint64_t draw = 0;
    for (size_t i = 0; i < log_ps.size(); ++i) {
      // Answers of unlike lengths.
      for (size_t t = 0; t < 1 + i % 7; ++t) {
        double left =
            base::UniformDouble(static_cast<uint64_t>(repeat), draw++);
        size_t token = 0;
        while (token < 3 && (left -= kP[token]) >= 0) ++token;
        log_ps[i].push_back(static_cast<float>(std::log(kP[token])));
        log_qs[i].push_back(static_cast<float>(std::log(kQ[token])));
      }
    }
    const NatsEstimate estimate = EstimateNats(log_ps, log_qs);
    const double z = (estimate.nats - nats) / estimate.error;
    sum_of_squares += z * z;
  }
  EXPECT_NEAR(sum_of_squares / kRepeats, 1, 0.3);
}

TEST(TokenRatiosTest, ADilutionDivergesAsAsked) {
  const Answers answers;
  for (const double nats : {1e-3, 1e-4}) {
    const double weight = FindDilution(answers.log_ps, answers.log_qs, nats);
    EXPECT_NEAR(PlainNats(kP, Mixed(weight)), nats, 1e-6);
  }
  EXPECT_EQ(FindDilution(answers.log_ps, answers.log_qs, 1), 1);
}

TEST(TokenRatiosTest, LogRatiosAreSumsOverTokens) {
  const Answers answers;
  for (const double weight : {1.0, 0.25}) {
    double expected = 0;
    for (size_t token = 0; token < 4; ++token) {
      expected += std::lround(10 * kP[token]) *
                  std::log(Mixed(weight)[token] / kP[token]);
    }
    EXPECT_NEAR(LogRatio(answers.log_ps[0], answers.log_qs[0], weight),
                expected, 1e-5);
  }
  EXPECT_EQ(LogRatio({}, {}, 0.5), 0);
  EXPECT_EQ(EstimateNats({}, {}).nats, 0);
}

}  // namespace
}  // namespace revlm::verify
