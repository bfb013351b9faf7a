#include "fingerprint/assignment.h"

#include <limits>

#include "base/check.h"

namespace revlm::fingerprint {
namespace {

constexpr int32_t kNone = -1;

// Costs are negated scores. Invariant: cost - row price - column price >= 0,
// with equality for what is assigned; column prices are <= 0, and 0 for columns
// that are free.
class Solver {
 public:
  Solver(std::span<const float> scores, int32_t num_rows, int32_t num_columns)
      : scores_(scores),
        num_rows_(num_rows),
        num_columns_(num_columns),
        row_price_(static_cast<size_t>(num_rows)),
        column_price_(static_cast<size_t>(num_columns), 0.0),
        column_of_(static_cast<size_t>(num_rows), kNone),
        row_of_(static_cast<size_t>(num_columns), kNone) {}

  std::vector<int32_t> Solve() {
    AssignFreeBests();
    for (int32_t row = 0; row < num_rows_; ++row) {
      if (column_of_[At(row)] == kNone) Augment(row);
    }
    return column_of_;
  }

 private:
  static size_t At(int32_t idx) { return static_cast<size_t>(idx); }

  double Cost(int32_t row, int32_t column) const {
    return -static_cast<double>(
        scores_[At(row) * At(num_columns_) + At(column)]);
  }

  // With all column prices 0, each row may have its cheapest column, if it is
  // still free.
  void AssignFreeBests() {
    for (int32_t row = 0; row < num_rows_; ++row) {
      int32_t best = 0;
      for (int32_t column = 1; column < num_columns_; ++column) {
        if (Cost(row, column) < Cost(row, best)) best = column;
      }
      row_price_[At(row)] = Cost(row, best);
      if (row_of_[At(best)] != kNone) continue;
      row_of_[At(best)] = row;
      column_of_[At(row)] = best;
    }
  }

  // Dijkstra from `start` to the nearest free column, then one more row is
  // assigned along that path.
  void Augment(int32_t start) {
    constexpr double kInfinite = std::numeric_limits<double>::infinity();
    std::vector<double> distance(At(num_columns_), kInfinite);
    std::vector<int32_t> came_from(At(num_columns_), kNone);
    std::vector<int32_t> open(At(num_columns_));
    for (int32_t column = 0; column < num_columns_; ++column) {
      open[At(column)] = column;
    }
    std::vector<int32_t> closed_columns;
    std::vector<int32_t> closed_rows = {start};
    double reached = 0;
    int32_t row = start;
    int32_t sink = kNone;
    while (sink == kNone) {
      size_t nearest = 0;
      double nearest_distance = kInfinite;
      for (size_t i = 0; i < open.size(); ++i) {
        const int32_t column = open[i];
        const double through = reached + Cost(row, column) -
                               row_price_[At(row)] - column_price_[At(column)];
        if (through < distance[At(column)]) {
          distance[At(column)] = through;
          came_from[At(column)] = row;
        }
        // Of equals a free column ends the search.
        if (distance[At(column)] < nearest_distance ||
            (distance[At(column)] == nearest_distance &&
             row_of_[At(column)] == kNone &&
             row_of_[At(open[nearest])] != kNone)) {
          nearest = i;
          nearest_distance = distance[At(column)];
        }
      }
      reached = nearest_distance;
      const int32_t column = open[nearest];
      open[nearest] = open.back();
      open.pop_back();
      if (row_of_[At(column)] == kNone) {
        sink = column;
      } else {
        row = row_of_[At(column)];
        closed_columns.push_back(column);
        closed_rows.push_back(row);
      }
    }
    row_price_[At(start)] += reached;
    for (size_t i = 0; i < closed_columns.size(); ++i) {
      const double slack = reached - distance[At(closed_columns[i])];
      column_price_[At(closed_columns[i])] -= slack;
      row_price_[At(closed_rows[i + 1])] += slack;
    }
    for (int32_t column = sink; column != kNone;) {
      const int32_t from = came_from[At(column)];
      row_of_[At(column)] = from;
      std::swap(column_of_[At(from)], column);
    }
  }

  std::span<const float> scores_;
  const int32_t num_rows_;
  const int32_t num_columns_;
  std::vector<double> row_price_;
  std::vector<double> column_price_;
  std::vector<int32_t> column_of_;
  std::vector<int32_t> row_of_;
};

}  // namespace

std::vector<int32_t> BestAssignment(std::span<const float> scores,
                                    int32_t num_rows, int32_t num_columns) {
  REVLM_CHECK(num_rows >= 0 && num_rows <= num_columns);
  REVLM_CHECK(scores.size() ==
              static_cast<size_t>(num_rows) * static_cast<size_t>(num_columns));
  if (num_rows == 0) return {};
  return Solver(scores, num_rows, num_columns).Solve();
}

}  // namespace revlm::fingerprint
