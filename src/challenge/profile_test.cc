#include "challenge/profile.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

namespace revlm::challenge {
namespace {

Challenge In(const std::string& domain) {
  return {.system = "x/1", .parameters = {{"domain", domain}}};
}

std::vector<ModelObservation> Both(double entropy_a, double entropy_b) {
  return {{.model = "a",
           .mean_entropy_nats = entropy_a,
           .mean_top_probability = 0.5},
          {.model = "b",
           .mean_entropy_nats = entropy_b,
           .mean_top_probability = 0.5}};
}

double TraitOf(const ModelProfile& profile, Trait trait) {
  return profile.traits[static_cast<size_t>(trait)];
}

TEST(ProfileTest, IsTheMeanOfWhatAModelDid) {
  Profiler profiler;
  profiler.Learn(In("one"),
                 std::vector<ModelObservation>{{.model = "a",
                                                .answer = "I cannot.",
                                                .mean_entropy_nats = 2,
                                                .mean_top_probability = 0.25}});
  profiler.Learn(In("two"),
                 std::vector<ModelObservation>{{.model = "a",
                                                .answer = "\u0434\u0430",
                                                .mean_entropy_nats = 0,
                                                .mean_top_probability = 0.75},
                                               {.model = "b"}});
  const auto profiles = profiler.profiles();
  ASSERT_EQ(profiles.size(), 2u);
  EXPECT_EQ(profiles[0].model, "a");
  EXPECT_EQ(profiles[0].num_observations, 2u);
  EXPECT_EQ(profiles[0].num_answers, 2u);
  EXPECT_DOUBLE_EQ(TraitOf(profiles[0], Trait::kUncertainty), 0.25);
  EXPECT_DOUBLE_EQ(TraitOf(profiles[0], Trait::kPeakedness), 0.5);
  EXPECT_DOUBLE_EQ(TraitOf(profiles[0], Trait::kRefusal), 0.5);
  EXPECT_DOUBLE_EQ(TraitOf(profiles[0], Trait::kScript), 0.5);
  EXPECT_DOUBLE_EQ(profiles[0].mean_entropy_nats, 1);
  EXPECT_NEAR(profiles[0].calibration, (0.25 - std::exp(-2.0) + 0.75 - 1) / 2,
              1e-12);
  EXPECT_DOUBLE_EQ(profiles[0].scripts[1], 2.0 / 9);
  EXPECT_DOUBLE_EQ(profiles[0].formats[0], 1);
  EXPECT_EQ(profiles[1].num_answers, 0u);
  EXPECT_DOUBLE_EQ(TraitOf(profiles[1], Trait::kRefusal), 0);
}

TEST(ProfileTest, ContrastIsLargestWhereModelsDiffer) {
  Profiler profiler;
  EXPECT_EQ(profiler.Contrast(In("odd")), 0);
  for (int i = 0; i < 20; ++i) {
    profiler.Learn(In("same"), Both(2, 2));
    profiler.Learn(In("odd"), Both(1, 3));
  }
  EXPECT_GT(profiler.Contrast(In("odd")), 0.9);
  EXPECT_LT(profiler.Contrast(In("same")), 0.3);
  // Of an area without observations, what is known of the system.
  EXPECT_GT(profiler.Contrast(In("new")), profiler.Contrast(In("same")));
  EXPECT_LT(profiler.Contrast(In("new")), profiler.Contrast(In("odd")));
}

TEST(ProfileTest, WhatIsNotObservedIsNoDifference) {
  const ModelObservation silent = {
      .model = "b", .mean_entropy_nats = 2, .mean_top_probability = 0.5};
  ModelObservation answers = silent;
  answers.model = "a";
  answers.answer = "- \u0434\u0430\n- \u0434\u0430\n- \u0434\u0430";
  Profiler profiler;
  for (int i = 0; i < 20; ++i) {
    // Alike in all that is known of both.
    profiler.Learn(In("silent"), std::vector{answers, silent});
  }
  EXPECT_EQ(profiler.Contrast(In("silent")), 0);
  ModelObservation prose = silent;
  prose.answer = "Yes.";
  for (int i = 0; i < 20; ++i) {
    profiler.Learn(In("both"), std::vector{answers, prose});
  }
  EXPECT_GT(profiler.Contrast(In("both")), 0.9);
}

// Two traits that differ are not watered down by five that nobody observed.
TEST(ProfileTest, TraitsThatNobodyHasAreNotAveraged) {
  Profiler with_answers;
  Profiler without;
  for (int i = 0; i < 20; ++i) {
    for (const char* area : {"far", "near"}) {
      std::vector<ModelObservation> both =
          Both(1, area == std::string("far") ? 3 : 1.5);
      without.Learn(In(area), both);
      both[0].answer = both[1].answer = "Yes.";
      with_answers.Learn(In(area), both);
    }
  }
  EXPECT_NEAR(without.Contrast(In("near")), with_answers.Contrast(In("near")),
              1e-12);
}

TEST(ProfileTest, OneObservationSaysLessOfAnAreaThanMany) {
  Profiler profiler;
  for (int i = 0; i < 20; ++i) {
    profiler.Learn(In("most"), Both(0, 50));
    profiler.Learn(In("none"), Both(1, 1));
    profiler.Learn(In("less"), Both(1, 1));
  }
  profiler.Learn(In("some"), Both(0, 8));
  const double after_one = profiler.Contrast(In("some"));
  for (int i = 0; i < 20; ++i) profiler.Learn(In("some"), Both(0, 8));
  EXPECT_LT(after_one, profiler.Contrast(In("some")));
}

TEST(ProfileTest, OneModelHasNoContrast) {
  Profiler profiler;
  for (int i = 0; i < 9; ++i) {
    profiler.Learn(In("x"), std::vector<ModelObservation>{
                                {.model = "a", .mean_entropy_nats = i + 0.0}});
  }
  EXPECT_EQ(profiler.Contrast(In("x")), 0);
}

TEST(ProfileTest, MoreModelsThanAreKeptAreLeftOut) {
  Profiler profiler;
  for (int i = 0; i < 70; ++i) {
    profiler.Learn(In("x"),
                   std::vector<ModelObservation>{{.model = std::to_string(i)}});
  }
  EXPECT_EQ(profiler.profiles().size(), 64u);
}

}  // namespace
}  // namespace revlm::challenge
