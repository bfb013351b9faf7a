#include "sched/adaptive.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/random.h"

namespace revlm::sched {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Operations a second, without noise.
using Surface = std::function<double(const Setting&)>;

struct Case {
  std::string name;
  Surface surface;
  SettingBounds bounds;
  std::vector<Setting> starts;
};

Setting Batch(int32_t batch_size) { return {.batch_size = batch_size}; }

double Share(int32_t value, double half) { return value / (value + half); }

// Rises to `peak` and falls again, with a logarithm's width of `width`.
double Hill(double value, double peak, double width) {
  const double off = std::log(value / peak) / width;
  return std::exp(-off * off / 2);
}

double Threads(const Setting& s, double serial, int32_t num_cpus) {
  const double useful = std::min(s.num_threads, num_cpus);
  const double wasted = std::max(0, s.num_threads - num_cpus);
  return 1 / (serial + (1 - serial) / useful) / (1 + 0.1 * wasted);
}

std::vector<Case> Cases() {
  const SettingBounds batches = {{}, Batch(1024)};
  const std::vector<Setting> batch_starts = {Batch(1), Batch(50), Batch(1024)};
  SettingBounds all = {{}, Batch(512)};
  all.most.num_threads = 16;
  all.most.num_models = 6;
  return {
      {"a pass is shared by all of a batch",
       [](const Setting& s) { return 100 * Share(s.batch_size, 32); }, batches,
       batch_starts},
      {"sharing is soon exhausted",
       [](const Setting& s) { return 100 * Share(s.batch_size, 0.5); }, batches,
       batch_starts},
      {"together is worse",
       [](const Setting& s) { return 10 / (1 + s.batch_size / 40.0); }, batches,
       batch_starts},
      {"all the same", [](const Setting&) { return 7.0; }, batches,
       batch_starts},
      {"a hill",
       [](const Setting& s) { return 50 * Hill(s.batch_size, 37, 0.9); },
       batches,
       {Batch(8), Batch(50), Batch(200)}},
      {"a slow fall beyond the best",
       [](const Setting& s) {
         return Share(s.batch_size, 8) /
                (1 + std::pow(s.batch_size / 100.0, 2));
       },
       batches, batch_starts},
      {"a cliff: beyond it, everything is read again",
       [](const Setting& s) {
         return Share(s.batch_size, 16) * (s.batch_size > 90 ? 0.1 : 1.0);
       },
       batches,
       {Batch(1), Batch(64), Batch(1024)}},
      {"threads, too",
       [](const Setting& s) {
         return Share(s.batch_size, 16) * Threads(s, 0.1, 8);
       },
       all,
       {{1, 1, 1, 0}, {64, 16, 1, 0}, {512, 2, 6, 0}}},
      {"models at once keep the disk busy, too many get in each other's way",
       [](const Setting& s) {
         return Share(s.batch_size, 16) * Threads(s, 0.3, 4) *
                Hill(s.num_models, 3, 0.8);
       },
       all,
       {{1, 1, 1, 0}, {64, 4, 6, 0}, {512, 16, 2, 0}}},
      {"more threads pay with large batches only",
       [](const Setting& s) {
         return 1 / (1.0 / s.num_threads + 8.0 / s.batch_size +
                     0.02 * s.num_threads);
       },
       all,
       {{1, 1, 1, 0}, {64, 16, 1, 0}, {512, 1, 1, 0}}},
  };
}

double BestOf(const Case& c) {
  double best = 0;
  Setting s;
  for (s.batch_size = 1; s.batch_size <= c.bounds.most.batch_size;
       ++s.batch_size) {
    for (s.num_threads = 1; s.num_threads <= c.bounds.most.num_threads;
         ++s.num_threads) {
      for (s.num_models = 1; s.num_models <= c.bounds.most.num_models;
           ++s.num_models) {
        best = std::max(best, c.surface(s));
      }
    }
  }
  return best;
}

// Log-normal, with this standard deviation of the logarithm.
double Noise(uint64_t seed, uint64_t idx, double sigma) {
  const double a = 1 - base::UniformDouble(seed, 2 * idx);
  const double b = base::UniformDouble(seed, 2 * idx + 1);
  return std::exp(sigma * std::sqrt(-2 * std::log(a)) *
                  std::cos(2 * std::numbers::pi * b));
}

// Intervals of 20 operations, one after another.
class Simulation {
 public:
  Simulation(const Case& c, const Setting& start, uint64_t seed, double sigma)
      : controller_(start, c.bounds), seed_(seed), sigma_(sigma) {}

