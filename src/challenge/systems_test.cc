// What holds of every prompt system that needs to know nothing of models.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <ctime>
#include <iostream>
#include <ostream>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/hex.h"
#include "base/utf8.h"
#include "challenge/dynamic.h"
#include "challenge/evolution.h"
#include "challenge/golden_testing.h"
#include "challenge/hierarchical.h"
#include "challenge/kdf.h"
#include "challenge/pot.h"
#include "challenge/system.h"
#include "crypto/sha256.h"

namespace revlm::challenge {
namespace {

using ::testing::HasSubstr;

struct Tested {
  System system;
  // Of the lines of 10,000 challenges of seed 0. It changes only together with
  // the name of the system.
  std::string_view digest;
};

std::string ShortNameOf(const Tested& tested) {
  const std::string_view name = tested.system.name;
  return std::string(name.substr(0, name.find('/')));
}

void PrintTo(const Tested& tested, std::ostream* out) {
  *out << tested.system.name;
}

class SystemsTest : public ::testing::TestWithParam<Tested> {
 protected:
  static std::vector<Challenge> Generate(
      uint64_t seed, size_t count,
      const std::vector<Parameter>& parameters = {}) {
    auto challenges = GenerateChallenges(
        GetParam().system, DeriveSessionKey({.seed = SeedFromNumber(seed)}),
        parameters, count);
    EXPECT_TRUE(challenges) << challenges.error().message;
    return std::move(challenges).value_or(std::vector<Challenge>());
  }

