#include "fingerprint/revfp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <utility>

#include "crypto/sha256.h"
#include "fingerprint/revfp_testing.h"

namespace revlm::fingerprint {
namespace {

using ::testing::HasSubstr;
using testing::MakeFingerprint;

constexpr size_t kDigestBytes = 32;

// With a digest that fits.
std::string Sealed(std::string bytes) {
  bytes.resize(bytes.size() - kDigestBytes);
  const auto digest = crypto::Sha256(base::AsBytes(bytes));
  return bytes.append(reinterpret_cast<const char*>(digest.data()),
                      digest.size());
}

std::string Refusal(const std::string& bytes) {
  const auto read = FromRevfp(bytes, "f.revfp");
  if (read) return "accepted";
  EXPECT_THAT(read.error().message, HasSubstr("f.revfp"));
  return read.error().code == ErrorCode::kCorrupt ? "corrupt" : "unsupported";
}

TEST(RevfpTest, ReadsWhatItWrote) {
  const Fingerprint written = MakeFingerprint("a", 1);
  const std::string bytes = ToRevfp(written);
  const auto read = FromRevfp(bytes, "f.revfp");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, written);
  EXPECT_EQ(ToRevfp(*read), bytes);
}

TEST(RevfpTest, DamageOfAnyByteIsFound) {
  const std::string bytes = ToRevfp(MakeFingerprint("a", 1));
  for (size_t i = 0; i < bytes.size(); i += i < 100 ? 1 : 101) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    EXPECT_NE(Refusal(damaged), "accepted") << i;
  }
}

TEST(RevfpTest, AFileCutAnywhereIsRefused) {
  const std::string bytes = ToRevfp(MakeFingerprint("a", 1));
  for (size_t size = 0; size < bytes.size(); size += size < 100 ? 1 : 97) {
    EXPECT_NE(Refusal(bytes.substr(0, size)), "accepted") << size;
    if (size < kDigestBytes) continue;
    EXPECT_NE(Refusal(Sealed(bytes.substr(0, size))), "accepted") << size;
  }
  EXPECT_EQ(Refusal(Sealed(bytes + "more")), "corrupt");
}

TEST(RevfpTest, ABriefFormIsReadAsItWasWritten) {
  const Brief written = BriefOf(MakeFingerprint("a", 1));
  const std::string bytes = ToBytes(written);
  const auto read = BriefFromBytes(bytes, "a");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, written);
  for (size_t i = 0; i < bytes.size(); i += i < 100 ? 1 : 101) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    EXPECT_FALSE(BriefFromBytes(damaged, "a")) << i;
    EXPECT_FALSE(BriefFromBytes(bytes.substr(0, i), "a")) << i;
    if (i < kDigestBytes) continue;
    EXPECT_FALSE(BriefFromBytes(Sealed(bytes.substr(0, i)), "a")) << i;
  }
  EXPECT_FALSE(BriefFromBytes(Sealed(bytes + "more"), "a"));
  Brief other = written;
  other.tensor_root = "abc";
  EXPECT_FALSE(BriefFromBytes(ToBytes(other), "a"));
  other = written;
  other.hypervector.words.back() = ~uint64_t{0};
  EXPECT_FALSE(BriefFromBytes(ToBytes(other), "a"));
}

TEST(RevfpTest, AnotherVersionIsNotSupported) {
  std::string bytes = ToRevfp(MakeFingerprint("a", 1));
  bytes[6] = '2';
  EXPECT_EQ(Refusal(Sealed(bytes)), "unsupported");
  EXPECT_EQ(Refusal("something else"), "corrupt");
}

TEST(RevfpTest, WhatDoesNotFitTogetherIsRefused) {
  const auto refusal_with = [](auto change) {
    Fingerprint fingerprint = MakeFingerprint("a", 1);
    change(fingerprint);
    return Refusal(ToRevfp(fingerprint));
  };
  const std::pair<const char*, void (*)(Fingerprint&)> cases[] = {
      {"root", [](Fingerprint& f) { f.model.tensor_root = "abc"; }},
      {"identity", [](Fingerprint& f) { f.model.identity[3] = 'X'; }},
      {"layers", [](Fingerprint& f) { f.model.num_layers = 4; }},
      {"no layers", [](Fingerprint& f) { f.model.num_layers = 0; }},
      {"rows", [](Fingerprint& f) { f.row_of[5] = 2; }},
      {"negative row", [](Fingerprint& f) { f.row_of[5] = -7; }},
      {"fewer rows", [](Fingerprint& f) { f.row_of.pop_back(); }},
      {"depths", [](Fingerprint& f) { std::swap(f.depths[0], f.depths[1]); }},
      {"sketches", [](Fingerprint& f) { f.states.pop_back(); }},
      {"factor", [](Fingerprint& f) { f.states[0].factor.pop_back(); }},
      {"rank",
       [](Fingerprint& f) {
         f.states[0].scales.resize(kSketchRank + 1, 1.0f);
         f.states[0].factor.resize(40 * (kSketchRank + 1));
       }},
      {"scale", [](Fingerprint& f) { f.states[1].scales[0] = -1; }},
      {"not a number",
       [](Fingerprint& f) { f.states[1].scales[0] = std::nanf(""); }},
      {"left out", [](Fingerprint& f) { f.states[1].left_out = 1.5f; }},
      {"digests", [](Fingerprint& f) { f.state_sha256.pop_back(); }},
      {"changes", [](Fingerprint& f) { f.changes.pop_back(); }},
      {"change", [](Fingerprint& f) { f.changes[0].low = HUGE_VALF; }},
      {"hypervector",
       [](Fingerprint& f) { f.hypervector.words.back() = ~uint64_t{0}; }},
      {"weights", [](Fingerprint& f) { f.weights = WeightSketch(); }},
  };
  EXPECT_EQ(refusal_with([](Fingerprint&) {}), "accepted");
  for (const auto& [name, change] : cases) {
    EXPECT_EQ(refusal_with(change), "corrupt") << name;
  }
}

TEST(RevfpTest, AFingerprintOfALargeModelIsSmall) {
  Fingerprint large = MakeFingerprint("large", 1, 80);
  constexpr size_t kNumPositions = 500;
  large.row_of.clear();
  for (int32_t i = 0; i < static_cast<int32_t>(kNumPositions); ++i) {
    large.row_of.push_back(i);
  }
  for (LayerSketch& state : large.states) {
    state.scales.assign(kSketchRank, 1.0f);
    state.factor.assign(kSketchRank * kNumPositions, 1);
  }
  large.weights = WeightSketch(
      {.head_dim = 128, .rotary_dim = 128, .queries_per_key = 8}, 80, 8);
  const std::string bytes = ToRevfp(large);
  EXPECT_TRUE(FromRevfp(bytes, "large"));
  EXPECT_LT(bytes.size(), 500'000U);
}

}  // namespace
}  // namespace revlm::fingerprint
