#include "sched/adaptive.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace revlm::sched {
namespace {

constexpr size_t kBatch = 0, kThreads = 1, kModels = 2;

// Values from `least` to `most`, each some 1.4 times the one before, `start`
// among them.
std::vector<int32_t> Ladder(int32_t least, int32_t most, int32_t start) {
  std::vector<int32_t> values = {least, start, most};
  for (double value = start; value < most; value *= std::sqrt(2.0)) {
    values.push_back(static_cast<int32_t>(std::lround(value)));
  }
  for (double value = start; value > least; value /= std::sqrt(2.0)) {
    values.push_back(static_cast<int32_t>(std::lround(value)));
  }
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  return values;
}

std::array<std::vector<int32_t>, HillClimb::kNumAxes> LaddersOf(
    const Setting& start, const SettingBounds& bounds) {
  const auto& [least, most] = bounds;
  return {Ladder(least.batch_size, most.batch_size, start.batch_size),
          Ladder(least.num_threads, most.num_threads, start.num_threads),
          Ladder(least.num_models, most.num_models, start.num_models)};
}

int IndexOf(const std::vector<int32_t>& ladder, int32_t value) {
  return static_cast<int>(
      std::lower_bound(ladder.begin(), ladder.end(), value) - ladder.begin());
}

HillClimb MakeClimb(
    const std::array<std::vector<int32_t>, HillClimb::kNumAxes>& ladders,
    const Setting& start) {
  HillClimb::Point sizes;
  for (size_t axis = 0; axis < sizes.size(); ++axis) {
    sizes[axis] = static_cast<int>(ladders[axis].size());
  }
  return {sizes,
          {IndexOf(ladders[kBatch], start.batch_size),
           IndexOf(ladders[kThreads], start.num_threads),
           IndexOf(ladders[kModels], start.num_models)}};
}

double LeastShare(const SettingBounds& bounds) {
  if (bounds.most.memory_bytes == 0) return 0.01;
  return std::max(0.01, static_cast<double>(bounds.least.memory_bytes) /
                            static_cast<double>(bounds.most.memory_bytes));
}

int32_t Cut(int32_t value, double share, int32_t least) {
  return std::max(least,
                  static_cast<int32_t>(static_cast<double>(value) * share));
}

std::string DescribeChange(const Setting& from, const Setting& to) {
  std::string text;
  const auto add = [&](std::string_view name, int32_t before, int32_t after) {
    if (before == after) return;
    text += fmt::format("{}{} {} -> {}", text.empty() ? "" : ", ", name, before,
                        after);
  };
  add("batch", from.batch_size, to.batch_size);
  add("threads", from.num_threads, to.num_threads);
  add("models", from.num_models, to.num_models);
  if (from.memory_bytes != to.memory_bytes) {
    text += fmt::format("{}memory {} -> {} MiB", text.empty() ? "" : ", ",
                        from.memory_bytes >> 20, to.memory_bytes >> 20);
  }
  return text;
}

}  // namespace

AdaptiveController::AdaptiveController(const Setting& start,
                                       const SettingBounds& bounds)
    : bounds_(bounds),
      ladders_(LaddersOf(start, bounds)),
      climb_(MakeClimb(ladders_, start)),
      share_(LeastShare(bounds)),
      setting_(SettingAt(climb_.point())) {}

// What the search wants, within the share of memory.
Setting AdaptiveController::SettingAt(const HillClimb::Point& point) const {
  const auto value = [&](size_t axis) {
    return ladders_[axis][static_cast<size_t>(point[axis])];
  };
  const double share = share_.share();
  const Setting& least = bounds_.least;
  Setting setting = {.batch_size = value(kBatch),
                     .num_threads = value(kThreads),
                     .num_models = value(kModels),
                     .memory_bytes = bounds_.most.memory_bytes};
  if (share == 1) return setting;
  setting.batch_size = Cut(setting.batch_size, share, least.batch_size);
  setting.num_models = Cut(setting.num_models, share, least.num_models);
  setting.memory_bytes = std::max(
      least.memory_bytes,
      static_cast<uint64_t>(static_cast<double>(setting.memory_bytes) * share));
  return setting;
}

