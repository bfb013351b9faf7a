// What an orchestrator does with outcomes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "challenge/golden_testing.h"
#include "challenge/landscape_testing.h"
#include "challenge/orchestrator.h"
#include "challenge/orchestrator_testing.h"

namespace revlm::challenge {
namespace {

// What models did with `challenge`, from its text alone and without logarithms.
Outcome PlainOutcome(const Challenge& challenge) {
  const auto num_digits = static_cast<double>(std::ranges::count_if(
      challenge.text, [](char c) { return c >= '0' && c <= '9'; }));
  const auto num_bytes = static_cast<double>(challenge.text.size());
  return {.challenge_id = challenge.id,
          .information_nats = (1 + num_bytes / 64 + num_digits) / 4096,
          .models = {{.model = "a",
                      .answer = challenge.text,
                      .mean_entropy_nats = 2 + num_digits / 16,
                      .mean_top_probability = 0.5},
                     {.model = "b",
                      .answer = challenge.text.substr(0, 20),
                      .mean_entropy_nats = 2,
                      .mean_top_probability = 0.25}}};
}

void ObserveAll(Orchestrator& orchestrator,
                const std::vector<Challenge>& challenges) {
  std::vector<Outcome> outcomes;
  for (const Challenge& challenge : challenges) {
    outcomes.push_back(PlainOutcome(challenge));
  }
  const Status status = orchestrator.Observe(outcomes);
  EXPECT_TRUE(status) << status.error().message;
}

TEST(OrchestratorLearningTest, FiftyAfterAFixedHistoryAreAsKept) {
  OrchestratorOptions options = Seeded(0);
  options.num_threads = 2;
  Orchestrator orchestrator = Make(options);
  for (const size_t count : {8, 8, 16}) {
    ObserveAll(orchestrator, Next(orchestrator, count));
  }
  ExpectAsKept("orchestrated_after_history.jsonl", Next(orchestrator, 50));
}

TEST(OrchestratorLearningTest,
     WithOutcomesItIsExactWithoutRepeatsAndThreadsDecideNothing) {
  for (const Focus focus :
       {Focus::kCoverage, Focus::kSeparation, Focus::kBalanced}) {
    OrchestratorOptions options = Seeded(6);
    options.focus = focus;
    Orchestrator many = Make(options);
    options.num_threads = 1;
    Orchestrator one = Make(options);
    std::set<std::string> texts;
    size_t num_given = 0;
    for (const size_t count : {1, 2, 7, 64, 200}) {
      const auto challenges = Next(many, count);
      EXPECT_EQ(challenges.size(), count);
      EXPECT_EQ(Next(one, count), challenges);
      ObserveAll(many, challenges);
      ObserveAll(one, challenges);
      for (const Challenge& challenge : challenges) {
        texts.insert(challenge.text);
      }
      num_given += count;
    }
    EXPECT_EQ(texts.size(), num_given);
  }
}

TEST(OrchestratorLearningTest, OutcomesLeadToPromptsThatBringMore) {
  double sum = 0;
  constexpr int kNumSeeds = 8;
  for (int seed = 0; seed < kNumSeeds; ++seed) {
    const revlm::testing::Landscape landscape(revlm::testing::Shape::kLinear,
                                              static_cast<uint64_t>(seed));
    const auto mean = [&](const std::vector<Challenge>& challenges) {
      double total = 0;
      for (const Challenge& challenge : challenges) {
        total += landscape.InformationNats(challenge);
      }
      return total / static_cast<double>(challenges.size());
    };
    Orchestrator blind = Make(Seeded(static_cast<uint64_t>(seed)));
    Orchestrator seeing = Make(Seeded(static_cast<uint64_t>(seed)));
    for (const size_t count : {8, 8, 16, 32, 64}) {
      std::vector<Outcome> outcomes;
      for (const Challenge& challenge : Next(seeing, count)) {
        outcomes.push_back(
            {.challenge_id = challenge.id,
             .information_nats = landscape.InformationNats(challenge)});
      }
      ASSERT_TRUE(seeing.Observe(outcomes));
    }
    sum += std::log2(mean(Next(seeing, 64)) / mean(Next(blind, 192)));
  }
  std::printf("information after 128 outcomes, of that without: %.2f\n",
              std::exp2(sum / kNumSeeds));
  EXPECT_GT(sum / kNumSeeds, 1);  // twice as much
}

TEST(OrchestratorLearningTest, ProfilesSayWhatModelsDid) {
  Orchestrator orchestrator = Make(Seeded(7));
  ObserveAll(orchestrator, Next(orchestrator, 16));
  const auto profiles = orchestrator.profiles();
  ASSERT_EQ(profiles.size(), 2u);
  EXPECT_EQ(profiles[0].model, "a");
  EXPECT_EQ(profiles[1].num_observations, 16u);
  EXPECT_DOUBLE_EQ(profiles[1].traits[static_cast<size_t>(Trait::kUncertainty)],
                   0.5);
}

}  // namespace
}  // namespace revlm::challenge
