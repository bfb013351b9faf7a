#include "engine/schedule.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/random.h"

namespace revlm::engine {
namespace {

constexpr KvPages kPages = {.width = 64, .type = ElementType::kBf16};
constexpr int64_t kLayers = 3;

std::vector<RequestShape> RandomRequests(uint64_t seed) {
  std::vector<RequestShape> requests;
  for (uint64_t i = 0; i < 1 + seed % 40; ++i) {
    RequestShape shape;
    shape.prompt_tokens =
        1 + static_cast<int64_t>(base::RandomBits(seed, 3 * i) % 90);
    const auto new_tokens =
        static_cast<int64_t>(base::RandomBits(seed, 3 * i + 1) % 30);
    shape.new_tokens = i % 3 == 0 ? 0 : new_tokens;
    shape.head_rows = shape.new_tokens > 0 ? 1 : 0;
    shape.result_bytes = base::RandomBits(seed, 3 * i + 2) % 900;
    requests.push_back(shape);
  }
  return requests;
}

// What the limits promise, whatever the requests.
void ExpectKept(const std::vector<RequestShape>& requests,
                const GroupLimits& limits,
                const std::vector<GroupShape>& groups) {
  size_t next = 0;
  for (const GroupShape& group : groups) {
    EXPECT_EQ(group.begin, next);
    uint64_t kv = 0, results = 0;
    int64_t kv_positions = 0;
    int64_t num_generating = 0;
    for (const PassShape& pass : group.prompt_passes) {
      EXPECT_EQ(pass.begin, next);
      int64_t rows = 0, head_rows = 0;
      for (; next < pass.end; ++next) {
        const RequestShape& request = requests[next];
        rows += request.prompt_tokens;
        head_rows += request.head_rows;
        results += request.result_bytes;
        if (request.new_tokens == 0) continue;
        ++num_generating;
        kv += kPages.SequenceBytes(request.max_length());
        for (int64_t i = 1; i < request.new_tokens; ++i) {
          kv_positions += request.prompt_tokens + i - 1;
        }
      }
      EXPECT_EQ(pass.num_rows, rows);
      EXPECT_EQ(pass.num_head_rows, head_rows);
      EXPECT_LE(rows, limits.max_rows);
    }
    EXPECT_EQ(group.end, next);
    EXPECT_EQ(group.num_generating, num_generating);
    EXPECT_EQ(group.layer_kv_bytes, kv);
    EXPECT_EQ(group.kv_positions, kv_positions);
    EXPECT_EQ(group.result_bytes, results);
    EXPECT_LE(num_generating, limits.max_rows);
    if (group.end - group.begin > 1) {
      EXPECT_LE(results, limits.result_bytes);
    }
    if (!limits.spills && num_generating > 1) {
      EXPECT_LE(kv * kLayers, limits.kv_bytes);
    }
  }
  EXPECT_EQ(next, requests.size());
}

TEST(ScheduleTest, GroupsKeepTheirLimitsAndTheOrder) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    const std::vector<RequestShape> requests = RandomRequests(seed);
    GroupLimits limits = {.max_rows = 90 + static_cast<int64_t>(seed * 7 % 500),
                          .kv_bytes = seed * 40'000,
                          .result_bytes = 900 + seed % 7 * 1000};
    for (const bool spills : {false, true}) {
      limits.spills = spills;
      ExpectKept(requests, limits,
                 MakeGroups(requests, limits, kPages, kLayers));
    }
  }
}

TEST(ScheduleTest, MoreGroupsThanAllowedAreNone) {
  const std::vector<RequestShape> requests = RandomRequests(39);
  GroupLimits limits = {.max_rows = 90, .kv_bytes = 40'000};
  const size_t num_groups =
      MakeGroups(requests, limits, kPages, kLayers).size();
  ASSERT_GT(num_groups, 2u);
  limits.max_groups = static_cast<double>(num_groups);
  EXPECT_EQ(MakeGroups(requests, limits, kPages, kLayers).size(), num_groups);
  limits.max_groups = static_cast<double>(num_groups) - 0.5;
  EXPECT_TRUE(MakeGroups(requests, limits, kPages, kLayers).empty());
}

TEST(ScheduleTest, WithRoomThereIsOneGroupAndOnePass) {
  const std::vector<RequestShape> requests = RandomRequests(39);
  const auto groups = MakeGroups(requests,
                                 {.max_rows = 1 << 20,
                                  .kv_bytes = uint64_t{1} << 40,
                                  .result_bytes = uint64_t{1} << 40},
                                 kPages, kLayers);
  ASSERT_EQ(groups.size(), 1u);
  EXPECT_EQ(groups[0].prompt_passes.size(), 1u);
}

}  // namespace
}  // namespace revlm::engine
