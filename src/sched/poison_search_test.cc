#include "sched/poison_search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <map>
#include <set>

#include "base/random.h"

namespace revlm::sched {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAreArray;

constexpr uint64_t kMostInARow = PoisonSearch::kMostInARow;

class Random {
 public:
  explicit Random(uint64_t seed) : seed_(seed) {}
  uint64_t Below(uint64_t n) { return base::RandomBits(seed_, next_++) % n; }
  bool Chance(double share) {
    return base::UniformDouble(seed_, next_++) < share;
  }

 private:
  const uint64_t seed_;
  uint64_t next_ = 0;
};

struct World {
  std::vector<size_t> batch;
  std::set<size_t> poisons;
  int64_t max_retries = 0;
  double kill_share = 0;    // of the runs are killed from outside
  bool progresses = false;  // or operations finish all together, at the end

  uint64_t Log2() const { return std::bit_width(batch.size() - 1); }
};

// Runs the groups of a search as workers would, and checks after each run what
// must hold at any time.
class Simulation {
 public:
  Simulation(const World& world, uint64_t seed)
      : world_(world),
        random_(seed),
        search_(world.batch, world.max_retries),
        open_(world.batch.begin(), world.batch.end()) {}

  void Run() {
    while (!search_.Next().empty() && !::testing::Test::HasFatalFailure()) {
      RunGroup();
    }
    EXPECT_EQ(search_.has_given_up(), !open_.empty())
        << "neither done nor quarantined";
    EXPECT_THAT(search_.quarantined(), UnorderedElementsAreArray(quarantined_));
  }

  size_t num_runs() const { return num_runs_; }
  size_t num_deaths() const { return num_deaths_; }
  size_t num_kills() const { return num_kills_; }
  const std::set<size_t>& quarantined() const { return quarantined_; }
  bool has_given_up() const { return search_.has_given_up(); }

 private:
  void RunGroup() {
    const std::vector<size_t> group = search_.Next();
    ++num_runs_;
    for (const size_t id : group) {
      ASSERT_TRUE(open_.contains(id)) << id << " is run once too often";
    }
    ASSERT_EQ(std::set(group.begin(), group.end()).size(), group.size());
    const bool is_alone = group.size() == 1;
    ASSERT_EQ(search_.num_deaths_alone(),
              is_alone ? deaths_alone_[group[0]] : 0);
    // Where the worker is killed from outside: before that operation.
    size_t end = random_.Chance(world_.kill_share) ? random_.Below(group.size())
                                                   : group.size();
    const bool is_killed = end < group.size();
    for (size_t i = 0; i < end; ++i) {
      if (world_.poisons.contains(group[i])) end = i;
    }
    if (end == group.size()) {
      for (const size_t id : group) open_.erase(id);
      search_.Survived();
      num_deaths_in_a_row_ = 0;
      num_quarantined_in_a_row_ = 0;
      return;
    }
    const bool has_poison = std::ranges::any_of(
        group, [&](size_t id) { return world_.poisons.contains(id); });
    if (is_killed && !has_poison) ++num_kills_;
    Die(group, world_.progresses ? end : 0);
  }

  void Die(const std::vector<size_t>& group, size_t num_finished) {
    ++num_deaths_;
    ++num_deaths_in_a_row_;
    for (size_t i = 0; i < num_finished; ++i) open_.erase(group[i]);
    if (num_finished > 0) num_deaths_in_a_row_ = num_quarantined_in_a_row_ = 0;
    if (group.size() == 1 && ++deaths_alone_[group[0]] > world_.max_retries) {
      quarantined_.insert(group[0]);
      open_.erase(group[0]);
      num_deaths_in_a_row_ = 0;
      ++num_quarantined_in_a_row_;
    }
    search_.Died(std::span(group).first(num_finished));
    // These have brought nothing; one more has to.
    ASSERT_LE(num_deaths_in_a_row_,
              world_.Log2() + static_cast<uint64_t>(world_.max_retries));
    ASSERT_EQ(search_.has_given_up(),
              num_quarantined_in_a_row_ >= kMostInARow && !open_.empty());
  }

