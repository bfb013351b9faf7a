#include "challenge/system.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace revlm::challenge {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Challenge Saying(uint64_t index, uint64_t number) {
  return {.id = "fake-" + std::to_string(index),
          .text = std::to_string(number)};
}

// Says 0, 0, 1, 1, 2, 2, ...
constexpr System kTwice = {
    .name = "twice/1",
    .make = [](const Key&, uint64_t index, std::span<const Parameter>)
        -> Result<Challenge> { return Saying(index, index / 2); }};

// Has three things to say, the last of them late.
constexpr System kThree = {
    .name = "three/1",
    .make = [](const Key&, uint64_t index,
               std::span<const Parameter>) -> Result<Challenge> {
      return Saying(index, index < 9000 ? index % 2 : 2);
    }};

constexpr System kRefusing = {
    .name = "refusing/1",
    .make = [](const Key&, uint64_t,
               std::span<const Parameter>) -> Result<Challenge> {
      return base::MakeError(ErrorCode::kInvalidArgument, "no such parameter");
    }};

// Says its key.
constexpr System kKey = {
    .name = "key/1",
    .make = [](const Key& key, uint64_t index,
               std::span<const Parameter>) -> Result<Challenge> {
      return Challenge{.id = std::to_string(index),
                       .text = std::to_string(std::to_integer<int>(key[0])) +
                               "." + std::to_string(index)};
    }};

std::vector<std::string> IdsOf(const std::vector<Challenge>& challenges) {
  std::vector<std::string> ids;
  ids.reserve(challenges.size());
  for (const Challenge& challenge : challenges) ids.push_back(challenge.id);
  return ids;
}

TEST(SystemTest, AnIndexWhoseTextCameBeforeIsSkipped) {
  const auto challenges = GenerateChallenges(kTwice, {}, {}, 4);
  ASSERT_TRUE(challenges);
  EXPECT_THAT(IdsOf(*challenges),
              ElementsAre("fake-0", "fake-2", "fake-4", "fake-6"));
}

TEST(SystemTest, ASystemGetsTheKeyOfItsName) {
  const Key session = DeriveSessionKey({.seed = SeedFromNumber(1)});
  const auto challenges = GenerateChallenges(kKey, session, {}, 1);
  ASSERT_TRUE(challenges);
  const int first = std::to_integer<int>(DerivePromptKey(session, "key/1")[0]);
  EXPECT_EQ((*challenges)[0].text, std::to_string(first) + ".0");
}

TEST(SystemTest, ASystemThatRunsOutIsAnErrorAndNotALoop) {
  EXPECT_TRUE(GenerateChallenges(kThree, {}, {}, 3));
  const auto challenges = GenerateChallenges(kThree, {}, {}, 4);
  ASSERT_FALSE(challenges);
  EXPECT_EQ(challenges.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(challenges.error().message,
              HasSubstr("found 3 different ones with these parameters, asked "
                        "for 4"));
}

TEST(SystemTest, AnErrorOfTheSystemIsTheResult) {
  EXPECT_EQ(GenerateChallenges(kRefusing, {}, {}, 1).error().message,
            "no such parameter");
}

}  // namespace
}  // namespace revlm::challenge
