#include "challenge/dynamic.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "challenge/dynamic_grammar.h"
#include "challenge/dynamic_kinds.h"
#include "challenge/expand_testing.h"
#include "challenge/parameters.h"
#include "challenge/sentences.h"

namespace revlm::challenge {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const Key kKey = DerivePromptKey(DeriveSessionKey({.seed = SeedFromNumber(6)}),
                                 kDynamic.name);

std::string TextOf(std::string_view kind, int difficulty, uint64_t index) {
  return MakeDynamicChallenge(kKey, index,
                              {{{"kind", std::string(kind)},
                                {"difficulty", std::to_string(difficulty)}}})
      .value()
      .text;
}

TEST(DynamicTest, AnyThreeHundredAndThirtyPromptsHaveEveryCombination) {
  std::set<std::vector<std::string>> combinations;
  for (uint64_t index = 100; index < 430; ++index) {
    const auto parameters =
        MakeDynamicChallenge(kKey, index, {}).value().parameters;
    ASSERT_EQ(parameters.size(), 3u);
    EXPECT_EQ(parameters[0].name, "kind");
    EXPECT_EQ(parameters[1].name, "domain");
    EXPECT_EQ(parameters[2].name, "difficulty");
    combinations.insert(
        {parameters[0].value, parameters[1].value, parameters[2].value});
  }
  EXPECT_EQ(combinations.size(), 330u);
}

TEST(DynamicTest, EveryCombinationHasManyTexts) {
  for (const DynamicKind& kind : DynamicKinds()) {
    for (const DynamicDomain& domain : DynamicDomains()) {
      for (const std::string_view difficulty : kLevels) {
        const bool is_small = difficulty == "1" || kind.name == "edge";
        const auto challenges =
            GenerateChallenges(kDynamic, kKey,
                               {{{"kind", std::string(kind.name)},
                                 {"domain", std::string(domain.name)},
                                 {"difficulty", std::string(difficulty)}}},
                               is_small ? 1000 : 200);
        EXPECT_TRUE(challenges)
            << kind.name << " " << domain.name << " " << difficulty << ": "
            << challenges.error().message;
      }
    }
  }
}

TEST(DynamicTest, DifficultyMakesTextsLonger) {
  for (const std::string_view kind :
       {"question", "instruction", "description", "narrative"}) {
    size_t previous = 0;
    for (int difficulty = 1; difficulty <= 5; ++difficulty) {
      size_t num_bytes = 0;
      for (uint64_t index = 0; index < 200; ++index) {
        num_bytes += TextOf(kind, difficulty, index).size();
      }
      EXPECT_GT(num_bytes, previous) << kind << " " << difficulty;
      previous = num_bytes;
    }
  }
}

TEST(DynamicTest, AConversationHasOneTurnMoreThanItsDifficulty) {
  for (int difficulty = 1; difficulty <= 5; ++difficulty) {
    for (uint64_t index = 0; index < 100; ++index) {
      const std::string text = TextOf("conversation", difficulty, index);
      EXPECT_EQ(std::ranges::count(text, '\n'), difficulty) << text;
      EXPECT_NE(text.back(), '\n') << text;
    }
  }
}

TEST(DynamicTest, TheVocabularyOfOtherDomainsStaysOut) {
  // "otters" are in the vocabulary of animals only.
  size_t num_found = 0;
  for (uint64_t index = 0; index < 2000; ++index) {
    const Challenge challenge = MakeDynamicChallenge(kKey, index, {}).value();
    if (challenge.text.find("otters") == std::string::npos) continue;
    ++num_found;
    EXPECT_EQ(challenge.parameters[1].value, "animals") << challenge.text;
  }
  EXPECT_GT(num_found, 10u);
}

TEST(DynamicTest, WritingIsInOrder) {
  for (uint64_t index = 0; index < 3000; ++index) {
    const Challenge challenge = MakeDynamicChallenge(kKey, index, {}).value();
    if (challenge.parameters[0].value == "edge") continue;
    EXPECT_THAT(challenge.text, Not(HasSubstr("the the "))) << challenge.id;
    EXPECT_THAT(challenge.text, Not(HasSubstr(",."))) << challenge.id;
    EXPECT_THAT(challenge.text, Not(HasSubstr(",,"))) << challenge.id;
    EXPECT_THAT(challenge.text, Not(HasSubstr("  "))) << challenge.id;
    EXPECT_FALSE(challenge.text.ends_with(' ')) << challenge.id;
  }
}

TEST(DynamicTest, VocabulariesHaveTheSameListsAndNoWordTwice) {
  std::vector<WordList> lists;
  for (const DynamicDomain& domain : DynamicDomains()) {
    for (size_t i = 0; i < domain.vocabulary.size(); ++i) {
      EXPECT_EQ(domain.vocabulary[i].name,
                DynamicDomains()[0].vocabulary[i].name)
          << domain.name;
      EXPECT_GE(std::ranges::count(domain.vocabulary[i].words, '|'), 4)
          << domain.name << " " << domain.vocabulary[i].name;
      lists.push_back(domain.vocabulary[i]);
    }
  }
  lists.insert(lists.end(), DynamicParts().begin(), DynamicParts().end());
  ExpectNoWordTwice(lists);
  // One name, one list.
  std::set<std::string_view> names;
  size_t num_names = 0;
  const auto add = [&](std::span<const WordList> some) {
    for (const WordList& list : some) names.insert(list.name);
    num_names += some.size();
  };
  add(DynamicDomains()[0].vocabulary);
  add(DynamicParts());
  add(CommonWords());
  EXPECT_EQ(names.size(), num_names);
}

}  // namespace
}  // namespace revlm::challenge
