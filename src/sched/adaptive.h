// Decides how much is done at once, from what was measured.
//
// After each interval of work the controller is told how it went and gives the
// setting of the next. Two things move it. A search (sched/hill_climb.h) tries
// other batches, threads and numbers of models and keeps what is faster; what
// trials may cost, were each to take twice its time, is at most `kTrialShare`
// of the whole work, so short runs see none. And memory (sched/memory_share.h):
// when others want some, batch, models and memory are cut at once, and given
// back slowly; there are no trials meanwhile.
//
//   AdaptiveController controller(start, bounds);
//   while (work is left) {
//     ... one interval with controller.setting() ...
//     Decision decision = controller.Decide(measured);
//   }
//
// Threads: thread-compatible. Memory: a few KiB. Determinism: of the calls;
// there is no I/O, no clock and no chance in it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sched/hill_climb.h"
#include "sched/memory_share.h"

namespace revlm::sched {

struct Setting {
  int32_t batch_size = 1;  // operations that are given out together
  int32_t num_threads = 1;
  int32_t num_models = 1;     // at once
  uint64_t memory_bytes = 0;  // at most; for all of it

  bool operator==(const Setting&) const = default;
};

struct SettingBounds {
  Setting least;
  Setting most;
};

// How the work since the last decision went. What is unknown is not set.
struct Interval {
  int64_t num_operations = 0;
  int64_t num_tokens = 0;  // that went through the models; 0: not counted
  double seconds = 0;
  std::optional<int64_t> num_left;             // operations still to be done
  std::optional<double> memory_stall_percent;  // PSI, some avg10
  std::optional<uint64_t> available_bytes;     // held by this run, or free
  std::optional<double> cpu_load;              // tasks that run or want to
};

struct Decision {
  Setting setting;
  std::string reason;  // empty: nothing changes
};

class AdaptiveController {
 public:
  static constexpr double kTrialShare = 0.05;

  // REQUIRES: 1 <= least <= start <= most, of each; the memory of `start` is
  // all of it.
  AdaptiveController(const Setting& start, const SettingBounds& bounds);

  const Setting& setting() const { return setting_; }
  // REQUIRES: `interval` was done with setting().
  Decision Decide(const Interval& interval);

 private:
  bool MayTry(const Interval& interval, const HillClimb::Point& to) const;
  void CountCost(const Interval& interval, double rate);
  Setting SettingAt(const HillClimb::Point& point) const;
  std::string ReasonOf(HillClimb::Step step, double rate,
                       const HillClimb::Point& measured,
                       const std::string& unit) const;
  // Takes over what follows from the search and the share of memory.
  Decision MoveOn(std::string reason);

  const SettingBounds bounds_;
  // The values of each axis, in rising order.
  const std::array<std::vector<int32_t>, HillClimb::kNumAxes> ladders_;
  HillClimb climb_;
  MemoryShare share_;
  Setting setting_;
  double elapsed_seconds_ = 0;
  double lost_seconds_ = 0;  // by trials, against the best known
};

}  // namespace revlm::sched
