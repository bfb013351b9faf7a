#include "verify/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "challenge/builtin_set.h"
#include "verify/rounded_model.h"
#include "verify/weights_testing.h"

namespace revlm::verify {
namespace {

namespace fs = std::filesystem;

constexpr char kAster[] = REVLM_EXAMPLES "/models/aster-s0";
constexpr char kQuotes[] = REVLM_EXAMPLES "/models/aster-s0-ft-quotes";
constexpr uint64_t kLimitBytes = uint64_t{64} << 20;
constexpr uint64_t kTargetSeed = 20260108;

class TextTest : public ::testing::Test {
 protected:
  void SetUp() override {
    aster_ = OpenTestModel(kAster).value();
    folder_ = fmt::format("{}/text_test_{}", ::testing::TempDir(), getpid());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    options_.work_directory = folder_;
    options_.num_own_answers = 2;
    options_.decoding.max_new_tokens = 16;
    options_.engine.num_threads = 1;
  }

  void TearDown() override {
    fs::remove_all(folder_);
    fs::remove_all(folder_ + "_target");
  }

  // Each built-in prompt `num_each` times, as ids.
  std::vector<TokenIds> Prompts(size_t num_prompts, size_t num_each) const {
    std::vector<TokenIds> prompts;
    for (size_t k = 0; k < num_each; ++k) {
      for (size_t i = 0; i < num_prompts; ++i) {
        prompts.push_back(aster_.tokenizer
                              ->Encode(challenge::BuiltinPrompts()[i].text,
                                       tokenizer::SpecialTokens::kAdd)
                              .value());
      }
    }
    return prompts;
  }

  // What `target` answers.
  std::vector<TextSample> Ask(const formats::Checkpoint& target,
                              const std::vector<TokenIds>& prompts) {
    memory::Budget budget(kLimitBytes);
    const auto answers =
        DrawAnswers(target, prompts, 1, options_.decoding, kTargetSeed,
                    {.budget = budget, .engine = options_.engine})
            .value();
    std::vector<TextSample> samples;
    samples.reserve(prompts.size());
    for (size_t i = 0; i < prompts.size(); ++i) {
      samples.push_back({prompts[i], answers[i]});
    }
    return samples;
  }

  // The same answers, of which only the text is known.
  std::vector<TextSample> AsText(std::vector<TextSample> samples) const {
    for (TextSample& sample : samples) {
      sample.answer = AnswerText(*aster_.checkpoint, *aster_.tokenizer,
                                 std::get<TokenIds>(sample.answer))
                          .value();
    }
    return samples;
  }

  TextQuestion Question(const std::vector<TextSample>& samples) const {
    return {.reference = {.checkpoint = aster_.checkpoint.get(),
                          .tokenizer = aster_.tokenizer.get(),
                          .name = "aster-s0"},
            .samples = samples,
            .roundings = kRoundings};
  }

  TextComparison Compare(const TextQuestion& question,
                         uint64_t limit_bytes = kLimitBytes) {
    memory::Budget budget(limit_bytes);
    auto comparison = CompareText(question, options_, budget);
    EXPECT_TRUE(comparison) << comparison.error().message;
    EXPECT_EQ(budget.reserved_bytes(), 0u);
    EXPECT_TRUE(fs::is_empty(folder_));
    return *std::move(comparison);
  }

  // Few, so that the test is quick: a fine one and two coarse ones.
  static constexpr Rounding kRoundings[] = {
      {"int8-row", RoundingScheme::kSymmetric, 8, 0},
      {"int4-group32", RoundingScheme::kSymmetric, 4, 32},
      {"int3-group32", RoundingScheme::kSymmetric, 3, 32},
  };

