#include "formats/closest_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace revlm::formats {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(ClosestNamesTest, TheFewestEditsComeFirst) {
  EXPECT_THAT(
      ClosestNames("pythia-70m", {"pythia-160m", "pythia-70n", "gpt2"}, 3),
      ElementsAre("pythia-70n", "pythia-160m"));
  EXPECT_THAT(ClosestNames("pythia-70m", {"pythia-160m", "pythia-70n"}, 1),
              ElementsAre("pythia-70n"));
}

TEST(ClosestNamesTest, CaseDoesNotCountAsDifferent) {
  EXPECT_THAT(ClosestNames("eleutherai/PYTHIA", {"EleutherAI/pythia"}, 3),
              ElementsAre("EleutherAI/pythia"));
}

TEST(ClosestNamesTest, TheNameWithoutItsOwnerIsClose) {
  EXPECT_THAT(ClosestNames("pythia-70m", {"EleutherAI/pythia-70m"}, 3),
              ElementsAre("EleutherAI/pythia-70m"));
}

TEST(ClosestNamesTest, FarNamesAreNotOffered) {
  EXPECT_THAT(ClosestNames("abc", {"xyz", "abcdef", ""}, 3), IsEmpty());
  EXPECT_THAT(ClosestNames("", {"abc"}, 3), IsEmpty());
}

TEST(ClosestNamesTest, ANameFoundTwiceIsOfferedOnce) {
  EXPECT_THAT(ClosestNames("abc", {"abd", "abd"}, 3), ElementsAre("abd"));
}

TEST(DidYouMeanTest, ReadsAsTheEndOfAMessage) {
  EXPECT_EQ(DidYouMean("abc", {"abd", "abe"}, "hf:"),
            "; did you mean hf:abd or hf:abe?");
  EXPECT_EQ(DidYouMean("abc", {"xyz"}, "hf:"), "");
}

}  // namespace
}  // namespace revlm::formats
