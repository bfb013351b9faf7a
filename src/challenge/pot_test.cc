#include "challenge/pot.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/json.h"
#include "base/utf8.h"
#include "challenge/expand.h"
#include "challenge/expand_testing.h"
#include "challenge/pot_grammar.h"
#include "crypto/sha256.h"

namespace revlm::challenge {
namespace {

using ::testing::HasSubstr;

Result<std::vector<Challenge>> TryGenerate(
    uint64_t seed, size_t count,
    const std::vector<Parameter>& parameters = {}) {
  return GenerateChallenges(kPot,
                            DeriveSessionKey({.seed = SeedFromNumber(seed)}),
                            parameters, count);
}

std::vector<Challenge> Generate(uint64_t seed, size_t count) {
  auto challenges = TryGenerate(seed, count);
  EXPECT_TRUE(challenges) << challenges.error().message;
  return std::move(challenges).value_or(std::vector<Challenge>());
}

std::string Sha256Hex(std::string_view text) {
  return base::ToHex(crypto::Sha256(base::AsBytes(text)));
}

std::string ErrorOf(const std::vector<Parameter>& parameters, size_t count) {
  const auto challenges = TryGenerate(0, count, parameters);
  if (challenges) return "no error";
  EXPECT_EQ(challenges.error().code, ErrorCode::kInvalidArgument);
  return challenges.error().message;
}

// The digest changes only together with the name of the system.
TEST(PotTest, TheGrammarOfAVersionNeverChanges) {
  std::string all = std::string(kPot.name) + "\n";
  for (const PotTemplate& item : PotTemplates()) {
    all += fmt::format("{} {} {}\n", PotDomainName(item.domain),
                       item.difficulty, item.text);
  }
  for (const WordList& list : PotWordLists()) {
    all += fmt::format("{} {}\n", list.name, list.words);
  }
  EXPECT_EQ(Sha256Hex(all),
            "78ccbfce37199a8ddcdb1c91c252b44e9322409bea135776c0498ae386862d84");
}

TEST(PotTest, FortyFivePromptsHaveEveryDomainAtEveryDifficulty) {
  std::map<std::vector<std::string>, int> count_of_pair;
  for (const Challenge& challenge : Generate(3, 45)) {
    ASSERT_EQ(challenge.parameters.size(), 2u);
    EXPECT_EQ(challenge.parameters[0].name, "domain");
    EXPECT_EQ(challenge.parameters[1].name, "difficulty");
    ++count_of_pair[{challenge.parameters[0].value,
                     challenge.parameters[1].value}];
  }
  EXPECT_EQ(count_of_pair.size(), 45u);
}

TEST(PotTest, ParametersRestrictWhatIsMade) {
  const auto challenges =
      TryGenerate(0, 50, {{"difficulty", "4"}, {"domain", "lists"}});
  ASSERT_TRUE(challenges) << challenges.error().message;
  for (const Challenge& challenge : *challenges) {
    EXPECT_EQ(
        challenge.parameters,
        (std::vector<Parameter>{{"domain", "lists"}, {"difficulty", "4"}}));
    EXPECT_THAT(challenge.rationale,
                HasSubstr("difficulty 4: many continuations are plausible"));
  }
}

TEST(PotTest, EveryPairOfParametersHasThousandsOfPrompts) {
  for (uint64_t domain = 0; domain < kNumPotDomains; ++domain) {
    const std::string name(PotDomainName(static_cast<PotDomain>(domain)));
    for (uint64_t difficulty = 1; difficulty <= 5; ++difficulty) {
      const auto challenges = TryGenerate(
          0, 2000,
          {{"domain", name}, {"difficulty", std::to_string(difficulty)}});
      ASSERT_TRUE(challenges) << challenges.error().message;
    }
  }
}

TEST(PotTest, WhatIsNotAllowedIsRefused) {
  EXPECT_THAT(
      ErrorOf({{"domain", "poems"}}, 1),
      HasSubstr("\"domain\" = \"poems\", allowed is one of arithmetic"));
  EXPECT_THAT(ErrorOf({{"difficulty", "6"}}, 1), HasSubstr("1 to 5"));
  EXPECT_THAT(ErrorOf({{"difficulty", "01"}}, 1), HasSubstr("1 to 5"));
  EXPECT_THAT(ErrorOf({{"length", "3"}}, 1),
              HasSubstr("found \"length\" = \"3\""));
  EXPECT_THAT(ErrorOf({{"domain", "code"}, {"domain", "code"}}, 1),
              HasSubstr("each once"));
}

TEST(PotTest, EveryTemplateExpandsToAModestValidText) {
  uint64_t idx = 0;
  for (const PotTemplate& item : PotTemplates()) {
    std::set<std::string> texts;
    for (int i = 0; i < 50; ++i) {
      Draws draws({}, ++idx);
      const std::string text = Expand(item.text, PotWordLists(), draws);
      EXPECT_TRUE(base::IsValidUtf8(text)) << item.text;
      EXPECT_FALSE(text.empty()) << item.text;
      EXPECT_LE(text.size(), 400u) << item.text;
      texts.insert(text);
    }
    EXPECT_GE(texts.size(), 45u) << item.text;
  }
}

TEST(PotTest, TemplatesAreGroupedByDomainAndDifficulty) {
  std::pair<PotDomain, uint8_t> previous = {PotDomain::kArithmetic, 0};
  std::set<std::pair<PotDomain, uint8_t>> pairs;
  for (const PotTemplate& item : PotTemplates()) {
    const std::pair<PotDomain, uint8_t> pair = {item.domain, item.difficulty};
    EXPECT_LE(previous, pair) << item.text;
    previous = pair;
    pairs.insert(pair);
  }
  EXPECT_EQ(pairs.size(), kNumPotDomains * kNumPotDifficulties);
}

TEST(PotTest, EveryListIsUsedAndHasNoWordTwice) {
  std::string all;
  for (const PotTemplate& item : PotTemplates()) all += item.text;
  for (const WordList& list : PotWordLists()) all += list.words;
  for (const WordList& list : PotWordLists()) {
    const std::string slot = "{" + std::string(list.name);
    EXPECT_TRUE(all.find(slot + "}") != all.npos ||
                all.find(slot + ":") != all.npos)
        << list.name;
  }
  ExpectNoWordTwice(PotWordLists());
}

}  // namespace
}  // namespace revlm::challenge
