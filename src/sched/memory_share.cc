#include "sched/memory_share.h"

#include <algorithm>
#include <utility>

namespace revlm::sched {
namespace {

constexpr double kUsed = 0.9;  // of what is available
constexpr double kCut = 0.5;   // while there are stalls
constexpr double kRise = 1.25;
constexpr int64_t kLongestWait = 64;
// A fall is a rise's fault when fewer waits than this lie between.
constexpr int64_t kSoon = 4;

}  // namespace

MemoryShare::Change MemoryShare::Update(const MemorySigns& signs) {
  const double stall_percent = signs.stall_percent.value_or(0);
  const double last = std::exchange(last_stall_percent_, stall_percent);
  const double there = kUsed * signs.available_share.value_or(2 / kUsed);
  if (there < kUsed * share_) return Fall(there);
  if (stall_percent >= kStallPercent) {
    // The figure falls for seconds after the last stall: it is no new one.
    if (stall_percent >= last) return Fall(kCut * share_);
    num_calm_ = 0;
    return Change::kNone;
  }
  ++num_calm_;
  const double next = std::min(1.0, kRise * share_);
  if (next == share_ || num_calm_ < wait_ || next > there) {
    return Change::kNone;
  }
  share_ = next;
  num_calm_ = 0;
  has_risen_ = true;
  return Change::kRise;
}

MemoryShare::Change MemoryShare::Fall(double to) {
  if (has_risen_ && num_calm_ < kSoon * wait_) {
    wait_ = std::min(2 * wait_, kLongestWait);
  }
  has_risen_ = false;
  num_calm_ = 0;
  const double next = std::max(to, least_);
  if (next >= share_) return Change::kNone;
  share_ = next;
  return Change::kFall;
}

}  // namespace revlm::sched
