#include "revlm/verify_text.h"

#include <gmock/gmock.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/json.h"
#include "formats/checkpoint.h"
#include "memory/budget.h"
#include "support/files.h"
#include "support/models.h"
#include "verify/rounded_model.h"

namespace revlm {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;

constexpr char kAster[] = REVLM_EXAMPLES "/models/aster-s0";
constexpr char kQuotes[] = REVLM_EXAMPLES "/models/aster-s0-ft-quotes";

class VerifyTextTest : public ::testing::Test {
 protected:
  VerifyTextTest() {
    std::string pattern = ::testing::TempDir() + "revlm-text-XXXXXX";
    folder_ = mkdtemp(pattern.data());
  }
  ~VerifyTextTest() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  VerifyTextOptions Options(const std::string& target = "") const {
    VerifyTextOptions options;
    options.compare.models = {kAster};
    if (!target.empty()) options.compare.models.push_back(target);
    options.compare.num_threads = 1;
    options.compare.output_dir = folder_ + "/d";
    options.num_own_answers = 2;
    options.max_tokens = 16;
    if (!target.empty()) options.compare.num_challenges = 40;
    return options;
  }

  std::string Write(const std::string& name, const std::string& content) const {
    std::ofstream(folder_ + "/" + name) << content;
    return folder_ + "/" + name;
  }

  // A directory with the weights of `kAster` rounded to three bits.
  std::string RoundedAster() const {
    const auto model = formats::Checkpoint::Open(kAster).value();
    memory::Budget budget(uint64_t{64} << 20);
    const verify::Rounding& coarse = verify::Roundings().back();
    const auto rounded =
        verify::RoundedModel::Make(model, coarse, folder_, budget, {}).value();
    const std::string copy = folder_ + "/target";
    std::filesystem::copy(rounded.checkpoint().path(), copy,
                          std::filesystem::copy_options::recursive);
    std::filesystem::copy_file(std::string(kAster) + "/tokenizer.json",
                               copy + "/tokenizer.json");
    return copy;
  }

