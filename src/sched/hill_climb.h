// Finds the fastest point of a small grid from noisy measurements.
//
// A point is an index on each axis. The search holds the best point known and
// tries its neighbours, one axis at a time: near ones first, far ones once no
// near one is better. A trial is measured until it is clear whether it is
// better by more than a margin (a sequential test with the noise that was seen
// so far), or for `kMostMeasurements` at most; in doubt the search stays where
// it is. What was measured is remembered, and what was clearly worse is not
// tried again. Trials end when no neighbour is better; doubtful ones are tried
// again a few times, after ever longer waits. When the best point itself gives
// something else than it did, everything is forgotten and the search begins
// anew.
//
//   HillClimb climb(sizes, start);
//   climb.Record(std::log(rate), may_try);  // measured at climb.point()
//
// Threads: thread-compatible. Memory: O(points tried). Determinism: of the
// calls.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <vector>

namespace revlm::sched {

class HillClimb {
 public:
  static constexpr size_t kNumAxes = 3;
  using Point = std::array<int, kNumAxes>;
  using MayTry = std::function<bool(const Point& neighbour)>;

  enum class Step {
    kStay,
    kTry,     // the next point is a trial
    kTake,    // the trial was better: it is the best point now
    kReturn,  // it was not: back to the best point
    kForget,  // the best point is not what it was
  };

  // Of the best point before others are tried; more while noise hides it.
  static constexpr int64_t kBaseMeasurements = 3;
  // Of a trial; as many more after each wait.
  static constexpr int64_t kMostMeasurements = 16;

  // Axes have `sizes` points each. REQUIRES: `start` is on the grid.
  HillClimb(const Point& sizes, const Point& start);

  const Point& best() const { return best_; }
  // What is to be measured next: the best point or a trial.
  const Point& point() const { return point_; }
  bool is_trial() const { return point_ != best_; }
  // The mean of what was recorded of it, if anything.
  std::optional<double> MeanOf(const Point& point) const;

  // Takes the logarithm of the rate measured at `point`; chooses the next one.
  // A trial begins and goes on only while `may_try` allows it.
  Step Record(double log_rate, const MayTry& may_try);

 private:
  struct Estimate {
    int64_t count = 0;
    double mean = 0;
  };
  enum class Verdict { kBetter, kWorse, kFarWorse, kDoubtful };
  struct Move {
    size_t axis = 0;
    int direction = 0;
  };

  void Add(double log_rate);
  bool IsChanged(double log_rate);
  void Forget();
  double Noise() const;  // standard deviation of one measurement
  Verdict Judge(const Estimate& trial) const;
  bool IsBestKnown() const;
  Step GoOn(const MayTry& may_try);
  bool TryNext(const MayTry& may_try);
  Point Neighbour(const Move& move) const;
  bool IsPointless(const Move& move) const;
  size_t NumRounds() const;
  void BeginRound(size_t round, std::optional<Move> first);

  const Point sizes_;
  Point best_;
  Point point_;
  std::map<Point, Estimate> estimates_;
  double sum_of_squares_;    // of deviations from means, and
  double num_deviations_;    // how many
  size_t round_ = 0;         // which neighbours are looked at
  std::vector<Move> moves_;  // not yet tried from here, the last one first
  Move move_;                // of the trial
  int64_t num_strange_ = 0;  // measurements of the best, one after another
  int num_rests_ = 0;        // waits so far, since the search began
  int64_t rest_left_ = 0;    // measurements to wait for
};

}  // namespace revlm::sched