  const World& world_;
  Random random_;
  PoisonSearch search_;
  std::set<size_t> open_;  // neither done nor quarantined
  std::set<size_t> quarantined_;
  std::map<size_t, int64_t> deaths_alone_;
  size_t num_runs_ = 0;
  size_t num_deaths_ = 0;
  size_t num_kills_ = 0;
  uint64_t num_deaths_in_a_row_ = 0;
  uint64_t num_quarantined_in_a_row_ = 0;
};

World RandomWorld(Random& random, uint64_t num_poisons) {
  World world;
  const uint64_t size = std::max(num_poisons, 1 + random.Below(100));
  std::set<size_t> ids;
  while (ids.size() < size) ids.insert(random.Below(1000));
  world.batch.assign(ids.begin(), ids.end());
  for (size_t i = size - 1; i > 0; --i) {
    std::swap(world.batch[i], world.batch[random.Below(i + 1)]);
  }
  while (world.poisons.size() < num_poisons) {
    world.poisons.insert(world.batch[random.Below(size)]);
  }
  world.max_retries = static_cast<int64_t>(random.Below(4));
  world.progresses = random.Chance(0.5);
  return world;
}

TEST(PoisonSearchTest, QuarantinesExactlyThePoisonsWithinTheBound) {
  for (uint64_t seed = 0; seed < 4000; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const World world = RandomWorld(random, seed % 4);
    Simulation simulation(world, seed + 1'000'000);
    simulation.Run();
    EXPECT_EQ(simulation.quarantined(), world.poisons);
    EXPECT_LE(
        simulation.num_deaths(),
        world.poisons.size() *
            (world.Log2() + static_cast<uint64_t>(world.max_retries) + 1));
    if (HasFailure()) break;
  }
}

// The same for every choice of poisons in every small batch.
TEST(PoisonSearchTest, QuarantinesExactlyThePoisonsOfEverySmallBatch) {
  for (size_t size = 1; size <= 9; ++size) {
    for (unsigned chosen = 0; chosen < 1u << size; ++chosen) {
      SCOPED_TRACE(chosen);
      World world;
      for (size_t id = 0; id < size; ++id) {
        world.batch.push_back(id);
        if ((chosen >> id & 1) != 0) world.poisons.insert(id);
      }
      for (world.max_retries = 0; world.max_retries < 3; ++world.max_retries) {
        for (const bool progresses : {false, true}) {
          world.progresses = progresses;
          Simulation simulation(world, 0);
          simulation.Run();
          // Nine that kill and nothing else: the last is given up.
          if (world.poisons.size() > kMostInARow) {
            EXPECT_TRUE(simulation.has_given_up());
          } else {
            EXPECT_EQ(simulation.quarantined(), world.poisons);
          }
          EXPECT_LE(simulation.num_deaths(),
                    world.poisons.size() *
                        (world.Log2() +
                         static_cast<uint64_t>(world.max_retries) + 1));
        }
      }
      if (HasFailure()) return;
    }
  }
}

// What dies alone too often is quarantined, poison or not, and nothing else:
// the simulation counts for itself.
TEST(PoisonSearchTest, EndsWithinTheBoundUnderKillsFromOutside) {
  size_t num_innocents = 0, num_kills = 0;
  for (uint64_t seed = 0; seed < 4000; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    World world = RandomWorld(random, seed % 4);
    world.kill_share = 0.1 + 0.1 * static_cast<double>(seed % 7);
    Simulation simulation(world, seed + 2'000'000);
    simulation.Run();
    EXPECT_LE(
        simulation.num_deaths(),
        (world.poisons.size() + simulation.num_kills()) *
            (world.Log2() + static_cast<uint64_t>(world.max_retries) + 2));
    for (const size_t id : world.poisons) {
      EXPECT_TRUE(simulation.quarantined().contains(id));
    }
    num_innocents += simulation.quarantined().size() - world.poisons.size();
    num_kills += simulation.num_kills();
    if (HasFailure()) break;
  }
  EXPECT_GT(num_kills, 4000u);
  EXPECT_GT(num_innocents, 0u);  // that case was met too
}

// However large the batch is, and whether the worker finishes something before
// the first poison or not.
TEST(PoisonSearchTest, GivesUpOnAWorkerThatAlwaysDies) {
  for (const size_t size : {9, 12, 50, 1000, 10000}) {
    for (int64_t max_retries = 0; max_retries < 4; ++max_retries) {
      SCOPED_TRACE(size);
      World world = {.max_retries = max_retries, .progresses = true};
      for (size_t id = 0; id < size; ++id) world.batch.push_back(id);
      world.poisons.insert(world.batch.begin(), world.batch.end());
      Simulation simulation(world, 3);
      simulation.Run();
      EXPECT_TRUE(simulation.has_given_up());
      EXPECT_EQ(simulation.quarantined().size(), kMostInARow);
      EXPECT_LE(simulation.num_deaths(),
                kMostInARow *
                    (world.Log2() + static_cast<uint64_t>(max_retries) + 1));
    }
  }
}

TEST(PoisonSearchTest, EightThatKillAndNoOtherAreAllQuarantined) {
  World world = {.max_retries = 1};
  for (size_t id = 0; id < kMostInARow; ++id) world.batch.push_back(id);
  world.poisons.insert(world.batch.begin(), world.batch.end());
  Simulation simulation(world, 3);
  simulation.Run();
  EXPECT_FALSE(simulation.has_given_up());
  EXPECT_EQ(simulation.quarantined(), world.poisons);
}

// More poisons than eight: what is done between them keeps the search going.
TEST(PoisonSearchTest, ManyPoisonsAreFoundAmongOthersThatGetDone) {
  size_t num_poisons = 0;
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    World world;
    for (size_t id = 0; id < 200; ++id) world.batch.push_back(id);
    for (size_t id = 0; id < 200; ++id) {
      if (random.Chance(0.1)) world.poisons.insert(id);
    }
    num_poisons += world.poisons.size();
    Simulation simulation(world, seed);
    simulation.Run();
    EXPECT_FALSE(simulation.has_given_up());
    EXPECT_EQ(simulation.quarantined(), world.poisons);
    if (HasFailure()) break;
  }
  EXPECT_GT(num_poisons, 2000 * 2 * kMostInARow);
}

