#include "fingerprint/fingerprint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "fingerprint/revfp_testing.h"

namespace revlm::fingerprint {
namespace {

using ::testing::ElementsAre;
using testing::MakeFingerprint;

TEST(FingerprintTest, DepthsAreEvenlySpaced) {
  EXPECT_THAT(SketchedDepths(1), ElementsAre(0, 1));
  EXPECT_THAT(SketchedDepths(4), ElementsAre(0, 1, 2, 3, 4));
  EXPECT_EQ(SketchedDepths(16).size(), kMaxDepths);
  const std::vector<uint32_t> deep = SketchedDepths(80);
  ASSERT_EQ(deep.size(), kMaxDepths);
  for (size_t i = 0; i < deep.size(); ++i) EXPECT_EQ(deep[i], 5 * i);
  EXPECT_EQ(SketchedDepths(33).front(), 0U);
  EXPECT_EQ(SketchedDepths(33).back(), 33U);
  EXPECT_THAT(HypervectorDepths(6), ElementsAre(0, 2, 3, 5, 6));
}

TEST(FingerprintTest, AModelIsLikeItself) {
  const Fingerprint model = MakeFingerprint("a", 1);
  const auto found = CompareStates(model, model);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->num_positions, 40U);
  EXPECT_NEAR(found->mean_cka, 1, 1e-9);
  EXPECT_FALSE(found->first_other_bits);
  EXPECT_FALSE(found->first_apart);
}

TEST(FingerprintTest, SaysWhereTwoModelsPart) {
  const Fingerprint model = MakeFingerprint("a", 1);
  const Fingerprint unrelated = MakeFingerprint("b", 2);
  Fingerprint relative = model;
  relative.state_sha256[1] = unrelated.state_sha256[1];  // by rounding
  relative.state_sha256[2] = unrelated.state_sha256[2];
  relative.states[2] = unrelated.states[2];
  const auto found = CompareStates(model, relative);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->first_other_bits, 1U);
  EXPECT_EQ(found->first_apart, 2U);
  const auto apart = CompareStates(model, unrelated);
  ASSERT_TRUE(apart);
  EXPECT_EQ(apart->first_apart, 0U);
  EXPECT_LT(apart->mean_cka, 0.3);
}

TEST(FingerprintTest, DepthsGoWithTheNearestRelativeDepth) {
  const auto found =
      CompareStates(MakeFingerprint("a", 1, 3), MakeFingerprint("b", 2, 6));
  ASSERT_TRUE(found);
  std::vector<uint32_t> depths;
  for (const DepthSimilarity& depth : found->depths) {
    depths.push_back(depth.depth_b);
  }
  EXPECT_THAT(depths, ElementsAre(0, 2, 4, 6));
  EXPECT_FALSE(found->first_other_bits);
}

TEST(FingerprintTest, HypervectorsAreComparedByTheirBits) {
  const Brief model = BriefOf(MakeFingerprint("a", 1));
  EXPECT_EQ(CompareHypervectors(model, model), 0);
  EXPECT_GT(CompareHypervectors(model, BriefOf(MakeFingerprint("b", 2))), 0.4);
}

TEST(FingerprintTest, OtherChallengesAreNotCompared) {
  Fingerprint other = MakeFingerprint("a", 1);
  other.challenge_sha256 = testing::HexOf("others");
  EXPECT_FALSE(CompareStates(MakeFingerprint("a", 1), other));
  EXPECT_FALSE(
      CompareHypervectors(BriefOf(MakeFingerprint("a", 1)), BriefOf(other)));
}

}  // namespace
}  // namespace revlm::fingerprint