  // Gives what they truly did a second. With `num_left`, they are the last.
  double Steps(const Surface& surface, int count, Interval interval = {}) {
    const double num_steps = count;
    double seconds = 0;
    while (count-- > 0) {
      const double rate = surface(controller_.setting());
      seconds += 1 / rate;
      interval.num_operations = 20;
      interval.num_tokens = 20 * 64;
      interval.seconds = 20 / (rate * Noise(seed_, idx_++, sigma_));
      if (interval.num_left) interval.num_left = 20 * count;
      Take(interval);
    }
    return num_steps / seconds;
  }

  const Setting& setting() const { return controller_.setting(); }
  int num_changes() const { return num_changes_; }
  const std::vector<std::string>& reasons() const { return reasons_; }

 private:
  void Take(const Interval& interval) {
    const Setting before = controller_.setting();
    const Decision decision = controller_.Decide(interval);
    EXPECT_EQ(decision.setting, controller_.setting());
    EXPECT_EQ(decision.reason.empty(), decision.setting == before);
    if (decision.reason.empty()) return;
    ++num_changes_;
    reasons_.push_back(decision.reason);
  }

  AdaptiveController controller_;
  const uint64_t seed_;
  const double sigma_;
  uint64_t idx_ = 0;
  int num_changes_ = 0;
  std::vector<std::string> reasons_;
};

// What is reached is within a tenth of the best fixed setting, trials included;
// and then there is peace: two waits, after each of which the near neighbours
// of each axis, four at most, are tried and left again. With noise of a tenth
// in each interval, one run in a hundred may miss the tenth by a little.
TEST(AdaptiveTest, ComesCloseToTheBestFixedSettingAndRests) {
  constexpr int kNumSearching = 600, kNumMeasured = 800;
  for (const double sigma : {0.0, 0.03, 0.06, 0.1}) {
    int num_runs = 0, num_missed = 0;
    for (const Case& c : Cases()) {
      SCOPED_TRACE(c.name + ", noise " + std::to_string(sigma));
      const double best = BestOf(c);
      const int num_axes = c.bounds.most.num_threads > 1 ? 3 : 1;
      for (const Setting& start : c.starts) {
        for (uint64_t seed = 0; seed < 30; ++seed) {
          SCOPED_TRACE(testing::Message() << "from batch " << start.batch_size
                                          << ", seed " << seed);
          Simulation simulation(c, start, seed, sigma);
          simulation.Steps(c.surface, kNumSearching);
          const int num_before = simulation.num_changes();
          const double reached =
              simulation.Steps(c.surface, kNumMeasured) / best;
          EXPECT_GE(reached, sigma < 0.1 ? 0.9 : 0.85);
          EXPECT_LE(simulation.num_changes() - num_before, 16 * num_axes);
          ++num_runs;
          if (reached < 0.9) ++num_missed;
        }
      }
    }
    EXPECT_LE(num_missed, num_runs / 100) << "noise " << sigma;
  }
}

// A run of limited length, begun with the best setting, loses to trials what it
// may and little more.
TEST(AdaptiveTest, TrialsCostTheirShareOfARunAtMost) {
  for (const Case& c : Cases()) {
    SCOPED_TRACE(c.name);
    Setting start = c.starts[1];
    if (c.bounds.most.num_threads == 1) {
      for (int32_t n = 1; n <= c.bounds.most.batch_size; ++n) {
        if (c.surface(Batch(n)) > c.surface(start)) start = Batch(n);
      }
    }
    for (const int num_intervals : {3, 10, 20, 40, 100, 300}) {
      for (uint64_t seed = 0; seed < 10; ++seed) {
        Simulation simulation(c, start, seed, 0.05);
        Interval interval;
        interval.num_left = 0;  // once the last is done
        const double reached =
            simulation.Steps(c.surface, num_intervals, interval);
        EXPECT_GE(reached, 0.9 * c.surface(start))
            << num_intervals << " intervals, seed " << seed;
        if (num_intervals < 20) {
          EXPECT_THAT(simulation.reasons(), IsEmpty());
        }
      }
    }
  }
}

TEST(AdaptiveTest, EachChangeHasItsReasonAndNothingElseHasOne) {
  const Case c = Cases()[0];
  Simulation simulation(c, Batch(50), 1, 0.02);
  simulation.Steps(c.surface, 100);
  ASSERT_FALSE(simulation.reasons().empty());
  EXPECT_EQ(simulation.reasons()[0].find("batch 50 -> 100: a trial, against "),
            0u)
      << simulation.reasons()[0];
  EXPECT_THAT(simulation.reasons()[0], HasSubstr("tokens a second"));
}

TEST(AdaptiveTest, AChangeOfTheWorldBeginsTheSearchAnew) {
  const Case c = Cases()[0];
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Simulation simulation(c, Batch(64), seed, 0.04);
    simulation.Steps(c.surface, 300);
    const Surface other = [](const Setting& s) {
      return 40 * Hill(s.batch_size, 20, 1.5);
    };
    simulation.Steps(other, 300);
    EXPECT_GE(simulation.Steps(other, 300), 0.9 * 40) << "seed " << seed;
  }
}

