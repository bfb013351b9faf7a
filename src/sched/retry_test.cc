#include "sched/retry.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <vector>

namespace revlm::sched {
namespace {

using std::chrono::duration;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr int64_t kManyRetries = std::numeric_limits<int64_t>::max();

double WaitSeconds(const RetryPolicy& policy, size_t task,
                   int64_t num_retries) {
  return duration<double>(
             RetryWait(policy, FailureClass::kTransient, task, num_retries)
                 .value())
      .count();
}

TEST(RetryTest, EveryCodeHasItsClass) {
  struct Known {
    ErrorCode code;
    FailureClass failure;
  };
  constexpr Known kKnown[] = {
      {ErrorCode::kNotFound, FailureClass::kDeterministic},
      {ErrorCode::kCorrupt, FailureClass::kDeterministic},
      {ErrorCode::kUnsupported, FailureClass::kDeterministic},
      {ErrorCode::kInvalidArgument, FailureClass::kDeterministic},
      {ErrorCode::kBudgetExceeded, FailureClass::kResource},
      {ErrorCode::kUnavailable, FailureClass::kTransient},
      {ErrorCode::kTimeout, FailureClass::kTransient},
      {ErrorCode::kCancelled, FailureClass::kStop},
      {ErrorCode::kInternal, FailureClass::kDeterministic},
  };
  for (const Known& known : kKnown) {
    EXPECT_EQ(Classify(known.code), known.failure)
        << static_cast<int>(known.code);
  }
}

TEST(RetryTest, OnlyTransientFailuresAreRetried) {
  const RetryPolicy policy;
  EXPECT_TRUE(RetryWait(policy, FailureClass::kTransient, 0, 0));
  EXPECT_TRUE(RetryWait(policy, kWorkerDied, 0, 0));
  EXPECT_FALSE(RetryWait(policy, FailureClass::kDeterministic, 0, 0));
  EXPECT_FALSE(RetryWait(policy, FailureClass::kResource, 0, 0));
  EXPECT_FALSE(RetryWait(policy, FailureClass::kStop, 0, 0));
}

TEST(RetryTest, NoMoreThanMaxRetries) {
  for (int64_t max_retries = 0; max_retries < 5; ++max_retries) {
    const RetryPolicy policy = {.max_retries = max_retries};
    for (int64_t num_retries = 0; num_retries < 8; ++num_retries) {
      EXPECT_EQ(RetryWait(policy, FailureClass::kTransient, 3, num_retries)
                    .has_value(),
                num_retries < max_retries)
          << num_retries << " of " << max_retries;
    }
  }
}

// From a transcription in Python of SplitMix64 and of the formula.
TEST(RetryTest, WaitsAreAFunctionOfSeedTaskAndRetry) {
  struct Known {
    uint64_t seed;
    size_t task;
    int64_t num_retries;
    int64_t wait_ns;
  };
  constexpr Known kKnown[] = {
      {0, 0, 0, 326'224'243},    {7, 3, 0, 341'380'631},
      {7, 3, 1, 231'494'090},    {7, 3, 6, 3'479'762'765},
      {7, 3, 7, 10'998'425'529}, {7, 4, 1, 894'918'478},
      {8, 3, 1, 640'270'662},
  };
  for (const int64_t max_retries : {int64_t{8}, kManyRetries}) {
    for (const Known& known : kKnown) {
      const RetryPolicy policy = {.max_retries = max_retries,
                                  .seed = known.seed};
      EXPECT_EQ(RetryWait(policy, FailureClass::kTransient, known.task,
                          known.num_retries),
                nanoseconds(known.wait_ns))
          << known.seed << ", " << known.task << ", " << known.num_retries;
    }
  }
}

// Over many tasks the waits of one retry fill [0, ceiling) evenly.
TEST(RetryTest, WaitsAreUniformBelowADoublingCeiling) {
  constexpr double kCeilings[] = {0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60};
  constexpr size_t kNumTasks = 4000;
  const RetryPolicy policy = {.max_retries = 10, .seed = 5};
  for (int64_t num_retries = 0; num_retries < 10; ++num_retries) {
    SCOPED_TRACE(num_retries);
    const double ceiling = kCeilings[num_retries];
    std::vector<double> shares;
    shares.reserve(kNumTasks);
    for (size_t task = 0; task < kNumTasks; ++task) {
      shares.push_back(WaitSeconds(policy, task, num_retries) / ceiling);
    }
    std::sort(shares.begin(), shares.end());
    EXPECT_GE(shares.front(), 0);
    EXPECT_LT(shares.back(), 1);
    // The distance of Kolmogorov and Smirnov: above 1.95 / sqrt(n) once in a
    // thousand.
    double distance = 0;
    for (size_t i = 0; i < kNumTasks; ++i) {
      const double below = static_cast<double>(i) / kNumTasks;
      distance = std::max(
          {distance, shares[i] - below, below + 1.0 / kNumTasks - shares[i]});
    }
    EXPECT_LT(distance, 1.95 / 63.2);
  }
}

TEST(RetryTest, NoNumberOfRetriesOverflows) {
  const RetryPolicy policy = {.max_retries = kManyRetries};
  const RetryPolicy longest = {.max_retries = kManyRetries,
                               .first_wait = nanoseconds(1),
                               .longest_wait = nanoseconds::max()};
  const RetryPolicy none = {.max_retries = kManyRetries,
                            .first_wait = nanoseconds(0)};
  for (const int64_t num_retries :
       {int64_t{57}, int64_t{62}, int64_t{63}, int64_t{64}, kManyRetries - 1}) {
    for (size_t task = 0; task < 100; ++task) {
      EXPECT_GE(WaitSeconds(policy, task, num_retries), 0);
      EXPECT_LT(WaitSeconds(policy, task, num_retries), 60);
      EXPECT_GT(WaitSeconds(longest, task, num_retries), 0);
      EXPECT_EQ(WaitSeconds(none, task, num_retries), 0);
    }
  }
}

TEST(RetryTest, TheLongestWaitHoldsForTheFirstToo) {
  const RetryPolicy policy = {.first_wait = seconds(10),
                              .longest_wait = milliseconds(10)};
  for (size_t task = 0; task < 100; ++task) {
    EXPECT_LT(WaitSeconds(policy, task, 0), 0.010);
  }
}

}  // namespace
}  // namespace revlm::sched
