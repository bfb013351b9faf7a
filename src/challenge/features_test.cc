#include "challenge/features.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

namespace revlm::challenge {
namespace {

using ::testing::ElementsAre;

TEST(FeaturesTest, AreCountsOfTheText) {
  const TextFeatures features = TextFeaturesOf(
      {.text = "Ab 12\n\u00e9!", .parameters = {{"difficulty", "5"}}});
  const double num_bytes = 9;
  EXPECT_EQ(features[0], 1);
  EXPECT_NEAR(features[1], (std::log2(num_bytes) - 6) / 2, 1e-12);
  EXPECT_NEAR(features[3], (std::log2(3) - 3) / 2, 1e-12);
  EXPECT_DOUBLE_EQ(features[5], 2 / num_bytes);      // b
  EXPECT_DOUBLE_EQ(features[6], 4 / num_bytes);      // A
  EXPECT_DOUBLE_EQ(features[7], 4 * 2 / num_bytes);  // 12
  EXPECT_DOUBLE_EQ(features[9], 4 / num_bytes);      // the blank
  EXPECT_DOUBLE_EQ(features[10], 10 / num_bytes);    // the newline
  EXPECT_DOUBLE_EQ(features[11], 4 / num_bytes);     // !
  EXPECT_DOUBLE_EQ(features[12], 2 * 2 / num_bytes);
  EXPECT_NEAR(features[14], (std::log2(9) - 4) / 2, 1e-12);
  EXPECT_EQ(features[15], 1);  // no word twice
  EXPECT_EQ(features[16], 0);  // nothing repeated
  EXPECT_EQ(features[17], 0);
  EXPECT_EQ(features[19], 1);  // difficulty 5
}

TEST(FeaturesTest, RepetitionAndTheEndAreSeen) {
  const TextFeatures features = TextFeaturesOf({.text = "ab ab ab ab ab "});
  EXPECT_DOUBLE_EQ(features[15], 1.0 / 5);
  EXPECT_DOUBLE_EQ(features[16], 2 * (1 - 3.0 / 13));
  EXPECT_EQ(features[18], 1);
  EXPECT_EQ(TextFeaturesOf({.text = "ab"})[17], 1);
}

TEST(FeaturesTest, OfAnyTextTheyAreFiniteAndNearOne) {
  for (const std::string& text :
       {std::string(), std::string(" "), std::string(100'000, '\n'),
        std::string(1024, '9'), std::string(1, '\xff')}) {
    for (const double feature : TextFeaturesOf({.text = text})) {
      EXPECT_LE(std::abs(feature), 9) << text.size();
    }
  }
}

TEST(FeaturesTest, AreasGoFromCoarseToFine) {
  EXPECT_THAT(AreasOf({.system = "pot/1",
                       .parameters = {{"domain", "code"},
                                      {"difficulty", "2"},
                                      {"third", "x"}}}),
              ElementsAre("pot/1", "pot/1/code/", "pot/1/code/2/"));
  EXPECT_THAT(AreasOf({.system = "hierarchical/1",
                       .parameters = {{"walk", "uncertainty"},
                                      {"leaf", "code/errors/types"}}}),
              ElementsAre("hierarchical/1", "hierarchical/1/code",
                          "hierarchical/1/code/errors/types/"));
  EXPECT_THAT(AreasOf({.system = "evolutionary/1",
                       .parameters = {{"origin", "bred"}, {"gene", "0.0"}}}),
              ElementsAre("evolutionary/1", "evolutionary/1/bred/", ""));
  EXPECT_THAT(
      AreasOf({.system = "x", .parameters = {{"long", std::string(65, 'a')}}}),
      ElementsAre("x", "", ""));
}

}  // namespace
}  // namespace revlm::challenge
