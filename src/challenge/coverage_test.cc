#include "challenge/coverage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iostream>
#include <string>
#include <vector>

#include "challenge/dynamic.h"
#include "challenge/hierarchical.h"
#include "challenge/kdf.h"
#include "challenge/kdf_methods.h"
#include "challenge/pot.h"
#include "challenge/taxonomy.h"

namespace revlm::challenge {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<Challenge> Generate(const System& system, size_t count) {
  return GenerateChallenges(
             system, DeriveSessionKey({.seed = SeedFromNumber(0)}), {}, count)
      .value();
}

std::vector<std::string> Names(const Touched& touched) {
  std::vector<std::string> names;
  names.reserve(touched.leaves.size() + touched.capabilities.size());
  for (const size_t leaf : touched.leaves) {
    names.emplace_back(TaxonomyLeaves()[leaf].path);
  }
  for (const size_t capability : touched.capabilities) {
    names.emplace_back(Capabilities()[capability].name);
  }
  return names;
}

Touched TouchedBy(const std::string& system,
                  const std::vector<Parameter>& parameters) {
  return challenge::TouchedBy({.system = system, .parameters = parameters});
}

TEST(CoverageTest, ParametersSayWhatIsTouched) {
  EXPECT_THAT(Names(TouchedBy("pot/1", {{"domain", "lists"}})),
              ElementsAre("reasoning"));
  EXPECT_THAT(Names(TouchedBy("kdf/1", {{"class", "unicode"},
                                        {"method", "emoji"},
                                        {"strength", "2"}})),
              ElementsAre("robustness/unicode/ornaments", "robustness"));
  EXPECT_THAT(Names(TouchedBy("dynamic/1", {{"kind", "instruction"},
                                            {"domain", "trade"},
                                            {"difficulty", "3"}})),
              ElementsAre("knowledge/practice/trade",
                          "interaction/instructions/constraints", "knowledge",
                          "interaction"));
  EXPECT_THAT(Names(TouchedBy("dynamic/1", {{"kind", "edge"},
                                            {"domain", "trade"},
                                            {"difficulty", "5"}})),
              ElementsAre("robustness"));
  EXPECT_THAT(
      Names(TouchedBy("hierarchical/1", {{"walk", "depth_first"},
                                         {"leaf", "code/languages/sql"}})),
      ElementsAre("code/languages/sql", "code"));
}

TEST(CoverageTest, WhatIsNotKnownTouchesNothing) {
  EXPECT_THAT(Names(TouchedBy("other/1", {{"leaf", "code/languages/sql"}})),
              IsEmpty());
  EXPECT_THAT(Names(TouchedBy("", {})), IsEmpty());
  EXPECT_THAT(Names(TouchedBy("pot/1", {})), IsEmpty());
  EXPECT_THAT(Names(TouchedBy("hierarchical/1", {{"leaf", "code/languages"}})),
              IsEmpty());
  EXPECT_EQ(CoverageOf({}).num_leaves, 0u);
}

TEST(CoverageTest, EveryChallengeOfOurSystemsTouchesACapability) {
  for (const System& system : {kPot, kKdf, kDynamic, kHierarchical}) {
    for (const Challenge& challenge : Generate(system, 1000)) {
      const Touched touched = challenge::TouchedBy(challenge);
      EXPECT_FALSE(touched.capabilities.empty()) << challenge.id;
      // Other than by pot, a leaf of it too, or two edge cases in one.
      const bool may_lack_leaf =
          system.name == kPot.name ||
          (challenge.parameters.front().value == "edge" &&
           challenge.parameters.back().value == "5");
      EXPECT_TRUE(may_lack_leaf || !touched.leaves.empty()) << challenge.id;
    }
  }
  for (const KdfClass& of_class : KdfClasses()) {
    for (const KdfMethod& method : of_class.methods) {
      EXPECT_EQ(TouchedBy("kdf/1", {{"method", std::string(method.name)}})
                    .leaves.size(),
                1u)
          << method.name;
    }
  }
}

TEST(CoverageTest, CountsEachLeafOnce) {
  std::vector<Challenge> challenges = Generate(kHierarchical, 111);
  Coverage coverage = CoverageOf(challenges);
  EXPECT_EQ(coverage.num_leaves, TaxonomyLeaves().size());
  EXPECT_EQ(coverage.leaf_share, 1.0);
  EXPECT_EQ(coverage.capability_share, 1.0);
  challenges.resize(8);
  challenges.push_back(challenges.front());
  coverage = CoverageOf(challenges);
  EXPECT_EQ(coverage.num_leaves, 8u);
  EXPECT_EQ(coverage.num_capabilities, 8u);
  EXPECT_DOUBLE_EQ(coverage.leaf_share, 8.0 / 111);
}

// What docs/method-challenges.md says of each system on its own.
TEST(CoverageTest, MorePromptsTouchMore) {
  for (const System& system : {kPot, kKdf, kDynamic, kHierarchical}) {
    Coverage previous;
    for (const size_t count : {50, 250, 1000}) {
      const Coverage coverage = CoverageOf(Generate(system, count));
      EXPECT_GE(coverage.num_leaves, previous.num_leaves);
      EXPECT_GE(coverage.num_capabilities, previous.num_capabilities);
      previous = coverage;
      std::cout << system.name << ", " << count
                << " prompts: " << coverage.num_leaves << " leaves, "
                << coverage.num_capabilities << " capabilities\n";
    }
  }
}

}  // namespace
}  // namespace revlm::challenge
