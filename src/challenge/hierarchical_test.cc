#include "challenge/hierarchical.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "challenge/dynamic_grammar.h"
#include "challenge/expand_testing.h"
#include "challenge/sentences.h"
#include "challenge/taxonomy.h"

namespace revlm::challenge {
namespace {

using ::testing::HasSubstr;

const Key kKey = DerivePromptKey(DeriveSessionKey({.seed = SeedFromNumber(8)}),
                                 kHierarchical.name);

std::string LeafAt(uint64_t index, const std::vector<Parameter>& parameters) {
  return MakeHierarchicalChallenge(kKey, index, parameters)
      .value()
      .parameters.at(1)
      .value;
}

TEST(TaxonomyTest, IsATreeOfEightCapabilitiesWithEveryGroupTogether) {
  const auto leaves = TaxonomyLeaves();
  EXPECT_EQ(leaves.size(), 111u);
  EXPECT_EQ(Capabilities().size(), 8u);
  std::set<std::string_view> paths;
  std::set<std::string_view> topics;
  size_t capability = 0;
  for (size_t i = 0; i < leaves.size(); ++i) {
    EXPECT_TRUE(paths.insert(leaves[i].path).second) << leaves[i].path;
    EXPECT_EQ(std::ranges::count(leaves[i].path, '/'), 2) << leaves[i].path;
    EXPECT_EQ(FindLeaf(leaves[i].path), i);
    if (i > 0 && leaves[i].topic() != leaves[i - 1].topic()) {
      EXPECT_FALSE(topics.contains(leaves[i].topic())) << leaves[i].path;
    }
    topics.insert(leaves[i].topic());
    EXPECT_GE(CapabilityOf(i), capability) << leaves[i].path;
    capability = CapabilityOf(i);
  }
  EXPECT_EQ(capability, Capabilities().size() - 1);
  EXPECT_EQ(FindLeaf("mathematics/arithmetic"), std::nullopt);
}

TEST(TaxonomyTest, EveryLeafHasManyTexts) {
  for (const TaxonomyLeaf& leaf : TaxonomyLeaves()) {
    const auto challenges = GenerateChallenges(
        kHierarchical, kKey, {{{"leaf", std::string(leaf.path)}}}, 1000);
    EXPECT_TRUE(challenges) << leaf.path << ": " << challenges.error().message;
  }
}

TEST(TaxonomyTest, EveryTemplateIsUsedAndEveryListOfItsOwn) {
  std::string templates;
  std::set<std::string_view> texts;
  for (const TaxonomyLeaf& leaf : TaxonomyLeaves()) {
    for (const std::string_view text : leaf.templates) {
      EXPECT_FALSE(text.empty()) << leaf.path;
      EXPECT_TRUE(texts.insert(text).second) << text;
      templates.append(text).append("\n");
    }
  }
  ExpectNoWordTwice(TaxonomyWords());
  std::set<std::string_view> names;
  for (const std::span<const WordList> lists :
       {CommonWords(), DynamicParts(), TaxonomyWords(),
        std::span<const WordList>(DynamicDomains()[0].vocabulary)}) {
    for (const WordList& list : lists) {
      EXPECT_TRUE(names.insert(list.name).second) << list.name;
    }
  }
  for (const WordList& list : TaxonomyWords()) {
    EXPECT_NE(templates.find("{" + std::string(list.name)), std::string::npos)
        << list.name;
  }
}

TEST(HierarchicalTest, BreadthFirstTouchesCapabilitiesThenTopicsThenSkills) {
  std::set<std::string> capabilities;
  std::set<std::string> topics;
  std::set<std::string> leaves;
  std::set<std::string_view> all_topics;
  for (const TaxonomyLeaf& leaf : TaxonomyLeaves()) {
    all_topics.insert(leaf.topic());
  }
  for (uint64_t index = 0; index < TaxonomyLeaves().size(); ++index) {
    const std::string leaf = LeafAt(index, {});
    if (index < Capabilities().size()) {
      EXPECT_TRUE(capabilities.insert(leaf.substr(0, leaf.find('/'))).second);
    }
    if (index < all_topics.size()) {
      EXPECT_TRUE(topics.insert(leaf.substr(0, leaf.rfind('/'))).second);
    }
    EXPECT_TRUE(leaves.insert(leaf).second);
  }
  EXPECT_EQ(LeafAt(TaxonomyLeaves().size(), {}), LeafAt(0, {}));
}

TEST(HierarchicalTest, DepthFirstGoesTopicByTopic) {
  for (uint64_t index = 0; index < 2 * TaxonomyLeaves().size(); ++index) {
    EXPECT_EQ(LeafAt(index, {{"walk", "depth_first"}}),
              TaxonomyLeaves()[index % TaxonomyLeaves().size()].path);
  }
}

TEST(HierarchicalTest, AWalkByUncertaintyNeedsTheLeafItLedTo) {
  const auto refused =
      MakeHierarchicalChallenge(kKey, 0, {{{"walk", "uncertainty"}}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(refused.error().message,
              HasSubstr("found \"walk\" = \"uncertainty\" without \"leaf\""));
  const std::vector<Parameter> parameters = {{"walk", "uncertainty"},
                                             {"leaf", "code/languages/sql"}};
  const auto challenge = MakeHierarchicalChallenge(kKey, 3, parameters);
  ASSERT_TRUE(challenge) << challenge.error().message;
  EXPECT_EQ(challenge->parameters, parameters);
  EXPECT_THAT(challenge->rationale, HasSubstr("code/languages/sql: names"));
}

std::vector<LeafKnowledge> KnowNothing() {
  return std::vector<LeafKnowledge>(TaxonomyLeaves().size());
}

TEST(UncertaintyTest, WithoutKnowledgeTheOrderIsThatOfTheWalk) {
  EXPECT_EQ(LeavesByUncertainty(KnowNothing()), LeavesBreadthFirst());
}

TEST(UncertaintyTest, LeavesWithoutOutcomesComeFirst) {
  auto knowledge = KnowNothing();
  for (size_t leaf = 0; leaf < knowledge.size(); ++leaf) {
    if (leaf % 3 != 0) AddOutcome(static_cast<double>(leaf), knowledge[leaf]);
  }
  const auto order = LeavesByUncertainty(knowledge);
  const size_t num_unknown = (knowledge.size() + 2) / 3;
  for (size_t i = 0; i < order.size(); ++i) {
    EXPECT_EQ(order[i] % 3 == 0, i < num_unknown);
  }
}

// The formula of hierarchical.h, from the outcomes themselves.
TEST(UncertaintyTest, AgreesWithTheFormulaOnRandomOutcomes) {
  uint64_t num_drawn = 0;
  const auto random = [&] { return base::RandomBits(5, num_drawn++); };
  for (int round = 0; round < 20; ++round) {
    std::vector<std::vector<double>> outcomes(TaxonomyLeaves().size());
    auto knowledge = KnowNothing();
    double sum = 0;
    double num = 0;
    for (size_t leaf = 0; leaf < outcomes.size(); ++leaf) {
      const uint64_t count = 1 + random() % 6;
      for (uint64_t i = 0; i < count; ++i) {
        outcomes[leaf].push_back(static_cast<double>(random() % 1000) / 100);
        AddOutcome(outcomes[leaf].back(), knowledge[leaf]);
        sum += outcomes[leaf].back();
        ++num;
      }
    }
    double variance = 0;
    for (const auto& of_leaf : outcomes) {
      for (const double x : of_leaf) {
        variance += (x - sum / num) * (x - sum / num) / num;
      }
    }
    const auto uncertainty = [&](size_t leaf) {
      const auto n = static_cast<double>(outcomes[leaf].size());
      double mean = 0;
      for (const double x : outcomes[leaf]) mean += x / n;
      double deviations = 0;
      for (const double x : outcomes[leaf]) {
        deviations += (x - mean) * (x - mean);
      }
      return (deviations + variance) / n / n;
    };
    const auto order = LeavesByUncertainty(knowledge);
    EXPECT_EQ(std::set<size_t>(order.begin(), order.end()).size(),
              knowledge.size());
    for (size_t i = 1; i < order.size(); ++i) {
      EXPECT_GE(uncertainty(order[i - 1]) + 1e-9, uncertainty(order[i]));
    }
  }
}

// A walk that always asks the leaf it knows least of asks noisy leaves more
// often than quiet ones, and no leaf never.
TEST(UncertaintyTest, NoisyLeavesAreAskedMoreOften) {
  uint64_t num_drawn = 0;
  const auto random = [&] { return base::RandomBits(6, num_drawn++); };
  auto knowledge = KnowNothing();
  for (int step = 0; step < 5000; ++step) {
    const size_t leaf = LeavesByUncertainty(knowledge)[0];
    const double noise = static_cast<double>(random() % 1000) / 1000;
    AddOutcome(leaf % 2 == 0 ? 1 + noise : 1 + noise / 20, knowledge[leaf]);
  }
  uint64_t num_noisy = 0;
  uint64_t num_quiet = 0;
  for (size_t leaf = 0; leaf < knowledge.size(); ++leaf) {
    (leaf % 2 == 0 ? num_noisy : num_quiet) += knowledge[leaf].num_outcomes;
    EXPECT_GT(knowledge[leaf].num_outcomes, 2u);
  }
  EXPECT_GT(num_noisy, 2 * num_quiet);
}

TEST(UncertaintyTest, ValuesThatAreNotFiniteKeepItAnOrder) {
  auto knowledge = KnowNothing();
  AddOutcome(std::numeric_limits<double>::infinity(), knowledge[4]);
  AddOutcome(std::numeric_limits<double>::quiet_NaN(), knowledge[5]);
  AddOutcome(1e300, knowledge[6]);
  AddOutcome(1, knowledge[7]);
  const auto order = LeavesByUncertainty(knowledge);
  EXPECT_EQ(std::set<size_t>(order.begin(), order.end()).size(),
            knowledge.size());
}

}  // namespace
}  // namespace revlm::challenge