  std::string folder_;
};

TEST_F(VerifyTextTest, ARoundingIsDerivedAndWhatIsKeptExplainsIt) {
  VerifyTextOptions options = Options(RoundedAster());
  std::vector<std::string> notices;
  double last = 0;
  bool goes_back = false;
  options.compare.on_event = [&](const RunEvent& event) {
    if (event.kind == RunEvent::Kind::kNotice) notices.push_back(event.message);
    if (event.kind != RunEvent::Kind::kProgress) return;
    goes_back = goes_back || event.fraction < last || event.fraction > 1;
    last = event.fraction;
  };
  const auto found = VerifyText(options);
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_EQ(found->pairs.size(), 1u);
  const PairComparison& pair = found->pairs[0];
  EXPECT_EQ(pair.a, "aster-s0");
  EXPECT_EQ(pair.b, "target");
  EXPECT_EQ(pair.verdict, Verdict::kDerived) << pair.reason;
  EXPECT_THAT(pair.reason,
              HasSubstr("int3 quantisation (groups of 32) of aster-s0 fits"));
  EXPECT_EQ(pair.error_bound, options.compare.alpha);
  ASSERT_TRUE(pair.texts);
  EXPECT_EQ(pair.texts->reading, Reading::kCompared);
  EXPECT_EQ(pair.texts->winner, "int3-group32");
  EXPECT_EQ(pair.texts->num_requests, 40);
  EXPECT_GT(pair.texts->num_refuted, 0);
  EXPECT_FALSE(pair.texts->upper_nats);
  EXPECT_FALSE(pair.weights);
  ASSERT_FALSE(notices.empty());
  EXPECT_THAT(notices.back(),
              HasSubstr("40 answers of target, 80 of aster-s0"));
  EXPECT_FALSE(goes_back);
  EXPECT_GT(last, 0.9);

  const auto explained = Explain({.run = folder_ + "/d"});
  ASSERT_TRUE(explained) << explained.error().message;
  EXPECT_EQ(explained->pairs[0].reason, pair.reason);
  EXPECT_EQ(explained->pairs[0].texts->log_e, pair.texts->log_e);

  // The answers it kept, given back, are the same evidence.
  VerifyTextOptions again = Options();
  again.answers = folder_ + "/d/answers.jsonl";
  again.target = "target";
  again.compare.output_dir = folder_ + "/again";
  const auto repeated = VerifyText(again);
  ASSERT_TRUE(repeated) << repeated.error().message;
  EXPECT_EQ(repeated->pairs[0].reason, pair.reason);
  EXPECT_EQ(repeated->pairs[0].texts->log_e, pair.texts->log_e);
  EXPECT_EQ(repeated->models[1].reference, again.answers);

  // A verdict that does not follow from what is beside it, and a torn line.
  const std::string verdicts = folder_ + "/d/verdicts.json";
  std::ifstream file(verdicts);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  std::ofstream(verdicts) << text.replace(text.find("\"DERIVED\""), 9,
                                          "\"SAME\"");
  const auto forged = Explain({.run = folder_ + "/d"});
  ASSERT_FALSE(forged);
  EXPECT_EQ(forged.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(forged.error().message, HasSubstr("does not follow"));
  std::ofstream(folder_ + "/again/texts.jsonl", std::ios::app) << "{}\n";
  const auto torn = Explain({.run = folder_ + "/again"});
  ASSERT_FALSE(torn);
  EXPECT_EQ(torn.error().code, ErrorCode::kCorrupt);
}

TEST_F(VerifyTextTest, TheModelItselfIsNotRefutedWhateverTheMemory) {
  const auto found = VerifyText(Options(kAster));
  ASSERT_TRUE(found) << found.error().message;
  const PairComparison& pair = found->pairs[0];
  EXPECT_EQ(pair.verdict, Verdict::kUndecided) << pair.reason;
  EXPECT_EQ(pair.texts->num_refuted, 0);
  EXPECT_NE(pair.missing, "");
  EXPECT_EQ(pair.b, "aster-s0-2");

  VerifyTextOptions small = Options(kAster);
  small.compare.output_dir = folder_ + "/small";
  small.compare.memory_limit_bytes = 1 << 20;
  small.compare.batch_size = 7;
  const auto refused = VerifyText(small);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kBudgetExceeded);
  EXPECT_THAT(refused.error().message, HasSubstr("the floor is"));
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/small"));
}

TEST_F(VerifyTextTest, AnAlternativeThatWinsIsComparedByWeights) {
  VerifyTextOptions options = Options(kQuotes);
  const auto unknown = VerifyText(options);
  ASSERT_TRUE(unknown) << unknown.error().message;
  EXPECT_NE(unknown->pairs[0].verdict, Verdict::kSame);
  EXPECT_NE(unknown->pairs[0].verdict, Verdict::kDerived);
  EXPECT_EQ(unknown->pairs[0].texts->winner, "");

  options.alternatives = {std::string("quotes=") + kQuotes};
  options.compare.output_dir = folder_ + "/known";
  const auto known = VerifyText(options);
  ASSERT_TRUE(known) << known.error().message;
  const PairComparison& pair = known->pairs[0];
  EXPECT_EQ(pair.texts->winner, "quotes");
  ASSERT_TRUE(pair.texts->winner_weights);
  EXPECT_EQ(pair.texts->winner_weights->relation, Relation::kDerived);
  EXPECT_EQ(pair.verdict, Verdict::kDerived);
  EXPECT_THAT(pair.reason, HasSubstr("its texts are those of quotes"));
  const auto explained = Explain({.run = folder_ + "/known"});
  ASSERT_TRUE(explained) << explained.error().message;
  EXPECT_EQ(explained->pairs[0].reason, pair.reason);
}

TEST_F(VerifyTextTest, ReadsAnswersOfEveryForm) {
  VerifyTextOptions options = Options();
  options.answers = Write(
      "theirs.jsonl",
      "{\"prompt\": \"One day\", \"answer\": \" a man came.\", \"more\": 1}\n"
      "\n"
      "{\"prompt\": \"The\", \"answers\": [\" king\", \" queen of all\"]}\n");
  const auto texts = VerifyText(options);
  ASSERT_TRUE(texts) << texts.error().message;
  EXPECT_EQ(texts->num_prompts, 3);
  EXPECT_EQ(texts->pairs[0].b, "theirs");
  EXPECT_EQ(texts->pairs[0].texts->reading, Reading::kCompared);
  EXPECT_EQ(texts->prompt_source.size(), 64u);

  // Given at once, and as ids.
  options.answers = "";
  options.given = {{.prompt = "One day", .text = "", .token_ids = {5, 6, 7}}};
  options.max_tokens = 3;
  options.compare.output_dir = folder_ + "/ids";
  const auto ids = VerifyText(options);
  ASSERT_TRUE(ids) << ids.error().message;
  EXPECT_EQ(ids->pairs[0].texts->reading, Reading::kDrawnTokens);
  EXPECT_EQ(ids->pairs[0].texts->num_tokens, 3);
}

TEST_F(VerifyTextTest, RefusesWhatCannotBeJudged) {
  const auto refused = [&](const auto& change) {
    VerifyTextOptions options = Options();
    options.given = {{.prompt = "One day", .text = " a man came."}};
    change(options);
    const auto found = VerifyText(options);
    EXPECT_FALSE(found);
    EXPECT_FALSE(std::filesystem::exists(folder_ + "/d"));
    return found ? Error{} : found.error();
  };
  const auto expect = [&](const Error& error, const char* text) {
    EXPECT_EQ(error.code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(error.message, HasSubstr(text));
  };
  expect(refused([](auto& of) { of.max_tokens.reset(); }), "--max-tokens");
  expect(refused([](auto& of) { of.temperature = 0; }), "temperature 0");
  expect(refused([](auto& of) { of.top_p = 0; }), "--top-p 0");
  expect(refused([](auto& of) { of.max_tokens = 1; }),
         "answer 1: found 5 tokens");
  expect(refused([](auto& of) { of.num_own_answers = 0; }), "--own-answers");
  expect(refused([](auto& of) { of.num_own_answers = 1001; }),
         "--own-answers: found 1001, allowed are 1 to 1000");
  expect(refused([](auto& of) { of.compare.num_challenges = 7; }),
         "leave out --challenges");
  expect(refused([](auto& of) { of.compare.prompts = {"x"}; }), "--prompt,");
  expect(refused([](auto& of) { of.compare.prompt_file = "x"; }), "--prompts");
  expect(refused([](auto& of) { of.compare.orchestration.emplace(); }),
         "orchestration");
  expect(refused([](auto& of) { of.compare.full_matching = true; }),
         "leave out --full-matching");
  expect(refused([](auto& of) { of.given.clear(); }), "a reference with");
  expect(refused([](auto& of) { of.compare.models.push_back(kQuotes); }),
         "a reference with");
  expect(refused([](auto& of) { of.compare.alpha = 2; }), "2");
  expect(refused([&](auto& of) {
           of.alternatives = {
               testing::UnpackModel(REVLM_TEST_DATA "/zoo/cedar-s0").value()};
         }),
         "has other tokens");
  expect(refused([&](auto& of) { of.answers = folder_; }), "manifest.json");
  for (const char* line :
       {"[", "[]", "{\"answer\": \"x\"}", "{\"prompt\": \"x\"}",
        "{\"prompt\": \"x\", \"answer\": 3}",
        "{\"prompt\": \"x\", \"answer\": [-1]}",
        "{\"prompt\": \"x\", \"answer\": \"y\", \"answers\": [\"z\"]}"}) {
    expect(refused([&](auto& of) { of.answers = Write("bad.jsonl", line); }),
           "bad.jsonl, line 1");
  }
  EXPECT_EQ(refused([](auto& of) { of.answers = "/nowhere.jsonl"; }).code,
            ErrorCode::kNotFound);
}

// An answer without the token that ended it is none that the reference draws.
TEST_F(VerifyTextTest, TokenIdsThatCannotHaveBeenDrawnAreRefused) {
  VerifyTextOptions options = Options();
  const auto try_line = [&](const std::string& line) {
    options.answers = Write("ids.jsonl", "\n" + line);
    const auto found = VerifyText(options);
    std::filesystem::remove_all(folder_ + "/d");
    return found ? Error{} : found.error();
  };
  const auto expect = [&](const std::string& line, const char* text) {
    const Error error = try_line(line);
    EXPECT_EQ(error.code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(error.message, HasSubstr("ids.jsonl, line 2: found"));
    EXPECT_THAT(error.message, HasSubstr(text));
  };
  const auto model = formats::Checkpoint::Open(kAster).value();
  const int64_t end = model.config().eos_token_ids.front();
  expect(R"({"prompt": "One", "answer": [5, 6, 7]})",
         "add the token that ended the answer");
  expect(R"({"prompt": "One", "answers": ["x", [99999]]})", "token id 99999");
  expect(fmt::format(R"({{"prompt": "One", "answer": [{}]}})",
                     fmt::join(std::vector<int>(17, 5), ", ")),
         "found 17 tokens");
  EXPECT_EQ(
      try_line(fmt::format(R"({{"prompt": "One", "answer": [5, {}]}})", end))
          .message,
      "");
  EXPECT_EQ(try_line(fmt::format(R"({{"prompt": "One", "answer": [{}]}})",
                                 fmt::join(std::vector<int>(16, 5), ", ")))
                .message,
            "");
}

// However much is allowed, no more is made than the context and the memory
// limit have room for.
TEST_F(VerifyTextTest, HugeLimitsOfAnswersTakeNoMemory) {
  VerifyTextOptions options = Options();
  options.given = {{.prompt = "One day", .text = " a man came."}};
  options.max_tokens = INT32_MAX;
  options.compare.memory_limit_bytes = uint64_t{1} << 30;
  const auto found = VerifyText(options);
  ASSERT_TRUE(found) << found.error().message;
  const auto model = formats::Checkpoint::Open(kAster).value();
  EXPECT_LT(found->pairs[0].texts->max_tokens, model.config().max_positions);

  VerifyTextOptions many = Options(kAster);
  many.compare.num_challenges = 10'000;
  many.compare.output_dir = folder_ + "/many";
  many.compare.memory_limit_bytes = uint64_t{1} << 30;
  many.num_own_answers = kMostOwnAnswers;
  many.max_tokens = INT32_MAX;
  const auto refused = VerifyText(many);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kBudgetExceeded);
  EXPECT_THAT(refused.error().message,
              HasSubstr("10000 prompts with 1000 own answers of up to"));
}

// Stops a verification when it comes to a step; returns the steps it came to.
std::vector<std::string> StepsUntil(const std::string& last,
                                    VerifyTextOptions options,
                                    ErrorCode* stopped = nullptr) {
  std::stop_source stop;
  std::vector<std::string> steps;
  options.compare.stop = stop.get_token();
  options.compare.on_event = [&](const RunEvent& event) {
    if (event.kind != RunEvent::Kind::kProgress) return;
    if (steps.empty() || steps.back() != event.model) {
      steps.push_back(event.model);
    }
    if (event.model == last) stop.request_stop();
  };
  const auto found = VerifyText(options);
  EXPECT_EQ(found.has_value(), stopped == nullptr);
  if (!found && stopped != nullptr) *stopped = found.error().code;
  return steps;
}

TEST_F(VerifyTextTest, StoppedBeforeAnythingIsKeptItLeavesNothing) {
  ErrorCode stopped = ErrorCode::kInternal;
  StepsUntil("asking aster-s0-2", Options(kAster), &stopped);
  EXPECT_EQ(stopped, ErrorCode::kCancelled);
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/d"));
}

TEST_F(VerifyTextTest, GoesOnWhereItWasStopped) {
  VerifyTextOptions options = Options(RoundedAster());
  options.compare.num_challenges = 15;
  options.alternatives = {kQuotes};
  const std::vector<std::string> steps = StepsUntil("", options);
  const auto files = testing::FilesIn(options.compare.output_dir);
  ASSERT_GE(steps.size(), 12u);

  options.compare.output_dir = folder_ + "/stopped";
  int first = 0;  // step that is not done
  for (const size_t i : {size_t{1}, size_t{2}, size_t{5}, steps.size() - 2}) {
    ErrorCode stopped = ErrorCode::kInternal;
    const auto done = StepsUntil(steps[i], options, &stopped);
    EXPECT_EQ(stopped, ErrorCode::kCancelled);
    // Nobody is asked again who had said all.
    EXPECT_THAT(done,
                ElementsAreArray(steps.begin() + first,
                                 steps.begin() + static_cast<int>(i) + 1));
    first = static_cast<int>(i);
    options.compare.batch_size = first;
  }
  const auto last = StepsUntil("", options);
  EXPECT_THAT(last, ElementsAre(steps[steps.size() - 2], steps.back()));
  EXPECT_EQ(testing::FilesIn(options.compare.output_dir), files);
}

TEST_F(VerifyTextTest, AModelMayBeNamedLikeARounding) {
  VerifyTextOptions options = Options(kQuotes);
  options.compare.models[0] = std::string("q4_0=") + kAster;
  options.alternatives = {std::string("int8-row=") + kQuotes};
  const auto refused = VerifyText(options);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(refused.error().message, HasSubstr("other="));
  options.alternatives = {std::string("q4_0-2=") + kQuotes};
  const auto found = VerifyText(options);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->pairs[0].verdict, Verdict::kDerived);
  EXPECT_EQ(found->pairs[0].texts->winner, "q4_0-2");
  for (const auto& alternative : found->pairs[0].texts->alternatives) {
    EXPECT_GT(alternative.nats, 1e-6) << alternative.name;
  }
}

// Whose own answers are kept depends on the target's answers, of which the plan
// knows the file.
TEST_F(VerifyTextTest, OtherAnswersInTheSameFileAreJudgedAnew) {
  const std::string file = folder_ + "/answers.jsonl";
  const auto answer_by = [&](const std::string& model) {
    VerifyTextOptions asked = Options(model);
    asked.compare.output_dir = folder_ + "/asked";
    asked.num_own_answers = 1;
    ASSERT_TRUE(VerifyText(asked));
    std::filesystem::rename(folder_ + "/asked/answers.jsonl", file);
    std::filesystem::remove_all(folder_ + "/asked");
  };
  answer_by(kQuotes);
  VerifyTextOptions options = Options();
  options.answers = file;
  options.alternatives = {kQuotes};
  VerifyTextOptions stopped = options;
  std::stop_source stop;
  bool is_fitting = false;
  stopped.compare.stop = stop.get_token();
  stopped.compare.on_event = [&](const RunEvent& event) {
    if (event.model == "asking aster-s0-ft-quotes") is_fitting = true;
    if (is_fitting && event.model == "reading with aster-s0-ft-quotes") {
      stop.request_stop();
    }
  };
  ASSERT_FALSE(VerifyText(stopped));
  answer_by(RoundedAster());
  const auto found = VerifyText(options);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->pairs[0].texts->winner, "int3-group32");
  const auto files = testing::FilesIn(options.compare.output_dir);
  options.compare.output_dir = folder_ + "/whole";
  ASSERT_TRUE(VerifyText(options));
  EXPECT_EQ(testing::FilesIn(options.compare.output_dir), files);
}

