// How much of the memory of a run may be used while others want some, too.
//
// The share falls at once when the machine runs short: to nine tenths of what
// is there, where that is known, or to half while others are stalled for want
// of memory. It rises in steps of a quarter, after some calm updates each; when
// a rise is soon followed by a fall, the next waits twice as long, so that it
// does not swing for ever.
//
// Threads: thread-compatible. Determinism: of the calls.
#pragma once

#include <cstdint>
#include <optional>

namespace revlm::sched {

// What is unknown is not set.
struct MemorySigns {
  // Of the last ten seconds, those in which some task waited for memory.
  std::optional<double> stall_percent;
  // What this run could have, held or free, over the most that it may take.
  std::optional<double> available_share;
};

class MemoryShare {
 public:
  static constexpr double kStallPercent = 1;  // no stall below it counts

  // REQUIRES: 0 < least <= 1. Begins with 1.
  explicit MemoryShare(double least) : least_(least) {}

  double share() const { return share_; }

  enum class Change { kNone, kFall, kRise };
  Change Update(const MemorySigns& signs);

 private:
  Change Fall(double to);

  const double least_;
  double share_ = 1;
  double last_stall_percent_ = 0;
  int64_t wait_ = 2;        // calm updates before a rise
  int64_t num_calm_ = 0;    // since the last change
  bool has_risen_ = false;  // the last change was a rise
};

}  // namespace revlm::sched
