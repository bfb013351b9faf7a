#include "challenge/hierarchical_proposer.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "challenge/coverage.h"
#include "challenge/hierarchical.h"
#include "challenge/taxonomy.h"

namespace revlm::challenge {
namespace {

Key SessionKey(uint64_t seed) {
  return DeriveSessionKey({.seed = SeedFromNumber(seed)});
}

std::vector<Challenge> Propose(Proposer& proposer, size_t count) {
  return proposer.Propose(count, {}).value();
}

TEST(HierarchicalProposerTest, WalksBreadthFirstBeforeItHasLearnt) {
  const auto proposer = MakeHierarchicalProposer(SessionKey(1));
  proposer->Learn({});
  EXPECT_EQ(Propose(*proposer, 100),
            GenerateChallenges(kHierarchical, SessionKey(1), {}, 100).value());
}

TEST(HierarchicalProposerTest, AsksFirstWhatItKnowsLeastOf) {
  const size_t num_leaves = TaxonomyLeaves().size();
  const auto proposer = MakeHierarchicalProposer(SessionKey(2));
  // Each leaf twice, and always the same came back, but for the last leaf.
  const auto asked = Propose(*proposer, 2 * num_leaves);
  const std::string doubtful(TaxonomyLeaves().back().path);
  std::vector<Lesson> lessons;
  double nats = 0;
  for (const Challenge& challenge : asked) {
    const bool is_doubtful = challenge.parameters[1].value == doubtful;
    nats += is_doubtful ? 1e-3 : 0;
    lessons.push_back({challenge, is_doubtful ? nats : 1e-3});
  }
  proposer->Learn(lessons);
  const auto next = Propose(*proposer, num_leaves);
  EXPECT_EQ(next[0].parameters[0].value, "uncertainty");
  EXPECT_EQ(next[0].parameters[1].value, doubtful);
  EXPECT_EQ(CoverageOf(next).num_leaves, num_leaves);
}

TEST(HierarchicalProposerTest, LearnsFromPromptsOfOtherSystems) {
  const auto proposer = MakeHierarchicalProposer(SessionKey(3));
  const Challenge first =
      MakeHierarchicalChallenge(SessionKey(9), 0, {}).value();
  Challenge other = first;
  other.id = "elsewhere-0";
  proposer->Learn(std::vector<Lesson>{{other, 1e-3}});
  EXPECT_NE(Propose(*proposer, 1)[0].parameters[1], first.parameters[1]);
}

TEST(HierarchicalProposerTest, AChallengeIsMadeAgainFromItsIndex) {
  const auto proposer = MakeHierarchicalProposer(SessionKey(4));
  const Challenge some = {.text = "x", .system = "x/1"};
  proposer->Learn(std::vector<Lesson>{{some, 1e-3}});
  const Key key = DerivePromptKey(SessionKey(4), kHierarchical.name);
  for (const Challenge& challenge : Propose(*proposer, 300)) {
    ASSERT_TRUE(challenge.id.starts_with("hierarchical-u"));
    const uint64_t index = std::stoull(challenge.id.substr(14));
    EXPECT_EQ(
        MakeHierarchicalChallenge(key, index, challenge.parameters).value(),
        challenge);
  }
}

}  // namespace
}  // namespace revlm::challenge