TEST(AdaptiveTest, SlownessOfAMomentChangesNothing) {
  const Case c = Cases()[3];
  Simulation simulation(c, Batch(64), 0, 0.02);
  simulation.Steps(c.surface, 300);
  const int num_before = simulation.num_changes();
  for (int i = 0; i < 50; ++i) {
    simulation.Steps([](const Setting&) { return 1.0; }, 1);
    simulation.Steps(c.surface, 9);
  }
  EXPECT_LE(simulation.num_changes() - num_before, 16);
}

TEST(AdaptiveTest, BusyProcessorsGetNoMoreThreads) {
  Case c = Cases()[7];
  c.surface = [](const Setting& s) { return Threads(s, 0.1, 16); };
  Interval busy;
  busy.cpu_load = 17;
  Simulation simulation(c, {64, 8, 1, 0}, 0, 0.02);
  for (int i = 0; i < 200; ++i) {
    simulation.Steps(c.surface, 1, busy);
    ASSERT_LE(simulation.setting().num_threads, 8);
  }
  busy.cpu_load = 2;
  simulation.Steps(c.surface, 400, busy);
  EXPECT_GT(simulation.setting().num_threads, 8);
}

constexpr uint64_t kGiB = uint64_t{1} << 30;

// A run with 16 GiB on a machine where another program takes some and gives it
// back.
class AdaptiveMemoryTest : public testing::Test {
 protected:
  AdaptiveMemoryTest() : case_(Cases()[0]) {
    case_.bounds.least.memory_bytes = kGiB;
    case_.bounds.most.memory_bytes = 16 * kGiB;
    simulation_.emplace(case_, Setting{64, 1, 1, 16 * kGiB}, 0, 0.02);
  }

  // Intervals while there is so much, held or free.
  void Steps(uint64_t available_bytes, int count) {
    Interval interval;
    interval.available_bytes = available_bytes;
    simulation_->Steps(case_.surface, count, interval);
  }
  uint64_t memory_bytes() const { return simulation_->setting().memory_bytes; }

