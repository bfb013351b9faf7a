#include "challenge/evolution.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <set>
#include <string>
#include <vector>

#include "challenge/golden_testing.h"
#include "challenge/landscape_testing.h"
#include "challenge/pot.h"

namespace revlm::challenge {
namespace {

using ::revlm::testing::Landscape;
using ::revlm::testing::Shape;
using ::testing::HasSubstr;

Key SessionKey(uint64_t seed) {
  return DeriveSessionKey({.seed = SeedFromNumber(seed)});
}

std::vector<Challenge> Propose(Proposer& proposer, size_t count) {
  return proposer.Propose(count, {}).value();
}

// One generation: proposes, asks the landscape, learns. The mean information.
double Generation(Proposer& proposer, const Landscape& landscape,
                  size_t count) {
  const auto challenges = Propose(proposer, count);
  std::vector<Lesson> lessons;
  double sum = 0;
  for (const Challenge& challenge : challenges) {
    const double information = landscape.InformationNats(challenge);
    lessons.push_back({challenge, information});
    sum += information;
  }
  proposer.Learn(lessons);
  return sum / static_cast<double>(count);
}

TEST(EvolutionTest, GenerationZeroIsWhatTheSystemMakes) {
  const auto proposer = MakeEvolutionProposer(SessionKey(1));
  EXPECT_EQ(Propose(*proposer, 100),
            GenerateChallenges(kEvolutionary, SessionKey(1), {}, 100).value());
}

TEST(EvolutionTest, AChallengeIsMadeAgainFromItsParameters) {
  const auto proposer = MakeEvolutionProposer(SessionKey(2));
  const Landscape landscape(Shape::kLinear, 2);
  for (int i = 0; i < 3; ++i) Generation(*proposer, landscape, 20);
  std::set<std::string> origins;
  for (const Challenge& challenge : Propose(*proposer, 100)) {
    const bool is_bred = challenge.parameters[0].value == "bred";
    const std::string before_index =
        is_bred ? "evolutionary-b" : "evolutionary-f";
    ASSERT_TRUE(challenge.id.starts_with(before_index)) << challenge.id;
    const uint64_t index =
        std::stoull(challenge.id.substr(before_index.size()));
    EXPECT_EQ(
        MakeEvolutionaryChallenge({}, index, challenge.parameters).value(),
        challenge);
    origins.insert(challenge.parameters[0].value);
  }
  EXPECT_EQ(origins, (std::set<std::string>{"fresh", "bred"}));
}

TEST(EvolutionTest, NoTextComesTwice) {
  const auto proposer = MakeEvolutionProposer(SessionKey(3));
  const Landscape landscape(Shape::kNonlinear, 3);
  std::set<std::string> texts;
  for (int i = 0; i < 40; ++i) {
    const auto challenges = Propose(*proposer, 50);
    std::vector<Lesson> lessons;
    for (const Challenge& challenge : challenges) {
      EXPECT_TRUE(texts.insert(challenge.text).second) << challenge.text;
      lessons.push_back({challenge, landscape.InformationNats(challenge)});
    }
    proposer->Learn(lessons);
  }
}

TEST(EvolutionTest, BreedsOnWhatOtherSystemsFound) {
  const auto proposer = MakeEvolutionProposer(SessionKey(4));
  Challenge found = {.id = "x-1", .text = "Zanzibar", .system = "x/1"};
  std::vector<Lesson> lessons(8, Lesson{found, 1e-3});
  proposer->Learn(lessons);
  const auto challenges = Propose(*proposer, 100);
  const auto num_with = std::ranges::count_if(challenges, [](const auto& item) {
    return item.parameters[1].value.find("=Zanzibar") != std::string::npos;
  });
  EXPECT_GT(num_with, 50);
}

TEST(EvolutionTest, WithFewLessonsItGoesOnAtRandom) {
  const auto proposer = MakeEvolutionProposer(SessionKey(5));
  const Challenge found = {.text = "x"};
  proposer->Learn(std::vector<Lesson>(7, Lesson{found, 1e-3}));
  EXPECT_EQ(Propose(*proposer, 20),
            GenerateChallenges(kEvolutionary, SessionKey(5), {}, 20).value());
}

TEST(EvolutionTest, WhatIsNotAllowedIsRefused) {
  const auto error_of = [](const std::vector<Parameter>& parameters) {
    const auto challenge = MakeEvolutionaryChallenge({}, 0, parameters);
    return challenge ? "no error" : challenge.error().message;
  };
  const Parameter gene = {"gene", "0.0.0.0.0.0;0.0.0"};
  EXPECT_EQ(error_of({gene}), "no error");
  EXPECT_THAT(error_of({gene, gene}), HasSubstr("each once"));
  EXPECT_THAT(
      error_of({{"origin", "bought"}, gene}),
      HasSubstr("\"origin\" = \"bought\", allowed is random, fresh or bred"));
  EXPECT_THAT(error_of({{"origin", "bred"}}),
              HasSubstr("allowed is random where no gene is given"));
  EXPECT_THAT(error_of({{"origin", "bred"}, {"gene", "x"}}),
              HasSubstr("\"gene\" = \"x\", allowed is a gene"));
}

// So that the kept file needs no logarithm of this machine.
double PlainInformation(const Challenge& challenge) {
  const auto num_digits = static_cast<size_t>(std::ranges::count_if(
      challenge.text, [](char c) { return c >= '0' && c <= '9'; }));
  return static_cast<double>(1 + challenge.text.size() % 64 + 8 * num_digits) /
         65536;
}

TEST(EvolutionTest, FiftyAfterAFixedHistoryAreAsKept) {
  const auto proposer = MakeEvolutionProposer(SessionKey(0));
  const auto pot = GenerateChallenges(kPot, SessionKey(0), {}, 20).value();
  std::vector<Lesson> lessons;
  for (const Challenge& challenge : pot) {
    lessons.push_back({challenge, PlainInformation(challenge)});
  }
  proposer->Learn(lessons);
  for (int i = 0; i < 4; ++i) {
    const auto asked = Propose(*proposer, 20);
    lessons.clear();
    for (const Challenge& challenge : asked) {
      lessons.push_back({challenge, PlainInformation(challenge)});
    }
    proposer->Learn(lessons);
  }
  ExpectAsKept("evolutionary_bred.jsonl", Propose(*proposer, 50));
}

// The mean information of the last 60 of 240 prompts, in twelve generations,
// relative to that of as many random genes: the geometric mean over landscapes,
// and on how many of them it is more.
struct Margin {
  double ratio = 0;
  int num_better = 0;
};

Margin Measure(Shape shape, int num_landscapes) {
  double sum = 0;
  Margin margin;
  for (int seed = 0; seed < num_landscapes; ++seed) {
    const Landscape landscape(shape, seed);
    const auto proposer = MakeEvolutionProposer(SessionKey(seed));
    double last = 0;
    for (int i = 0; i < 12; ++i) {
      const double mean = Generation(*proposer, landscape, 20);
      if (i >= 9) last += mean / 3;
    }
    double random = 0;
    const auto genes =
        GenerateChallenges(kEvolutionary, SessionKey(seed), {}, 240);
    for (const Challenge& challenge : *genes) {
      random += landscape.InformationNats(challenge) / 240;
    }
    sum += std::log(last / random);
    margin.num_better += last > random ? 1 : 0;
  }
  margin.ratio = std::exp(sum / num_landscapes);
  return margin;
}

TEST(EvolutionTest, FindsMoreThanRandomSearch) {
  constexpr int kNumLandscapes = 30;
  const Margin linear = Measure(Shape::kLinear, kNumLandscapes);
  const Margin nonlinear = Measure(Shape::kNonlinear, kNumLandscapes);
  const Margin none = Measure(Shape::kNone, kNumLandscapes);
  std::printf(
      "information, of that of random genes: linear %.2f, nonlinear "
      "%.2f, nothing to find %.2f\n",
      linear.ratio, nonlinear.ratio, none.ratio);
  EXPECT_GT(linear.ratio, 12);
  EXPECT_GT(nonlinear.ratio, 4);
  EXPECT_GE(linear.num_better, 29);
  EXPECT_GE(nonlinear.num_better, 29);
  EXPECT_NEAR(none.ratio, 1, 0.1);
}

}  // namespace
}  // namespace revlm::challenge