Decision AdaptiveController::Decide(const Interval& interval) {
  const int64_t amount =
      interval.num_tokens > 0 ? interval.num_tokens : interval.num_operations;
  if (interval.num_operations <= 0 || !(interval.seconds > 0)) {
    return {setting_, ""};
  }
  const std::string unit = interval.num_tokens > 0 ? "tokens" : "operations";
  const double rate = static_cast<double>(amount) / interval.seconds;
  elapsed_seconds_ += interval.seconds;

  MemorySigns signs = {.stall_percent = interval.memory_stall_percent,
                       .available_share = std::nullopt};
  if (interval.available_bytes && bounds_.most.memory_bytes > 0) {
    signs.available_share = static_cast<double>(*interval.available_bytes) /
                            static_cast<double>(bounds_.most.memory_bytes);
  }
  const bool was_whole = share_.share() == 1;
  switch (share_.Update(signs)) {
    case MemoryShare::Change::kFall:
      return MoveOn(fmt::format(
          "others want memory: tasks waited for it {:.1f} % of the time, {} "
          "MiB are to be had",
          interval.memory_stall_percent.value_or(0),
          interval.available_bytes
              ? fmt::to_string(*interval.available_bytes >> 20)
              : "an unknown number of"));
    case MemoryShare::Change::kRise:
      return MoveOn("there is memory again");
    case MemoryShare::Change::kNone:
      break;
  }
  // What was measured with less memory says nothing about all of it.
  if (!was_whole) return {setting_, ""};

  CountCost(interval, rate);
  const HillClimb::Point measured = climb_.point();
  const HillClimb::Step step = climb_.Record(
      std::log(rate),
      [&](const HillClimb::Point& to) { return MayTry(interval, to); });
  return MoveOn(ReasonOf(step, rate, measured, unit));
}

// Against the best point, as far as it is known.
void AdaptiveController::CountCost(const Interval& interval, double rate) {
  if (!climb_.is_trial()) return;
  const auto best = climb_.MeanOf(climb_.best());
  if (!best) return;
  lost_seconds_ +=
      std::max(0.0, interval.seconds * (1 - rate / std::exp(*best)));
}

bool AdaptiveController::MayTry(const Interval& interval,
                                const HillClimb::Point& to) const {
  // Busy processors make no more threads faster.
  const HillClimb::Point& best = climb_.best();
  const int32_t more_threads =
      ladders_[kThreads][static_cast<size_t>(to[kThreads])] -
      ladders_[kThreads][static_cast<size_t>(best[kThreads])];
  if (more_threads > 0 && interval.cpu_load &&
      *interval.cpu_load + more_threads >
          static_cast<double>(bounds_.most.num_threads) + 1) {
    return false;
  }
  if (!interval.num_left) return true;
  const double seconds_each =
      interval.seconds / static_cast<double>(interval.num_operations);
  const double whole_seconds =
      elapsed_seconds_ + static_cast<double>(*interval.num_left) * seconds_each;
  const double num_operations = std::max(
      static_cast<double>(interval.num_operations),
      static_cast<double>(ladders_[kBatch][static_cast<size_t>(to[kBatch])]));
  return lost_seconds_ + num_operations * seconds_each <=
         kTrialShare * whole_seconds;
}

std::string AdaptiveController::ReasonOf(HillClimb::Step step, double rate,
                                         const HillClimb::Point& measured,
                                         const std::string& unit) const {
  const double best = std::exp(climb_.MeanOf(climb_.best()).value_or(0));
  const double mean = std::exp(climb_.MeanOf(measured).value_or(0));
  switch (step) {
    case HillClimb::Step::kStay:
      return "";
    case HillClimb::Step::kTry:
      return fmt::format("a trial, against {:.4g} {} a second", best, unit);
    case HillClimb::Step::kTake:
      return fmt::format("it gives {:.4g} {} a second: kept", mean, unit);
    case HillClimb::Step::kReturn:
      return fmt::format(
          "the trial gave {:.4g} {} a second, no more than {:.4g}", mean, unit,
          best);
    case HillClimb::Step::kForget:
      return fmt::format("{:.4g} {} a second is not what it was", rate, unit);
  }
  return "";
}

Decision AdaptiveController::MoveOn(std::string reason) {
  const Setting next = SettingAt(climb_.point());
  if (next == setting_) return {setting_, ""};
  reason = DescribeChange(setting_, next) + ": " + reason;
  setting_ = next;
  return {setting_, std::move(reason)};
}

}  // namespace revlm::sched
