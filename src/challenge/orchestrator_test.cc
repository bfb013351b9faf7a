#include "challenge/orchestrator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "challenge/coverage.h"
#include "challenge/golden_testing.h"
#include "challenge/orchestrator_testing.h"
#include "challenge/proposer.h"

namespace revlm::challenge {
namespace {

using std::chrono_literals::operator""ms;
using ::testing::HasSubstr;

Orchestrator MakeOf(const std::vector<WeightedProposer>& proposers,
                    std::chrono::milliseconds deadline = 60'000ms) {
  auto made = Orchestrator::CreateOf(proposers, {.deadline = deadline});
  EXPECT_TRUE(made) << made.error().message;
  return *std::move(made);
}

TEST(OrchestratorTest, GivesExactlyTheNumberAskedForWithoutRepeats) {
  for (const size_t count : {1, 2, 7, 64, 1000, 10'000}) {
    Orchestrator orchestrator = Make(Seeded(1));
    std::set<std::string> texts;
    std::set<std::string> ids;
    for (const Challenge& challenge : Next(orchestrator, count)) {
      texts.insert(challenge.text);
      ids.insert(challenge.id);
    }
    EXPECT_EQ(texts.size(), count);
    EXPECT_EQ(ids.size(), count);
  }
}

TEST(OrchestratorTest, TheFirstAreTheSameHoweverTheyAreAskedFor) {
  Orchestrator at_once = Make(Seeded(2));
  const auto all = Next(at_once, 100);
  Orchestrator in_parts = Make(Seeded(2));
  std::vector<Challenge> parts;
  for (const size_t count : {1, 8, 8, 83}) {
    std::ranges::move(Next(in_parts, count), std::back_inserter(parts));
  }
  EXPECT_EQ(parts, all);
}

TEST(OrchestratorTest, TheNumberOfThreadsDecidesNothing) {
  OrchestratorOptions options = Seeded(3);
  Orchestrator many = Make(options);
  options.num_threads = 1;
  Orchestrator one = Make(options);
  EXPECT_EQ(Next(many, 500), Next(one, 500));
}

TEST(OrchestratorTest, EachSystemGivesItsShare) {
  Orchestrator orchestrator = MakeOf({Fake("a", 3), Fake("b", 2)});
  EXPECT_EQ(CountBySystem(Next(orchestrator, 50)),
            (std::map<std::string, size_t>{{"a", 30}, {"b", 20}}));
  const auto reports = orchestrator.systems();
  EXPECT_EQ(reports[0].share, 0.6);
  EXPECT_EQ(reports[0].num_given, 30u);
  EXPECT_EQ(reports[1].failure, "");
}

TEST(OrchestratorTest, ATextThatAnotherSystemGaveIsNotGivenAgain) {
  Orchestrator orchestrator = MakeOf({Fake("a", 1), Fake("a", 1)});
  std::set<std::string> texts;
  for (const Challenge& challenge : Next(orchestrator, 100)) {
    texts.insert(challenge.text);
  }
  EXPECT_EQ(texts.size(), 100u);
}

TEST(OrchestratorTest, ASystemThatFailsIsNamedAndTheOthersTakeItsShare) {
  struct Case {
    WeightedProposer failing;
    std::string reason;
  };
  const std::vector<Case> cases = {
      {Fake("bad", 2, 100,
            [](const std::stop_token&) -> Status {
              return base::MakeError(ErrorCode::kInternal, "no grammar");
            }),
       "no grammar"},
      {Fake("bad", 2, 100,
            [](const std::stop_token&) -> Status {
              throw std::runtime_error("oh");
            }),
       "an exception: oh"},
      {Fake("bad", 2, 100,
            [](const std::stop_token& stop) -> Status {
              while (!stop.stop_requested()) std::this_thread::sleep_for(1ms);
              return {};
            }),
       "no answer within 50 ms"},
      {Fake("bad", 2, 0), "no more prompts after 0"},
      {Fake("bad", 2, 5), "no more prompts after 5"}};
  for (const Case& item : cases) {
    Orchestrator orchestrator =
        MakeOf({Fake("a", 3), item.failing, Fake("b", 1)}, 50ms);
    EXPECT_EQ(Next(orchestrator, 40).size(), 40u);
    EXPECT_EQ(Next(orchestrator, 3).size(), 3u);
    const auto reports = orchestrator.systems();
    EXPECT_EQ(reports[1].failure, item.reason);
    EXPECT_EQ(
        reports[0].num_given + reports[1].num_given + reports[2].num_given,
        43u);
    EXPECT_NEAR(reports[0].num_given, 3.0 * reports[2].num_given, 4.0);
  }
}

TEST(OrchestratorTest, WhatOneHasGivenBeforeItRanOutIsTheSameInParts) {
  const auto make = [] { return MakeOf({Fake("a", 2), Fake("b", 1, 7)}); };
  Orchestrator at_once = make();
  const auto all = Next(at_once, 60);
  Orchestrator in_parts = make();
  std::vector<Challenge> parts;
  for (int i = 0; i < 20; ++i) {
    std::ranges::move(Next(in_parts, 3), std::back_inserter(parts));
  }
  EXPECT_EQ(parts, all);
}

TEST(OrchestratorTest, ThatEverySystemFailedIsOneErrorWithEachReason) {
  Orchestrator orchestrator = MakeOf({Fake("a", 1, 2), Fake("b", 1, 0)});
  for (int i = 0; i < 2; ++i) {
    const auto challenges = orchestrator.Next(3);
    ASSERT_FALSE(challenges);
    EXPECT_EQ(challenges.error().code, ErrorCode::kUnavailable);
    EXPECT_THAT(challenges.error().message,
                HasSubstr("every system failed: a: no more prompts after 2; "
                          "b: no more prompts after 0"));
  }
}

TEST(OrchestratorTest, WhatIsNotAllowedIsRefused) {
  Orchestrator orchestrator = Make(Seeded(4));
  EXPECT_EQ(orchestrator.Next(0).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(Next(orchestrator, 9'999).size(), 9'999u);
  EXPECT_THAT(orchestrator.Next(2).error().message,
              HasSubstr("found a number of 2 after 9999 others"));
  EXPECT_EQ(Next(orchestrator, 1).size(), 1u);
  EXPECT_THAT(
      Orchestrator::Create({.systems = {SystemKind::kPot, SystemKind::kPot}})
          .error()
          .message,
      HasSubstr("found the system pot twice"));
  EXPECT_FALSE(Orchestrator::Create({.num_threads = -1}));
  EXPECT_FALSE(Orchestrator::Create({.deadline = 0ms}));
}

TEST(OrchestratorTest, TheFirstFiftyOfSeedZeroAreAsKept) {
  Orchestrator orchestrator = Make(Seeded(0));
  ExpectAsKept("orchestrated.jsonl", Next(orchestrator, 50));
}

TEST(OrchestratorTest, CoverageCountsWhatWasGiven) {
  Orchestrator orchestrator = Make(Seeded(8));
  EXPECT_EQ(orchestrator.coverage().num_leaves, 0u);
  const auto first = Next(orchestrator, 30);
  auto all = Next(orchestrator, 20);
  EXPECT_GT(orchestrator.coverage().num_leaves, CoverageOf(first).num_leaves);
  all.insert(all.end(), first.begin(), first.end());
  EXPECT_EQ(orchestrator.coverage().num_leaves, CoverageOf(all).num_leaves);
  EXPECT_EQ(orchestrator.coverage().capability_share,
            CoverageOf(all).capability_share);
}

TEST(OrchestratorTest, AThousandPromptsTakeLessThanASecond) {
  const std::clock_t begin = std::clock();  // CPU time: the machine is shared
  Orchestrator orchestrator = Make(Seeded(9));
  EXPECT_EQ(Next(orchestrator, 1000).size(), 1000u);
  const double seconds =
      static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  std::printf("%.3f s of CPU for 1000 prompts\n", seconds);
  EXPECT_LT(seconds, 1);
}

TEST(OrchestratorTest, AnOutcomeOfNoPromptIsRefused) {
  Orchestrator orchestrator = Make(Seeded(5));
  const std::string id = Next(orchestrator, 2)[0].id;
  EXPECT_THAT(
      orchestrator.Observe(std::vector<Outcome>{{"pot-77"}}).error().message,
      HasSubstr("\"pot-77\": found one that was not given"));
  EXPECT_FALSE(orchestrator.Observe(std::vector<Outcome>{{id}, {id}}));
  EXPECT_TRUE(orchestrator.Observe(std::vector<Outcome>{{id}}));
  EXPECT_FALSE(orchestrator.Observe(std::vector<Outcome>{{id}}));
}

TEST(OrchestratorTest,
     AnOutcomeWithImpossibleNumbersIsRefusedAndTeachesNothing) {
  Orchestrator orchestrator = Make(Seeded(5));
  const auto challenges = Next(orchestrator, 2);
  const auto error_of = [&](double information, double entropy,
                            double probability) {
    const Status status = orchestrator.Observe(std::vector<Outcome>{
        {.challenge_id = challenges[0].id},
        {.challenge_id = challenges[1].id,
         .information_nats = information,
         .models = {{.model = "a",
                     .mean_entropy_nats = entropy,
                     .mean_top_probability = probability}}}});
    return status ? "no error" : status.error().message;
  };
  EXPECT_THAT(error_of(-1e-9, 0, 0), HasSubstr("an information of -1e-09"));
  EXPECT_THAT(error_of(std::nan(""), 0, 0), HasSubstr("a finite number"));
  EXPECT_THAT(error_of(0, INFINITY, 0), HasSubstr("an entropy of inf"));
  EXPECT_THAT(error_of(0, 0, 1.5),
              HasSubstr("a probability of 1.5, allowed is 0 to 1"));
  EXPECT_TRUE(orchestrator.profiles().empty());
  EXPECT_EQ(error_of(0, 0, 1), "no error");
}

}  // namespace
}  // namespace revlm::challenge
