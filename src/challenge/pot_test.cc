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

std::set<std::string> TextsOf(const std::vector<Challenge>& challenges) {
  std::set<std::string> texts;
  for (const Challenge& challenge : challenges) texts.insert(challenge.text);
  return texts;
}

std::string LineOf(const Challenge& challenge) {
  base::Json parameters = base::Json::array();
  for (const Parameter& parameter : challenge.parameters) {
    parameters.push_back({parameter.name, parameter.value});
  }
  return base::Json{{"id", challenge.id},
                    {"text", challenge.text},
                    {"system", challenge.system},
                    {"parameters", parameters},
                    {"rationale", challenge.rationale}}
             .dump() +
         "\n";
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

TEST(PotTest, TheFirstFiftyOfSeedZeroAreAsKept) {
  const std::string path = REVLM_TEST_DATA "/challenge/pot.jsonl";
  std::string found;
  for (const Challenge& challenge : Generate(0, 50)) found += LineOf(challenge);
  // For a new version of the grammar: writes the file instead.
  if (std::getenv("REVLM_WRITE_GOLDEN") != nullptr) {
    ASSERT_TRUE(base::WriteFileAtomically(path, found));
    GTEST_SKIP() << "wrote " << path;
  }
  const auto file = base::OpenFile(path, base::Caching::kPageCache);
  ASSERT_TRUE(file) << file.error().message;
  const auto kept = base::ReadWholeFile(*file, 1 << 20);
  ASSERT_TRUE(kept) << kept.error().message;
  EXPECT_EQ(found, *kept) << "REVLM_WRITE_GOLDEN=1 writes it anew";
}

// The two digests change only together with the name of the system.
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

TEST(PotTest, TheMeaningOfASeedNeverChanges) {
  std::string all;
  for (const Challenge& challenge : Generate(0, kMaxChallenges)) {
    all += LineOf(challenge);
  }
  EXPECT_EQ(Sha256Hex(all),
            "5b3d66b83f3133cbd675248c09b9d4d777fc5a7c78028c1d031a9415798da746");
}

TEST(PotTest, GivesExactlyTheNumberAskedForWithoutDuplicates) {
  for (const uint64_t seed : {uint64_t{0}, uint64_t{1}, UINT64_MAX}) {
    for (const size_t count : {1, 7, 64, 1000, 10'000}) {
      const auto challenges = Generate(seed, count);
      EXPECT_EQ(challenges.size(), count) << "seed " << seed;
      EXPECT_EQ(TextsOf(challenges).size(), count) << "seed " << seed;
      std::set<std::string> ids;
      for (const Challenge& challenge : challenges) ids.insert(challenge.id);
      EXPECT_EQ(ids.size(), count) << "seed " << seed;
    }
  }
}

TEST(PotTest, FewerPromptsAreTheFirstOfMore) {
  const auto all = Generate(5, 1000);
  for (const size_t count : {1, 2, 45, 46, 999}) {
    const auto some = Generate(5, count);
    EXPECT_EQ(some, std::vector<Challenge>(all.begin(), all.begin() + count));
  }
}

TEST(PotTest, AChallengeIsMadeAgainFromItsIndexAlone) {
  const Key key =
      DerivePromptKey(DeriveSessionKey({.seed = SeedFromNumber(9)}), kPot.name);
  for (const Challenge& challenge : Generate(9, 100)) {
    const uint64_t index = std::stoull(challenge.id.substr(4));
    EXPECT_EQ(MakePotChallenge(key, index, {}).value(), challenge);
    // The parameters it states are those it was made with.
    EXPECT_EQ(MakePotChallenge(key, index, challenge.parameters).value(),
              challenge);
  }
}

TEST(PotTest, SeedsShareFewPrompts) {
  const auto texts = TextsOf(Generate(1, 1000));
  size_t num_shared = 0;
  for (const Challenge& challenge : Generate(2, 1000)) {
    num_shared += texts.count(challenge.text);
  }
  EXPECT_LT(num_shared, 20u);
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
  EXPECT_THAT(ErrorOf({}, 0), HasSubstr("found a number of 0, allowed is 1"));
  EXPECT_THAT(ErrorOf({}, 10'001), HasSubstr("allowed is 1 to 10000"));
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
    std::set<std::string> words;
    for (std::string rest = std::string(list.words) + "|"; !rest.empty();) {
      const size_t end = rest.find('|');
      EXPECT_GT(end, 0u) << list.name;
      EXPECT_TRUE(words.insert(rest.substr(0, end)).second)
          << list.name << ": " << rest.substr(0, end);
      rest.erase(0, end + 1);
    }
  }
}

TEST(PotTest, AThousandPromptsTakeLessThanASecond) {
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(Generate(4, 1000).size(), 1000u);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(1));
}

}  // namespace
}  // namespace revlm::challenge
