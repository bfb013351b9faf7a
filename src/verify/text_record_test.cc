#include "verify/text_record.h"

#include <gmock/gmock.h>

#include <string>
#include <utility>

#include "base/json.h"
#include "verify/evidence.h"

namespace revlm::verify {
namespace {

using base::Json;
using ::testing::HasSubstr;

AnswerScore Score(double log_p, double log_ratio) {
  return {.num_tokens = 3, .log_p = log_p, .log_ratios = {log_ratio, 1e-300}};
}

TextScores MakeScores() {
  TextScores scores = {.reading = Reading::kCompared, .max_tokens = 5};
  scores.alternatives = {{.name = "int4-group32",
                          .derivation = "int4 quantisation of a",
                          .nats = 0.1 + 0.2,
                          .nats_error = 1.0 / 3,
                          .dilution = 0.25},
                         {.name = "other"}};
  for (int i = 0; i < 3; ++i) {
    scores.requests.push_back(
        {.target = Score(-3.5 - i, 0.1 * i),
         .own = {Score(-2.25, -1.0 / 3), Score(-1e300, 5e-324)}});
  }
  scores.fit = {.alternative_idx = 1, .requests = scores.requests};
  return scores;
}

Result<TextScores> ReadBack(const TextScores& scores) {
  const TextEvidence weighed = WeighTexts(scores, {}).value();
  auto read = ScoresOf(SumUp(weighed, scores), "v.json");
  for (size_t i = 0; i < scores.requests.size(); ++i) {
    const std::string text = TextToLine(LineOf(scores, i));
    EXPECT_EQ(text.back(), '\n');
    auto line = TextFromLine(text.substr(0, text.size() - 1), "t.jsonl");
    EXPECT_TRUE(line) << line.error().message;
    EXPECT_TRUE(AddLine(*std::move(line), "t.jsonl", *read));
  }
  return read;
}

TEST(TextRecordTest, ScoresReadBackAndWeighTheSame) {
  TextScores scores = MakeScores();
  for (const Reading reading : {Reading::kCompared, Reading::kDrawnTokens}) {
    scores.reading = reading;
    for (RequestScores& request : scores.requests) {
      request.diluted_log_ratios.assign(
          reading == Reading::kDrawnTokens ? 2 : 0, 0.1 + 0.2);
    }
    const auto read = ReadBack(scores);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->reading, reading);
    EXPECT_EQ(read->max_tokens, 5);
    EXPECT_EQ(read->alternatives[0].nats, 0.1 + 0.2);
    EXPECT_EQ(read->alternatives[0].dilution, 0.25);
    EXPECT_EQ(read->fit->alternative_idx, 1u);
    for (size_t i = 0; i < 3; ++i) {
      EXPECT_EQ(TextToLine(LineOf(*read, i)), TextToLine(LineOf(scores, i)));
    }
    const TextEvidence before = WeighTexts(scores, {}).value();
    const TextEvidence after = WeighTexts(*read, {}).value();
    EXPECT_EQ(after.combined.log_e, before.combined.log_e);
    EXPECT_EQ(after.lower_nats, before.lower_nats);
    EXPECT_EQ(after.best_log_odds, before.best_log_odds);
  }
}

TEST(TextRecordTest, RefusesWhatDoesNotBelongTogether) {
  TextScores scores = MakeScores();
  const TextLine second = LineOf(scores, 1);
  TextScores read = {.fit = Fit()};
  const Status skipped = AddLine(second, "t.jsonl", read);
  ASSERT_FALSE(skipped);
  EXPECT_EQ(skipped.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(skipped.error().message, HasSubstr("t.jsonl"));
  TextLine unfitted = LineOf(scores, 0);
  unfitted.fit.reset();
  EXPECT_FALSE(AddLine(unfitted, "t.jsonl", read));
  EXPECT_TRUE(AddLine(LineOf(scores, 0), "t.jsonl", read));

  TextFinding finding = SumUp(WeighTexts(scores, {}).value(), scores);
  finding.fitted = "no such one";
  EXPECT_FALSE(ScoresOf(finding, "v.json"));
}

TEST(TextRecordTest, RefusesALineWithOneMemberWrong) {
  const Json good = Json::parse(TextToLine(LineOf(MakeScores(), 0)));
  for (const std::string_view pointer :
       {"/schema", "/request_idx", "/target", "/target/log_p",
        "/target/log_ratios/0", "/own", "/own/1/num_tokens", "/diluted",
        "/fit/target"}) {
    Json bad = good;
    bad[Json::json_pointer(std::string(pointer))] = Json::array({"x"});
    const auto read = TextFromLine(bad.dump(), "t.jsonl");
    ASSERT_FALSE(read) << pointer;
    EXPECT_EQ(read.error().code, ErrorCode::kCorrupt);
  }
  EXPECT_FALSE(TextFromLine("{}", "t.jsonl"));
  EXPECT_FALSE(TextFromLine("[", "t.jsonl"));
}

}  // namespace
}  // namespace revlm::verify
