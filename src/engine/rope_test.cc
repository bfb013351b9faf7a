#include "engine/rope.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

namespace revlm::engine {
namespace {

using formats::RopeConfig;
using ::testing::HasSubstr;

struct Known {
  const char* name;
  RopeConfig config;
  int64_t max_positions;
  double attention_factor;
  std::vector<double> frequencies;
};

// Numbers from Python, with f(theta, d) = [theta**(-2*i/d) for i < d/2]:
//   linear   f / factor
//   llama3   w = 2 pi / f; f where w < context / high, f / factor where
//            w > context / low, else s = (context / w - low) / (high - low);
//            (1 - s) * f / factor + s * f
//   yarn     c(r) = d * ln(context / (2 pi r)) / (2 ln theta);
//            lo, hi = max(floor(c(beta_fast)), 0), min(ceil(c(beta_slow)), d-1)
//            (without floor and ceil when not truncated);
//            ramp = clamp((i - lo) / (hi - lo), 0, 1);
//            f / factor * ramp + f * (1 - ramp);
//            m(k) = 0.1 * k * ln(factor) + 1; attention factor m(1), or
//            m(mscale) / m(mscale_all_dim)
const std::vector<Known>& KnownScalings() {
  static const std::vector<double> yarn_1024 = {
      1,        0.316227766,    0.08125, 0.0197642354,
      0.004375, 0.000790569415, 0.00025, 7.90569415e-05};
  static const std::vector<Known> known = {
      {"default",
       {},
       64,
       1,
       {1, 0.316227766, 0.1, 0.0316227766, 0.01, 0.00316227766, 0.001,
        0.000316227766}},
      {"theta",
       {.theta = 5e5},
       64,
       1,
       {1, 0.193922745, 0.0376060309, 0.00729266474, 0.00141421356,
        0.000274248176, 5.3182959e-05, 1.03133854e-05}},
      {"linear",
       {.type = "linear", .factor = 4},
       64,
       1,
       {0.25, 0.0790569415, 0.025, 0.00790569415, 0.0025, 0.000790569415,
        0.00025, 7.90569415e-05}},
      {"llama3 of original context",
       {.type = "llama3",
        .theta = 5e5,
        .factor = 8,
        .original_max_positions = 8192,
        .low_freq_factor = 1,
        .high_freq_factor = 4},
       131072,
       1,
       {1, 0.440366603, 0.193922745, 0.0853971003, 0.0376060309, 0.0165604401,
        0.00729266474, 0.00321144599, 0.000524846161, 7.78465527e-05,
        3.4281022e-05, 1.50962172e-05, 6.64786987e-06, 2.92749987e-06,
        1.28917317e-06, 5.6770881e-07}},
      {"llama3 of the model's context",
       {.type = "llama3",
        .factor = 8,
        .low_freq_factor = 1,
        .high_freq_factor = 4},
       64,
       1,
       {1, 0.244384599, 0.013042256, 0.00395284708, 0.00125, 0.000395284708,
        0.000125, 3.95284708e-05}},
      {"yarn",
       {.type = "yarn", .factor = 4, .original_max_positions = 1024},
       4096,
       1.138629436111989,
       yarn_1024},
      {"yarn with both mscales",
       {.type = "yarn",
        .factor = 4,
        .original_max_positions = 1024,
        .mscale = 0.707,
        .mscale_all_dim = 1.3},
       4096,
       0.9303457183160174,
       yarn_1024},
      {"yarn with its attention factor",
       {.type = "yarn",
        .factor = 4,
        .original_max_positions = 1024,
        .attention_factor = 1.75},
       4096,
       1.75,
       yarn_1024},
      {"yarn not truncated",
       {.type = "yarn",
        .factor = 4,
        .original_max_positions = 1024,
        .beta_fast = 16,
        .beta_slow = 2,
        .truncate = false},
       4096,
       1.138629436111989,
       {1, 0.316227766, 0.1, 0.0187018028, 0.0025, 0.000790569415, 0.00025,
        7.90569415e-05}},
      {"yarn of the model's context",
       {.type = "yarn", .theta = 1e6, .factor = 4},
       32768,
       1.138629436111989,
       {1, 0.421696503, 0.177827941, 0.0749894209, 0.0316227766, 0.0133352143,
        0.00477990126, 0.00165996159, 0.00055, 0.000168678601, 4.44569853e-05,
        1.87473552e-05, 7.90569415e-06, 3.33380358e-06, 1.40585331e-06,
        5.92843426e-07}},
  };
  return known;
}

TEST(RopeTest, FrequenciesAreThoseOfThePublishedFormulas) {
  for (const Known& known : KnownScalings()) {
    const size_t half = known.frequencies.size();
    auto rope = Rope::Create(known.config, static_cast<int64_t>(2 * half),
                             known.max_positions, "config.json");
    ASSERT_TRUE(rope) << rope.error().message;
    EXPECT_EQ(rope->rotary_dim(), static_cast<int64_t>(2 * half));
    std::vector<float> cosines(half), sines(half);
    rope->Angles(1, cosines.data(), sines.data());
    for (size_t i = 0; i < half; ++i) {
      const double c = static_cast<double>(cosines[i]);
      const double s = static_cast<double>(sines[i]);
      EXPECT_NEAR(std::atan2(s, c), known.frequencies[i],
                  1e-6 * known.frequencies[i])
          << known.name << ", " << i;
      EXPECT_NEAR(std::hypot(s, c), known.attention_factor, 2e-7)
          << known.name << ", " << i;
    }
  }
}

// cos and sin of f32(position * f32(1 / f32(10000**(2*i/16)))), in Python.
TEST(RopeTest, AnglesOfLongPositionsAreRoundedAsTheReferenceDoes) {
  struct Angle {
    int64_t position;
    size_t i;
    double cosine, sine;
  };
  constexpr Angle kAngles[] = {
      {1000, 0, 0.562379076, 0.826879541},
      {1000, 3, 0.978682422, 0.205379446},
      {1000, 7, 0.950415272, 0.310983619},
      {100003, 0, 0.98431483, -0.176420847},
      {100003, 3, -0.352084142, 0.935968353},
      {100003, 7, 0.978486899, 0.206308964},
  };
  const Rope rope = Rope::Create({}, 16, 64, "config.json").value();
  std::vector<float> cosines(8), sines(8);
  for (const Angle& angle : kAngles) {
    rope.Angles(angle.position, cosines.data(), sines.data());
    EXPECT_NEAR(static_cast<double>(cosines[angle.i]), angle.cosine, 1e-7);
    EXPECT_NEAR(static_cast<double>(sines[angle.i]), angle.sine, 1e-7);
  }
}

TEST(RopeTest, WhatAScalingNeedsIsAskedForByName) {
  struct Bad {
    RopeConfig config;
    ErrorCode code;
    const char* message;
  };
  const std::vector<Bad> cases = {
      {{.type = "longrope"}, ErrorCode::kUnsupported, "\"longrope\""},
      {{.type = "longrope"},
       ErrorCode::kUnsupported,
       "default, linear, llama3 and yarn"},
      {{.type = "linear"},
       ErrorCode::kCorrupt,
       "\"factor\" of rotary scaling "
       "\"linear\" is absent"},
      {{.type = "yarn"}, ErrorCode::kCorrupt, "\"factor\""},
      {{.type = "llama3", .low_freq_factor = 1, .high_freq_factor = 4},
       ErrorCode::kCorrupt,
       "\"factor\""},
      {{.type = "llama3", .factor = 8, .high_freq_factor = 4},
       ErrorCode::kCorrupt,
       "\"low_freq_factor\""},
      {{.type = "llama3", .factor = 8, .low_freq_factor = 1},
       ErrorCode::kCorrupt,
       "\"high_freq_factor\""},
      {{.type = "linear", .factor = 0}, ErrorCode::kCorrupt, "is 0"},
      {{.theta = -1}, ErrorCode::kCorrupt, "\"rope_theta\""},
  };
  for (const Bad& bad : cases) {
    auto rope = Rope::Create(bad.config, 16, 64, "some/config.json");
    ASSERT_FALSE(rope) << bad.message;
    EXPECT_EQ(rope.error().code, bad.code) << bad.message;
    EXPECT_THAT(rope.error().message, HasSubstr(bad.message));
    EXPECT_THAT(rope.error().message, HasSubstr("some/config.json"));
  }
}

}  // namespace
}  // namespace revlm::engine
