#include "verify/text_evidence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/random.h"
#include "stats/binomial.h"
#include "support/plain_bet.h"
#include "support/text_games.h"

namespace revlm::verify {
namespace {

using stats::Closeness;
using testing::AuditTexts;
using testing::PlainBet;
using testing::PlayTexts;
using testing::TextTable;
using testing::ToyModel;

constexpr uint64_t kSeed = 20260107;

// `served` answers in place of a reference that is noised in four strengths.
TextTable MakeTable(Reading reading) {
  const ToyModel reference(kSeed);
  TextTable table = {
      .reference = reference, .served = reference, .reading = reading};
  for (const double noise : {0.05, 0.2, 0.4, 0.8}) {
    table.alternatives.push_back(reference.WithNoise(kSeed + 1, noise));
    table.dilutions.push_back(
        testing::ToyDilution(reference, table.alternatives.back(), 1e-3));
  }
  return table;
}

uint64_t AuditSeed(uint64_t audit) { return base::RandomBits(kSeed, audit); }

// ---- The formulas, written out --------------------------------------------

struct Plain {
  long double catalogue = 0;
  long double typicality = 0;
  std::vector<long double> products;  // pure, then routed, without priors
};

double MeanLogP(const AnswerScore& answer) {
  return answer.log_p / static_cast<double>(answer.num_tokens);
}

Plain WeighPlainly(const TextScores& scores, const TextRules& rules) {
  const size_t num = scores.alternatives.size();
  Plain plain = {.products = std::vector<long double>(2 * num, 1)};
  PlainBet rarer;
  PlainBet commoner;
  for (const RequestScores& request : scores.requests) {
    for (size_t j = 0; j < num; ++j) {
      long double e =
          std::exp(static_cast<long double>(request.target.log_ratios[j]));
      if (scores.reading == Reading::kCompared) {
        long double sum = e;
        for (const AnswerScore& own : request.own) {
          sum += std::exp(static_cast<long double>(own.log_ratios[j]));
        }
        e *= static_cast<long double>(request.own.size() + 1) / sum;
      }
      plain.products[j] *= e;
      plain.products[num + j] *=
          1 - rules.routed_share + rules.routed_share * e;
    }
    long double payoff = 0;
    for (const AnswerScore& own : request.own) {
      const double target = MeanLogP(request.target);
      if (MeanLogP(own) > target) payoff += 1;
      if (MeanLogP(own) < target) payoff -= 1;
    }
    payoff /= static_cast<long double>(request.own.size());
    rarer.Add(payoff);
    commoner.Add(-payoff);
  }
  for (size_t j = 0; j < num; ++j) {
    plain.catalogue += ((1 - rules.routed_prior) * plain.products[j] +
                        rules.routed_prior * plain.products[num + j]) /
                       static_cast<long double>(num);
  }
  plain.typicality = (rarer.money() + commoner.money()) / 2;
  return plain;
}

TEST(TextEvidenceTest, IsTheFormulasOfTheHeader) {
  const TextRules rules;
  for (const Reading reading : {Reading::kDrawnTokens, Reading::kCompared}) {
    TextTable table = MakeTable(reading);
    table.served = table.alternatives[1];
    table.tail_share = 0.25;
    table.tail_tokens = 40;
    for (uint64_t audit = 0; audit < 10; ++audit) {
      const TextScores scores = PlayTexts(table, AuditSeed(audit), 60);
      const TextEvidence evidence = WeighTexts(scores, rules).value();
      const Plain plain = WeighPlainly(scores, rules);
      const auto log = [](long double e) {
        return static_cast<double>(std::log(e));
      };
      EXPECT_NEAR(evidence.catalogue.log_e, log(plain.catalogue), 1e-9);
      EXPECT_NEAR(evidence.typicality.log_e, log(plain.typicality), 1e-9);
      EXPECT_NEAR(evidence.combined.log_e,
                  log((plain.catalogue + plain.typicality) / 2), 1e-9);
      double sum = 0;
      for (size_t j = 0; j < 4; ++j) {
        const long double own =
            (0.8L * plain.products[j] + 0.2L * plain.products[4 + j]) / 4;
        const auto expected = static_cast<double>(own / (1 + plain.catalogue));
        EXPECT_NEAR(evidence.alternatives[j].posterior, expected, 1e-9);
        EXPECT_EQ(evidence.alternatives[j].share,
                  0.8L * plain.products[j] >= 0.2L * plain.products[4 + j]
                      ? 1
                      : rules.routed_share);
        sum += evidence.alternatives[j].posterior;
        if (j == evidence.best_idx) {
          EXPECT_NEAR(std::exp(evidence.best_log_odds),
                      expected / (1 - expected), 1e-6 / (1 - expected));
        } else {
          EXPECT_LE(evidence.alternatives[j].posterior,
                    evidence.alternatives[evidence.best_idx].posterior);
        }
      }
      EXPECT_LT(sum, 1);
    }
  }
}

TEST(TextEvidenceTest, TheFirstLookThatRejectsIsKept) {
  TextTable table = MakeTable(Reading::kDrawnTokens);
  table.served = table.alternatives[3];
  const TextScores all = PlayTexts(table, kSeed, 100);
  const TextEvidence evidence = WeighTexts(all, {}).value();
  ASSERT_TRUE(evidence.combined.rejects());
  const int64_t num = evidence.combined.num_requests;
  EXPECT_EQ(evidence.combined.num_tokens, num * 8);
  TextScores some = all;
  some.requests.resize(static_cast<size_t>(num));
  EXPECT_GE(WeighTexts(some, {})->combined.log_e, std::log(100));
  some.requests.pop_back();
  EXPECT_FALSE(WeighTexts(some, {})->combined.rejects());
}

// ---- Errors ---------------------------------------------------------------

TEST(TextEvidenceTest, TheReferenceIsRarelyRejectedWithALookAfterEveryRequest) {
  constexpr uint64_t kAudits = 2000;
  for (const Reading reading : {Reading::kDrawnTokens, Reading::kCompared}) {
    const TextTable table = MakeTable(reading);
    uint64_t num_rejected = 0;
    uint64_t num_catalogue = 0;
    uint64_t num_different = 0;
    for (uint64_t audit = 0; audit < kAudits; ++audit) {
      const TextEvidence evidence = AuditTexts(table, AuditSeed(audit), 150);
      num_rejected += evidence.combined.rejects();
      num_catalogue += evidence.catalogue.rejects();
      num_different += evidence.closeness == Closeness::kDifferent;
      EXPECT_TRUE(!evidence.winner_idx || evidence.combined.rejects());
    }
    EXPECT_LE(stats::UpperRateLimit(num_rejected, kAudits, 0.05).value(),
              0.012);
    EXPECT_LE(stats::UpperRateLimit(num_catalogue, kAudits, 0.05).value(),
              0.012);
    EXPECT_LE(stats::UpperRateLimit(num_different, kAudits, 0.05).value(),
              0.012);
    // Not for want of trying.
    EXPECT_GT(num_rejected + num_catalogue, 0u);
  }
}

// As far away as is tolerated, whatever the lengths: nearly all tokens are in
// the tails of a few answers, which bring no divergence.
TEST(TextEvidenceTest, WhatIsAtTheToleranceIsRarelyDifferentInMixedLengths) {
  constexpr uint64_t kAudits = 500;
  for (const Reading reading : {Reading::kDrawnTokens, Reading::kCompared}) {
    for (const size_t tail_tokens : {1024, 4096}) {
      TextTable table = MakeTable(reading);
      table.served = table.alternatives[3];
      table.tail_share = 0.02;
      table.tail_tokens = tail_tokens;
      const TextRules rules = {.same_nats = table.ServedNats()};
      uint64_t num_different = 0;
      for (uint64_t audit = 0; audit < kAudits; ++audit) {
        num_different +=
            AuditTexts(table, AuditSeed(audit), 100, rules).closeness ==
            Closeness::kDifferent;
      }
      // At most 1 in 200 is allowed; 8 and more of 500 have probability 0.004
      // then.
      EXPECT_LE(num_different, 7u) << tail_tokens;
    }
  }
}

TEST(TextEvidenceTest, WhatIsFarAwayIsDifferentInMixedLengths) {
  for (const Reading reading : {Reading::kDrawnTokens, Reading::kCompared}) {
    TextTable table = MakeTable(reading);
    table.served = table.alternatives[3];
    table.tail_share = 0.1;
    table.tail_tokens = 120;
    const TextRules rules = {.same_nats = 1e-3};
    ASSERT_GT(table.ServedNats(), 20 * rules.same_nats);
    for (uint64_t audit = 0; audit < 20; ++audit) {
      const TextEvidence evidence =
          AuditTexts(table, AuditSeed(audit), 400, rules);
      EXPECT_EQ(evidence.closeness, Closeness::kDifferent);
      EXPECT_LE(evidence.lower_nats, table.ServedNats());
    }
  }
}

TEST(TextEvidenceTest, WhatIsAtTheToleranceIsRarelyCalledTheSame) {
  TextTable table = MakeTable(Reading::kDrawnTokens);
  table.served =
      table.reference.MixedWith(table.alternatives[2], table.dilutions[2]);
  constexpr uint64_t kAudits = 150;
  uint64_t num_same = 0;
  for (uint64_t audit = 0; audit < kAudits; ++audit) {
    num_same +=
        AuditTexts(table, AuditSeed(audit), 2000).closeness == Closeness::kSame;
  }
  // At most 1 in 200 is allowed; 4 and more of 150 have probability 0.007 then.
  EXPECT_LE(num_same, 3u);
}

TEST(TextEvidenceTest, LimitsHoldTheDivergence) {
  TextTable table = MakeTable(Reading::kDrawnTokens);
  for (size_t j = 1; j < 4; ++j) {
    table.served = table.alternatives[j];
    const double nats = table.served.DivergenceFrom(table.reference);
    int num_informed = 0;
    for (uint64_t audit = 0; audit < 20; ++audit) {
      const TextEvidence evidence = AuditTexts(table, AuditSeed(audit), 1500);
      EXPECT_LE(evidence.lower_nats, nats);
      // None is a limit that holds anything.
      EXPECT_GE(evidence.upper_nats.value_or(nats), std::min(nats, 1e-3));
      num_informed += evidence.lower_nats > nats / 4;
    }
    EXPECT_GE(num_informed, j == 3 ? 20 : 0);
  }
}

// ---- What is found --------------------------------------------------------

TEST(TextEvidenceTest, TheAlternativeThatAnswersWinsByName) {
  for (const Reading reading : {Reading::kDrawnTokens, Reading::kCompared}) {
    TextTable table = MakeTable(reading);
    for (const size_t served : {2, 3}) {
      table.served = table.alternatives[served];
      int num_right = 0;
      for (uint64_t audit = 0; audit < 50; ++audit) {
        const TextEvidence evidence = AuditTexts(table, AuditSeed(audit), 400);
        EXPECT_TRUE(evidence.combined.rejects());
        num_right += evidence.winner_idx == served;
      }
      EXPECT_GE(num_right, 48);
    }
  }
}

TEST(TextEvidenceTest, AStrangerIsDifferentAndNoAlternativeWins) {
  for (const Reading reading : {Reading::kDrawnTokens, Reading::kCompared}) {
    TextTable table = MakeTable(reading);
    table.served = ToyModel(kSeed + 99);
    for (uint64_t audit = 0; audit < 20; ++audit) {
      const TextEvidence evidence = AuditTexts(table, AuditSeed(audit), 200);
      EXPECT_TRUE(evidence.combined.rejects());
      EXPECT_FALSE(evidence.winner_idx);
      EXPECT_EQ(evidence.closeness, Closeness::kDifferent);
    }
  }
}

TEST(TextEvidenceTest, WhatNoAlternativeIsNearToIsFoundByTypicality) {
  TextTable table = MakeTable(Reading::kDrawnTokens);
  // Always the commonest answers, too typical.
  table.served = table.reference.MixedWith(table.reference, 0);
  TextScores scores = PlayTexts(table, kSeed, 60);
  for (RequestScores& request : scores.requests) {
    request.target.log_p = 0;
    request.target.log_ratios.assign(4, -0.1);
    request.diluted_log_ratios.assign(4, -0.01);
  }
  const TextEvidence evidence = WeighTexts(scores, {}).value();
  EXPECT_TRUE(evidence.typicality.rejects());
  EXPECT_TRUE(evidence.combined.rejects());
  EXPECT_FALSE(evidence.catalogue.rejects());
  EXPECT_FALSE(evidence.winner_idx);
}

TEST(TextEvidenceTest, ARoutedShareIsNamed) {
  TextTable table = MakeTable(Reading::kDrawnTokens);
  table.alternatives[3] = ToyModel(kSeed + 5);
  table.tokens_per_answer = 1;  // a request is routed as a whole
  table.served = table.reference.MixedWith(table.alternatives[3], 0.25);
  const TextEvidence evidence = AuditTexts(table, kSeed, 2000);
  EXPECT_TRUE(evidence.combined.rejects());
  EXPECT_EQ(evidence.best_idx, 3u);
  EXPECT_EQ(evidence.alternatives[3].share, 0.25);
}

TEST(TextEvidenceTest, TheReferenceIsTheSameInEnoughText) {
  const TextTable table = MakeTable(Reading::kDrawnTokens);
  int num_same = 0;
  for (uint64_t audit = 0; audit < 20; ++audit) {
    const TextEvidence evidence = AuditTexts(table, AuditSeed(audit), 3000);
    if (evidence.closeness != Closeness::kSame) continue;
    ++num_same;
    EXPECT_EQ(*evidence.upper_nats, 1e-3);
    EXPECT_GT(evidence.num_decided, 0);
    EXPECT_LT(evidence.num_decided * 8, 24000);
  }
  EXPECT_GE(num_same, 18);
  const TextEvidence early = AuditTexts(table, kSeed, 100);
  EXPECT_EQ(early.closeness, Closeness::kUndecided);
  EXPECT_GT(early.num_needed, 500);
  EXPECT_LT(early.num_needed, 3000);
}

TEST(TextEvidenceTest, TextThatIsComparedIsNeverCalledTheSame) {
  const TextTable table = MakeTable(Reading::kCompared);
  const TextEvidence evidence = AuditTexts(table, kSeed, 3000);
  EXPECT_FALSE(evidence.upper_nats);
  EXPECT_EQ(evidence.closeness, Closeness::kUndecided);
}

TEST(TextEvidenceTest, ACatalogueOfNearModelsOnlyCertifiesNothing) {
  TextTable table = MakeTable(Reading::kDrawnTokens);
  table.alternatives.erase(table.alternatives.begin() + 1,
                           table.alternatives.end());
  table.dilutions.resize(1);
  ASSERT_LT(table.reference.DivergenceFrom(table.alternatives[0]), 1e-3);
  EXPECT_EQ(AuditTexts(table, kSeed, 3000).closeness, Closeness::kUndecided);
}

TEST(TextEvidenceTest, NoRequestsSayNothing) {
  TextTable table = MakeTable(Reading::kDrawnTokens);
  const TextEvidence evidence =
      WeighTexts(PlayTexts(table, kSeed, 0), {}).value();
  EXPECT_EQ(evidence.combined.p, 1);
  EXPECT_EQ(evidence.lower_nats, 0);
  EXPECT_EQ(evidence.closeness, Closeness::kUndecided);
}

TEST(TextEvidenceTest, IncompleteScoresAreRefused) {
  const TextTable table = MakeTable(Reading::kDrawnTokens);
  const TextScores whole = PlayTexts(table, kSeed, 3);
  std::vector<TextScores> bad(5, whole);
  bad[0].requests[1].own.clear();
  bad[1].requests[1].target.log_ratios.pop_back();
  bad[2].requests[1].diluted_log_ratios.pop_back();
  bad[3].reading = Reading::kCompared;
  bad[3].requests[1].own[2].log_ratios.clear();
  bad[4].requests[1].target.log_ratios[0] = NAN;
  for (const TextScores& scores : bad) {
    const auto evidence = WeighTexts(scores, {});
    ASSERT_FALSE(evidence);
    EXPECT_EQ(evidence.error().code, ErrorCode::kInvalidArgument);
  }
  EXPECT_FALSE(WeighTexts({}, {}));
  TextScores unlimited = whole;
  unlimited.max_tokens = 0;
  EXPECT_FALSE(WeighTexts(unlimited, {}));
  EXPECT_FALSE(WeighTexts(whole, {.alpha = 0}));
  EXPECT_FALSE(WeighTexts(whole, {.same_nats = 0}));
  EXPECT_FALSE(WeighTexts(whole, {.routed_share = 2}));
  EXPECT_FALSE(WeighTexts(whole, {.routed_prior = 1}));
}

}  // namespace
}  // namespace revlm::verify
