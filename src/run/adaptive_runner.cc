#include "run/adaptive_runner.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace revlm::run {
namespace {

// Weights that stay in memory are read again for each part. A part is at least
// so large that this takes no more than this share of its time.
constexpr double kReadAgainShare = 0.02;

// The next part: what is left in equal parts that are no larger than asked for.
size_t PartSize(size_t num_left, int32_t batch_size) {
  const size_t most = static_cast<size_t>(std::max(batch_size, 1));
  const size_t num_parts = (num_left + most - 1) / most;
  return (num_left + num_parts - 1) / num_parts;
}

}  // namespace

Status RunInParts(const AdaptiveWork& work, const base::Clock& clock) {
  sched::AdaptiveController controller(work.start, work.bounds);
  sched::Interval interval;
  for (size_t begin = 0; begin < work.num_operations;) {
    const size_t num_left = work.num_operations - begin;
    const size_t end =
        begin + PartSize(num_left, controller.setting().batch_size);
    const auto started = clock.Monotonic();
    REVLM_ASSIGN_OR_RETURN(const int64_t num_tokens,
                           work.run_part(begin, end, controller.setting()));
    interval.seconds +=
        std::chrono::duration<double>(clock.Monotonic() - started).count();
    interval.num_operations += static_cast<int64_t>(end - begin);
    interval.num_tokens += num_tokens;
    begin = end;
    // After the last part there is nothing to be decided.
    if (begin == work.num_operations) break;
    if (interval.num_operations < work.interval) continue;
    interval.num_left = static_cast<int64_t>(work.num_operations - begin);
    const memory::Pressure pressure = work.read_pressure();
    interval.memory_stall_percent = pressure.memory_stall_percent;
    interval.available_bytes = pressure.available_bytes;
    interval.cpu_load = pressure.load;
    const sched::Decision decision = controller.Decide(interval);
    if (!decision.reason.empty()) REVLM_TRY(work.on_change(decision));
    interval = {};
  }
  return {};
}

void StartFromPlan(const engine::RunPlan& plan, uint64_t floor_bytes,
                   int32_t num_threads, AdaptiveWork& work) {
  const double num_groups = std::max(plan.num_groups, 1);
  const double group_seconds = std::max(plan.seconds, 1e-6) / num_groups;
  const double read_seconds = static_cast<double>(plan.use.pinned_bytes) /
                              std::max(plan.read_bytes_per_second, 1.0);
  const double groups_of_part =
      std::clamp(std::ceil(read_seconds / (kReadAgainShare * group_seconds)),
                 1.0, num_groups);
  const auto most = static_cast<int32_t>(
      std::clamp<size_t>(work.num_operations, 1, INT32_MAX));
  work.start = {.batch_size = static_cast<int32_t>(
                    std::clamp(std::ceil(most / num_groups * groups_of_part),
                               1.0, static_cast<double>(most))),
                .num_threads = num_threads,
                .num_models = 1,
                .memory_bytes = std::max<uint64_t>(plan.use.peak_bytes(), 1)};
  work.bounds.most = work.start;
  work.bounds.most.batch_size = most;
  work.bounds.least.memory_bytes =
      std::min(floor_bytes, work.start.memory_bytes);
}

Result<memory::Reservation> HoldBack(memory::Budget& budget,
                                     const sched::Setting& setting,
                                     uint64_t whole_bytes) {
  const uint64_t left = budget.left_bytes();
  if (setting.memory_bytes >= whole_bytes || setting.memory_bytes >= left) {
    return memory::Reservation();
  }
  return budget.Reserve(left - setting.memory_bytes, memory::Use::kScratch);
}

}  // namespace revlm::run