TEST(PoisonSearchTest, OneKillCostsTwoRunsAndQuarantinesNothing) {
  PoisonSearch search({4, 5, 6, 7, 8}, 0);
  EXPECT_THAT(search.Next(), ElementsAre(4, 5, 6, 7, 8));
  search.Died({});
  EXPECT_THAT(search.Next(), ElementsAre(4, 5, 6));
  search.Survived();
  EXPECT_THAT(search.Next(), ElementsAre(7, 8));
  search.Survived();
  EXPECT_THAT(search.Next(), IsEmpty());
  EXPECT_THAT(search.quarantined(), IsEmpty());
}

TEST(PoisonSearchTest, WhatFinishedBeforeTheDeathIsNotRunAgain) {
  PoisonSearch search({1, 2, 3, 4, 5, 6}, 1);
  search.Died(std::vector<size_t>{5, 1});
  EXPECT_THAT(search.Next(), ElementsAre(2, 3));
  search.Died(std::vector<size_t>{2, 3});  // it died, but after its work
  EXPECT_THAT(search.Next(), ElementsAre(4, 6));
  search.Died(std::vector<size_t>{4});
  // One is left of two: alone for the first time, so nothing counts yet.
  EXPECT_THAT(search.Next(), ElementsAre(6));
  EXPECT_EQ(search.num_deaths_alone(), 0);
  search.Died({});
  EXPECT_THAT(search.Next(), ElementsAre(6));
  EXPECT_EQ(search.num_deaths_alone(), 1);
  EXPECT_THAT(search.quarantined(), IsEmpty());
  search.Died({});
  EXPECT_THAT(search.Next(), IsEmpty());
  EXPECT_THAT(search.quarantined(), ElementsAre(6));
}

TEST(PoisonSearchTest, TheRestOfTheBatchWaitsForOneRun) {
  World world = {.poisons = {11}};
  for (size_t id = 0; id < 64; ++id) world.batch.push_back(id);
  Simulation simulation(world, 0);
  simulation.Run();
  // The batch, a survivor and a death at most for each halving, the rest.
  EXPECT_EQ(simulation.num_deaths(), 7u);
  EXPECT_LE(simulation.num_runs(), 1 + 2 * 6 + 1u);
}

TEST(PoisonSearchTest, ABatchOfOneThatDiedIsRetriedAlone) {
  PoisonSearch search({9}, 1);
  search.Died({});
  EXPECT_EQ(search.num_deaths_alone(), 1);
  search.Survived();
  EXPECT_THAT(search.Next(), IsEmpty());
  EXPECT_THAT(search.quarantined(), IsEmpty());
  EXPECT_THAT(PoisonSearch({}, 1).Next(), IsEmpty());
}

}  // namespace
}  // namespace revlm::sched