TEST_F(VerifyTextTest, WhatIsKeptMayBeDamagedOrOfOtherAnswers) {
  VerifyTextOptions options = Options();
  options.given = {{.prompt = "One day", .text = " a man came."}};
  ErrorCode stopped = ErrorCode::kInternal;
  StepsUntil("reading with q8_0", options, &stopped);
  ASSERT_EQ(stopped, ErrorCode::kCancelled);
  size_t num_kept = 0;
  for (const auto& entry : std::filesystem::directory_iterator(
           options.compare.output_dir + "/unfinished")) {
    if (entry.path().extension() != ".kept") continue;
    const size_t size = std::filesystem::file_size(entry.path());
    std::fstream file(entry.path(),
                      std::ios::in | std::ios::out | std::ios::binary);
    switch (num_kept++) {
      case 0:  // another bit
        file.seekg(static_cast<std::streamoff>(size / 2));
        file.put(static_cast<char>(file.peek() ^ 1));
        break;
      case 1:  // cut off
        file.close();
        std::filesystem::resize_file(entry.path(), size - 1);
        break;
      default:  // longer
        file.seekp(0, std::ios::end);
        file.put('x');
    }
  }
  EXPECT_GE(num_kept, 3u);
  options.given[0].text = " a woman came.";
  ASSERT_TRUE(VerifyText(options));
  const auto files = testing::FilesIn(options.compare.output_dir);
  options.compare.output_dir = folder_ + "/whole";
  ASSERT_TRUE(VerifyText(options));
  EXPECT_EQ(testing::FilesIn(options.compare.output_dir), files);
}

}  // namespace
}  // namespace revlm
