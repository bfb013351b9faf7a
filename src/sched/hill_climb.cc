#include "sched/hill_climb.h"

#include <algorithm>
#include <cmath>
#include <iterator>

namespace revlm::sched {
namespace {

// A trial must be better by this share to be taken.
constexpr double kMargin = 0.02;
// Standard errors beyond the margin at which a trial is judged.
constexpr double kSure = 2;
// The standard error of the best point from which on others are tried.
constexpr double kKnown = 0.025;
// What noise is taken for before it was seen, and how many measurements that
// weighs.
constexpr double kPriorNoise = 0.06;
constexpr double kPriorWeight = 4;

// A best point is not what it was after so many measurements in a row that are
// off by as much, to the same side.
constexpr int64_t kNumStrange = 2;
constexpr double kStrange = 0.2;
constexpr double kStrangeNoise = 4;  // standard deviations

// How far neighbours are, one round after another: the last ones look beyond
// what lies around a local best.
constexpr std::array<int, 4> kStrides = {2, 1, 4, 8};
constexpr size_t kNearRounds = 2;

// Beyond a point that is worse by as much, nothing is looked for.
constexpr double kSteep = 0.2;

// What is worse is tried again after a wait while it was measured less often.
constexpr int64_t kSecondLook = 4;

// Measurements of the best point until doubtful neighbours are tried again.
constexpr std::array<int64_t, 2> kRests = {32, 128};

}  // namespace

HillClimb::HillClimb(const Point& sizes, const Point& start)
    : sizes_(sizes),
      best_(start),
      point_(start),
      sum_of_squares_(kPriorNoise * kPriorNoise * kPriorWeight),
      num_deviations_(kPriorWeight) {
  BeginRound(0, std::nullopt);
}

std::optional<double> HillClimb::MeanOf(const Point& point) const {
  const auto found = estimates_.find(point);
  if (found == estimates_.end()) return std::nullopt;
  return found->second.mean;
}

double HillClimb::Noise() const {
  return std::sqrt(sum_of_squares_ / num_deviations_);
}

void HillClimb::Add(double log_rate) {
  Estimate& estimate = estimates_[point_];
  const double deviation = log_rate - estimate.mean;
  ++estimate.count;
  estimate.mean += deviation / static_cast<double>(estimate.count);
  if (estimate.count == 1) return;
  sum_of_squares_ += deviation * (log_rate - estimate.mean);
  ++num_deviations_;
}

// Whether the best point has changed; what is strange once is not counted.
bool HillClimb::IsChanged(double log_rate) {
  const Estimate& estimate = estimates_[best_];
  if (estimate.count < kBaseMeasurements) return false;
  const double off = log_rate - estimate.mean;
  if (std::abs(off) < std::max(kStrange, kStrangeNoise * Noise())) {
    num_strange_ = 0;
    return false;
  }
  // The sign counts the side.
  num_strange_ = (off > 0) == (num_strange_ > 0) ? num_strange_ : 0;
  num_strange_ += off > 0 ? 1 : -1;
  return std::abs(num_strange_) >= kNumStrange;
}

void HillClimb::Forget() {
  estimates_.clear();
  num_strange_ = 0;
  num_rests_ = 0;
  rest_left_ = 0;
  BeginRound(0, std::nullopt);
}

HillClimb::Verdict HillClimb::Judge(const Estimate& trial) const {
  const auto found = estimates_.find(best_);
  if (found == estimates_.end() || trial.count == 0) return Verdict::kDoubtful;
  const Estimate& best = found->second;
  const double unsure = kSure * Noise() *
                        std::sqrt(1 / static_cast<double>(trial.count) +
                                  1 / static_cast<double>(best.count));
  const double gain = trial.mean - best.mean;
  if (gain > kMargin + unsure) return Verdict::kBetter;
  if (gain < -kSteep - unsure) return Verdict::kFarWorse;
  if (gain < kMargin - unsure) return Verdict::kWorse;
  return Verdict::kDoubtful;
}

HillClimb::Step HillClimb::Record(double log_rate, const MayTry& may_try) {
  if (!is_trial() && IsChanged(log_rate)) {
    Forget();
    Add(log_rate);
    return Step::kForget;
  }
  if (!is_trial() && num_strange_ != 0) return Step::kStay;
  Add(log_rate);
  if (!is_trial()) return GoOn(may_try);
  const Estimate& trial = estimates_[point_];
  switch (Judge(trial)) {
    case Verdict::kBetter:
      best_ = point_;
      BeginRound(std::min(round_, kNearRounds - 1), move_);
      return Step::kTake;
    case Verdict::kDoubtful:
      if (trial.count < kMostMeasurements * (num_rests_ + 1) &&
          may_try(point_)) {
        return Step::kStay;
      }
      break;
    case Verdict::kWorse:
    case Verdict::kFarWorse:
      break;
  }
  point_ = best_;
  return Step::kReturn;
}

// Well enough to compare others with.
bool HillClimb::IsBestKnown() const {
  const int64_t count = estimates_.at(best_).count;
  if (count < kBaseMeasurements) return false;
  return count >= kMostMeasurements ||
         Noise() <= kKnown * std::sqrt(static_cast<double>(count));
}

// At the best point: whether and what to try.
HillClimb::Step HillClimb::GoOn(const MayTry& may_try) {
  if (!IsBestKnown()) return Step::kStay;
  if (moves_.empty() && round_ + 1 >= NumRounds()) {
    if (num_rests_ >= static_cast<int>(kRests.size())) return Step::kStay;
    if (rest_left_ == 0) rest_left_ = kRests[static_cast<size_t>(num_rests_)];
    if (--rest_left_ > 0) return Step::kStay;
    ++num_rests_;
    BeginRound(0, std::nullopt);
  }
  return TryNext(may_try) ? Step::kTry : Step::kStay;
}

// After a wait, only what is near is tried again.
size_t HillClimb::NumRounds() const {
  return num_rests_ == 0 ? kStrides.size() : kNearRounds;
}

// Whether it leads nowhere, to what is known to be worse, or further down where
// it is steep already.
bool HillClimb::IsPointless(const Move& move) const {
  Point point = best_;
  const int end = Neighbour(move)[move.axis];
  if (end == best_[move.axis]) return true;
  for (int& at = point[move.axis]; at != end;) {
    at += move.direction;
    const auto known = estimates_.find(point);
    if (known == estimates_.end()) continue;
    const Verdict verdict = Judge(known->second);
    if (verdict == Verdict::kFarWorse) return true;
    // Chance may have said so at first: after a wait, that is looked at again.
    if (verdict == Verdict::kWorse && at == end &&
        known->second.count >= kSecondLook * num_rests_) {
      return true;
    }
  }
  return false;
}

// False when there is nothing to be tried now.
bool HillClimb::TryNext(const MayTry& may_try) {
  while (true) {
    std::erase_if(moves_, [&](const Move& move) { return IsPointless(move); });
    // What may not be tried yet keeps its place.
    const auto next = std::find_if(
        moves_.rbegin(), moves_.rend(),
        [&](const Move& move) { return may_try(Neighbour(move)); });
    if (next != moves_.rend()) {
      move_ = *next;
      point_ = Neighbour(move_);
      moves_.erase(std::next(next).base());
      return true;
    }
    if (!moves_.empty() || round_ + 1 >= NumRounds()) return false;
    BeginRound(round_ + 1, std::nullopt);
  }
}

HillClimb::Point HillClimb::Neighbour(const Move& move) const {
  Point point = best_;
  int& index = point[move.axis];
  index = std::clamp(index + move.direction * kStrides[round_], 0,
                     sizes_[move.axis] - 1);
  return point;
}

// All moves of a round, `first` before the others.
void HillClimb::BeginRound(size_t round, std::optional<Move> first) {
  round_ = round;
  moves_.clear();
  for (size_t axis = kNumAxes; axis-- > 0;) {
    for (const int direction : {-1, 1}) moves_.push_back({axis, direction});
  }
  if (first) moves_.push_back(*first);
}

}  // namespace revlm::sched