  TestModel aster_;
  std::string folder_;
  TextOptions options_;
};

TEST_F(TextTest, TheRoundedModelThatAnswersIsNamed) {
  memory::Budget budget(kLimitBytes);
  const std::string elsewhere = folder_ + "_target";
  const RoundedModel target =
      RoundedModel::Make(*aster_.checkpoint, kRoundings[2], elsewhere, budget,
                         {})
          .value();
  const auto samples = Ask(target.checkpoint(), Prompts(20, 3));
  TextQuestion question = Question(samples);
  question.target = &target.checkpoint();
  const TextComparison comparison = Compare(question);
  const TextEvidence& evidence = comparison.evidence;
  EXPECT_EQ(comparison.scores.reading, Reading::kDrawnTokens);
  ASSERT_TRUE(evidence.combined.rejects());
  ASSERT_TRUE(evidence.winner_idx);
  EXPECT_EQ(comparison.scores.alternatives[*evidence.winner_idx].name,
            "int3-group32");
  EXPECT_GT(evidence.best_log_odds, std::log(100));
  EXPECT_LT(evidence.lower_nats, *comparison.target_nats);
  // It is the very model, so both estimates are of nearly the same.
  EXPECT_NEAR(comparison.scores.alternatives[2].nats / *comparison.target_nats,
              1, 0.5);
  EXPECT_LT(comparison.scores.alternatives[0].nats,
            comparison.scores.alternatives[1].nats);
  EXPECT_LT(comparison.scores.alternatives[1].nats,
            comparison.scores.alternatives[2].nats);

  // Its text alone says so, too.
  const auto texts = AsText(samples);
  const TextComparison by_text = Compare(Question(texts));
  EXPECT_EQ(by_text.scores.reading, Reading::kCompared);
  EXPECT_FALSE(by_text.evidence.upper_nats);
  ASSERT_TRUE(by_text.evidence.combined.rejects());
  EXPECT_EQ(by_text.evidence.best_idx, 2u);
}

TEST_F(TextTest, TheModelItselfIsNotRejectedAndNothingDependsOnMemory) {
  const auto samples = Ask(*aster_.checkpoint, Prompts(20, 2));
  TextQuestion question = Question(samples);
  question.target = aster_.checkpoint.get();
  const TextComparison comparison = Compare(question);
  EXPECT_FALSE(comparison.evidence.combined.rejects());
  EXPECT_FALSE(comparison.evidence.winner_idx);
  EXPECT_EQ(*comparison.target_nats, 0);
  EXPECT_LT(comparison.evidence.lower_nats, 1e-3);
  const TextComparison texts = Compare(Question(AsText(samples)));
  EXPECT_FALSE(texts.evidence.combined.rejects());

  options_.engine.num_threads = 2;
  options_.engine.keep_weights = false;
  options_.engine.batch_size = 7;
  const TextComparison streamed = Compare(question, uint64_t{24} << 20);
  EXPECT_EQ(streamed.evidence.combined.log_e,
            comparison.evidence.combined.log_e);
  EXPECT_EQ(streamed.evidence.lower_nats, comparison.evidence.lower_nats);
  for (size_t i = 0; i < samples.size(); ++i) {
    EXPECT_EQ(streamed.scores.requests[i].target.log_p,
              comparison.scores.requests[i].target.log_p);
    EXPECT_EQ(streamed.scores.requests[i].target.log_ratios,
              comparison.scores.requests[i].target.log_ratios);
    EXPECT_EQ(streamed.scores.requests[i].own[1].log_p,
              comparison.scores.requests[i].own[1].log_p);
  }
}

TEST_F(TextTest, AFineTuneIsDifferentUntilItIsInTheCatalogue) {
  const TestModel quotes = OpenTestModel(kQuotes).value();
  const auto samples = Ask(*quotes.checkpoint, Prompts(20, 3));
  TextQuestion question = Question(samples);
  const TextComparison unknown = Compare(question);
  EXPECT_TRUE(unknown.evidence.combined.rejects());
  const std::vector<TextModel> others = {
      {.checkpoint = quotes.checkpoint.get(), .name = "quotes"}};
  question.others = others;
  const TextComparison known = Compare(question);
  ASSERT_TRUE(known.evidence.winner_idx);
  EXPECT_EQ(known.scores.alternatives[*known.evidence.winner_idx].name,
            "quotes");
}

TEST_F(TextTest, ATemperatureIsComparedLikeWithLike) {
  options_.decoding.temperature = 0.7F;
  options_.decoding.top_p = 0.9F;
  const auto samples = Ask(*aster_.checkpoint, Prompts(20, 3));
  const TextComparison alike = Compare(Question(samples));
  EXPECT_EQ(alike.scores.reading, Reading::kCompared);
  EXPECT_FALSE(alike.evidence.combined.rejects());
  // Declared otherwise than it was, it is found out.
  options_.decoding.temperature = 1;
  options_.decoding.top_p = 1;
  EXPECT_TRUE(Compare(Question(samples)).evidence.typicality.rejects());
}

TEST_F(TextTest, WhatCannotBeComparedIsRefused) {
  memory::Budget budget(kLimitBytes);
  const auto code_of = [&](const TextQuestion& question) {
    const auto comparison = CompareText(question, options_, budget);
    EXPECT_FALSE(comparison);
    return comparison.error().code;
  };
  std::vector<TextSample> samples = Ask(*aster_.checkpoint, Prompts(3, 1));
  EXPECT_EQ(code_of(Question({})), ErrorCode::kInvalidArgument);
  TextQuestion no_alternatives = Question(samples);
  no_alternatives.roundings = {};
  EXPECT_EQ(code_of(no_alternatives), ErrorCode::kInvalidArgument);
  std::vector<TextSample> mixed = samples;
  mixed[1].answer = "text";
  EXPECT_EQ(code_of(Question(mixed)), ErrorCode::kInvalidArgument);
  const std::vector<TextSample> texts = AsText(samples);
  TextQuestion unread = Question(texts);
  unread.reference.tokenizer = nullptr;
  EXPECT_EQ(code_of(unread), ErrorCode::kInvalidArgument);
  std::vector<TextSample> strange = samples;
  strange[1].answer = TokenIds{1 << 20};
  EXPECT_EQ(code_of(Question(strange)), ErrorCode::kInvalidArgument);
  std::vector<TextSample> endless = samples;
  endless[2].answer = TokenIds(4096, 5);
  EXPECT_EQ(code_of(Question(endless)), ErrorCode::kInvalidArgument);
  options_.decoding.max_new_tokens = 0;
  EXPECT_EQ(code_of(Question(samples)), ErrorCode::kInvalidArgument);
  options_.decoding.max_new_tokens = 16;
  memory::Budget small(1 << 20);
  const auto refused = CompareText(Question(samples), options_, small);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kBudgetExceeded);
  EXPECT_TRUE(fs::is_empty(folder_));
}

}  // namespace
}  // namespace revlm::verify