  static std::string ShortName() { return ShortNameOf(GetParam()); }
};

INSTANTIATE_TEST_SUITE_P(
    Every, SystemsTest,
    ::testing::Values(Tested{kPot,
                             "5b3d66b83f3133cbd675248c09b9d4d7"
                             "77fc5a7c78028c1d031a9415798da746"},
                      Tested{kKdf,
                             "b29455af9f4f824926ac37c0b953b194"
                             "8cb7799a9d21060b4133e459e1440154"},
                      Tested{kDynamic,
                             "47cf0d91483d774d961e281d25c9404e"
                             "2f6cae6acb1dc68bfbb3489a2541377a"},
                      Tested{kEvolutionary,
                             "9f7850b8c7eeba7bd5bd9618d0a28d84"
                             "7531cc81f3fc8f4e7dc95743c8bca28e"},
                      Tested{kHierarchical,
                             "3bbcee8f038a31f111a713de1115c84e"
                             "e776af8ed38b71eba73aef1b4ac2cf34"}),
    [](const auto& tested) { return ShortNameOf(tested.param); });

std::set<std::string> TextsOf(const std::vector<Challenge>& challenges) {
  std::set<std::string> texts;
  for (const Challenge& challenge : challenges) texts.insert(challenge.text);
  return texts;
}

TEST_P(SystemsTest, TheFirstFiftyOfSeedZeroAreAsKept) {
  ExpectAsKept(ShortName() + ".jsonl", Generate(0, 50));
}

TEST_P(SystemsTest, TheMeaningOfASeedNeverChanges) {
  std::string all;
  for (const Challenge& challenge : Generate(0, kMaxChallenges)) {
    all += LineOf(challenge);
  }
  EXPECT_EQ(base::ToHex(crypto::Sha256(base::AsBytes(all))), GetParam().digest);
}

TEST_P(SystemsTest, GivesExactlyTheNumberAskedForWithoutDuplicates) {
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

TEST_P(SystemsTest, HasFiftyThousandTexts) {
  const Key key = DerivePromptKey(
      DeriveSessionKey({.seed = SeedFromNumber(11)}), GetParam().system.name);
  std::set<std::string> texts;
  for (uint64_t index = 0; index < 60'000; ++index) {
    texts.insert(GetParam().system.make(key, index, {}).value().text);
  }
  RecordProperty("texts", static_cast<int>(texts.size()));
  EXPECT_GE(texts.size(), 50'000u);
}

TEST_P(SystemsTest, FewerPromptsAreTheFirstOfMore) {
  const auto all = Generate(5, 1000);
  for (const size_t count : {1, 2, 45, 46, 999}) {
    const auto some = Generate(5, count);
    EXPECT_EQ(some, std::vector<Challenge>(
                        all.begin(),
                        all.begin() + static_cast<std::ptrdiff_t>(count)));
  }
}

TEST_P(SystemsTest, AChallengeIsMadeAgainFromItsIndexAlone) {
  const Key key = DerivePromptKey(DeriveSessionKey({.seed = SeedFromNumber(9)}),
                                  GetParam().system.name);
  for (const Challenge& challenge : Generate(9, 500)) {
    EXPECT_EQ(challenge.system, GetParam().system.name);
    ASSERT_TRUE(challenge.id.starts_with(ShortName() + "-")) << challenge.id;
    const uint64_t index =
        std::stoull(challenge.id.substr(ShortName().size() + 1));
    EXPECT_EQ(GetParam().system.make(key, index, {}).value(), challenge);
    // The parameters it states are those it was made with.
    EXPECT_EQ(GetParam().system.make(key, index, challenge.parameters).value(),
              challenge);
  }
}

TEST_P(SystemsTest, SeedsShareFewPrompts) {
  const auto texts = TextsOf(Generate(1, 1000));
  size_t num_shared = 0;
  for (const Challenge& challenge : Generate(2, 1000)) {
    num_shared += texts.count(challenge.text);
  }
  EXPECT_LT(num_shared, 20u);
}

bool IsControl(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029;
}

TEST_P(SystemsTest, EveryTextIsUtf8OfModestLengthWithoutControlCharacters) {
  std::vector<size_t> lengths;
  for (const Challenge& challenge : Generate(3, 10'000)) {
    const std::string& text = challenge.text;
    const bool is_long = challenge.parameters[0].value == "long_context";
    EXPECT_LE(text.size(), is_long ? 8192u : 4096u) << challenge.id;
    lengths.push_back(text.size());
    ASSERT_TRUE(base::IsValidUtf8(text)) << challenge.id;
    bool shows_something = false;
    for (size_t i = 0; i < text.size();) {
      const base::CodePoint point = base::DecodeUtf8(text, i);
      EXPECT_TRUE(point.value == '\n' || point.value == '\t' ||
                  !IsControl(point.value))
          << challenge.id << " has U+" << std::hex
          << static_cast<unsigned>(point.value);
      shows_something |= point.value > ' ';
      i += point.length;
    }
    EXPECT_TRUE(shows_something) << challenge.id;
    EXPECT_FALSE(challenge.rationale.empty());
  }
  std::ranges::sort(lengths);
  const auto quantile = [&](size_t percent) {
    return static_cast<int>(lengths[percent * (lengths.size() - 1) / 100]);
  };
  std::cout << "bytes: " << quantile(0) << " at least, " << quantile(50)
            << " median, " << quantile(95) << " at 95 %, " << quantile(100)
            << " at most\n";
}

TEST_P(SystemsTest, AThousandPromptsTakeLessThanASecond) {
  const std::clock_t begin = std::clock();  // CPU time: the machine is shared
  EXPECT_EQ(Generate(4, 1000).size(), 1000u);
  const double seconds =
      static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  std::cout << seconds << " s of CPU for 1000 prompts\n";
  EXPECT_LT(seconds, 1.0);
}

TEST_P(SystemsTest, WhatIsNotAllowedIsRefused) {
  const auto refusal = [](const std::vector<Parameter>& parameters,
                          size_t count) {
    const auto challenges =
        GenerateChallenges(GetParam().system, {}, parameters, count);
    if (challenges) return std::string("no error");
    EXPECT_EQ(challenges.error().code, ErrorCode::kInvalidArgument);
    return challenges.error().message;
  };
  EXPECT_THAT(refusal({}, 0), HasSubstr("found a number of 0, allowed is 1"));
  EXPECT_THAT(refusal({}, 10'001), HasSubstr("allowed is 1 to 10000"));
  EXPECT_THAT(refusal({{"speed", "3"}}, 1),
              HasSubstr("found \"speed\" = \"3\""));
  const Challenge first = Generate(0, 1)[0];
  for (const Parameter& parameter : first.parameters) {
    EXPECT_THAT(refusal({{parameter.name, "nonsense"}}, 1),
                HasSubstr("= \"nonsense\", allowed is"));
    EXPECT_THAT(refusal({parameter, parameter}, 1), HasSubstr("each once"));
  }
}

}  // namespace
}  // namespace revlm::challenge