  Case case_;
  std::optional<Simulation> simulation_;
};

TEST_F(AdaptiveMemoryTest, MemoryIsGivenBackWithinOneInterval) {
  for (const uint64_t left : {15, 10, 5, 2}) {
    simulation_.emplace(case_, Setting{64, 1, 1, 16 * kGiB}, left, 0.02);
    Steps(40 * kGiB, 50);
    EXPECT_EQ(memory_bytes(), 16 * kGiB);
    const int32_t batch_before = simulation_->setting().batch_size;
    Steps(left * kGiB, 1);
    EXPECT_LE(memory_bytes(), left * kGiB);
    EXPECT_GE(memory_bytes(), left * kGiB * 8 / 10);
    EXPECT_LT(simulation_->setting().batch_size, batch_before);
    EXPECT_THAT(simulation_->reasons().back(), HasSubstr("others want memory"));
    EXPECT_THAT(simulation_->reasons().back(), HasSubstr("MiB"));
  }
}

TEST_F(AdaptiveMemoryTest, WithLessLeftThanTheFloorTheFloorStays) {
  Steps(kGiB / 2, 5);
  EXPECT_EQ(memory_bytes(), kGiB);
  EXPECT_EQ(simulation_->num_changes(), 1);
}

TEST_F(AdaptiveMemoryTest, MemoryComesBackSlowlyAndWhole) {
  Steps(4 * kGiB, 10);
  EXPECT_EQ(simulation_->num_changes(), 1);
  uint64_t last = memory_bytes();
  for (int i = 0; i < 40 && memory_bytes() < 16 * kGiB; ++i) {
    Steps(40 * kGiB, 1);
    EXPECT_LE(memory_bytes(), last * 126 / 100);
    last = memory_bytes();
  }
  EXPECT_EQ(memory_bytes(), 16 * kGiB);
  // As fast as before.
  simulation_->Steps(case_.surface, 300);
  EXPECT_GE(simulation_->Steps(case_.surface, 300), 0.9 * BestOf(case_));
}

// The other program takes what is given back, again and again.
TEST_F(AdaptiveMemoryTest, ItDoesNotSwingForEver) {
  int num_changes_before = 0;
  for (int i = 0; i < 4000; ++i) {
    Interval interval;
    interval.memory_stall_percent = memory_bytes() > 6 * kGiB ? 20.0 : 0.0;
    simulation_->Steps(case_.surface, 1, interval);
    if (i == 500) num_changes_before = simulation_->num_changes();
  }
  EXPECT_LE(simulation_->num_changes() - num_changes_before, 3500 / 20);
}

TEST_F(AdaptiveMemoryTest, StallsCutOnceAndAgainOnlyWhenTheyGrow) {
  Interval interval;
  interval.memory_stall_percent = 8;
  simulation_->Steps(case_.surface, 1, interval);
  EXPECT_EQ(memory_bytes(), 8 * kGiB);
  for (const double percent : {6.5, 5.0, 4.0}) {  // they are over
    interval.memory_stall_percent = percent;
    simulation_->Steps(case_.surface, 1, interval);
    EXPECT_EQ(memory_bytes(), 8 * kGiB);
  }
  interval.memory_stall_percent = 9;
  simulation_->Steps(case_.surface, 1, interval);
  EXPECT_EQ(memory_bytes(), 4 * kGiB);
}

TEST(AdaptiveTest, AnIntervalWithoutWorkOrTimeIsNone) {
  AdaptiveController controller(Batch(8), {{}, Batch(64)});
  EXPECT_THAT(controller.Decide({}).reason, IsEmpty());
  EXPECT_THAT(controller.Decide({.num_operations = 20}).reason, IsEmpty());
  EXPECT_EQ(controller.setting(), Batch(8));
}

}  // namespace
}  // namespace revlm::sched
