#include "fingerprint/assignment.h"

#include <algorithm>
#include <limits>

#include "base/check.h"

namespace revlm::fingerprint {
namespace {

constexpr int32_t kNone = -1;
constexpr double kInfinite = std::numeric_limits<double>::infinity();
constexpr size_t kBlock = 128;  // columns whose least distance is kept
constexpr size_t kLanes = 8;    // divides kBlock

// Costs are negated scores. Invariant: cost - row price - column price >= 0,
// with equality for what is assigned; column prices are <= 0, and 0 for columns
// that are free.
class Solver {
 public:
  Solver(std::span<const float> scores, int32_t num_rows, int32_t num_columns)
      : scores_(scores),
        num_columns_(At(num_columns)),
        row_price_(At(num_rows)),
        column_price_(At(num_columns), 0.0),
        column_of_(At(num_rows), kNone),
        row_of_(At(num_columns), kNone),
        distance_(At(num_columns)),
        least_(At(num_columns) / kBlock + 1) {}

  std::vector<int32_t> Solve() {
    BidForColumns();
    for (size_t row = 0; row < column_of_.size(); ++row) {
      if (column_of_[row] == kNone) Augment(static_cast<int32_t>(row));
    }
    return column_of_;
  }

 private:
  static size_t At(int32_t idx) { return static_cast<size_t>(idx); }

  double Cost(int32_t row, size_t column) const {
    return -static_cast<double>(scores_[At(row) * num_columns_ + column]);
  }

  // The distances of all columns by way of `row`, where less than they are,
  // and the least of each block.
  void Relax(int32_t row, double reached) {
    const float* scores = scores_.data() + At(row) * num_columns_;
    for (size_t first = 0; first < num_columns_; first += kBlock) {
      const size_t count = std::min(kBlock, num_columns_ - first);
      least_[first / kBlock] =
          RelaxBlock(scores + first, column_price_.data() + first, reached,
                     count, distance_.data() + first);
    }
  }
  static double RelaxBlock(const float* __restrict scores,
                           const double* __restrict prices, double reached,
                           size_t count, double* __restrict distance) {
    double least[kLanes];  // so that the compiler may use vectors
    std::ranges::fill(least, kInfinite);
    size_t i = 0;
    for (; i + kLanes <= count; i += kLanes) {
      for (size_t k = 0; k < kLanes; ++k) {
        const double through =
            reached - static_cast<double>(scores[i + k]) - prices[i + k];
        const double shorter =
            through < distance[i + k] ? through : distance[i + k];
        distance[i + k] = shorter;
        least[k] = shorter < least[k] ? shorter : least[k];
      }
    }
    for (; i < count; ++i) {
      const double through =
          reached - static_cast<double>(scores[i]) - prices[i];
      distance[i] = std::min(distance[i], through);
      least[0] = std::min(least[0], distance[i]);
    }
    return std::ranges::min(least);
  }

  // The first of the nearest columns, a free one if there is any.
  size_t Nearest() const {
    const double nearest = std::ranges::min(least_);
    size_t found = num_columns_;
    for (size_t block = 0; block < least_.size(); ++block) {
      if (least_[block] != nearest) continue;
      const size_t end = std::min((block + 1) * kBlock, num_columns_);
      for (size_t column = block * kBlock; column < end; ++column) {
        if (distance_[column] != nearest) continue;
        if (row_of_[column] == kNone) return column;
        found = std::min(found, column);
      }
    }
    return found;
  }

  // Takes a column out of the search.
  void Close(size_t column) {
    distance_[column] = kInfinite;
    const size_t block = column / kBlock;
    const auto first =
        distance_.begin() + static_cast<std::ptrdiff_t>(block * kBlock);
    const auto count = static_cast<std::ptrdiff_t>(
        std::min(kBlock, num_columns_ - block * kBlock));
    least_[block] = *std::min_element(first, first + count);
  }

  void StartSearch() {
    std::ranges::fill(distance_, kInfinite);
    std::ranges::fill(least_, kInfinite);
  }

  // Each row takes its cheapest column, at a price that makes it no cheaper
  // than its second; who had it bids again, some times over.
  void BidForColumns() {
    constexpr int kBidsOfRow = 32;  // more: searching is faster
    std::vector<int32_t> waiting;
    for (size_t row = column_of_.size(); row-- > 0;) {
      waiting.push_back(static_cast<int32_t>(row));
    }
    std::vector<int> num_bids(column_of_.size(), 0);
    while (!waiting.empty()) {
      const int32_t row = waiting.back();
      waiting.pop_back();
      if (++num_bids[At(row)] > kBidsOfRow) continue;
      StartSearch();
      Relax(row, 0);
      const size_t column = Nearest();
      const double cost = distance_[column];
      Close(column);
      const double second = std::ranges::min(least_);
      const int32_t owner = row_of_[column];
      // Of equals, the owner keeps it.
      if (owner != kNone && !(cost < second)) continue;
      if (second < kInfinite) column_price_[column] -= second - cost;
      row_price_[At(row)] = Cost(row, column) - column_price_[column];
      column_of_[At(row)] = static_cast<int32_t>(column);
      row_of_[column] = row;
      if (owner == kNone) continue;
      column_of_[At(owner)] = kNone;
      waiting.push_back(owner);
    }
  }

  struct Closed {
    size_t column = 0;
    double distance = 0;
    double price = 0;
  };
  struct Scanned {
    int32_t row = 0;
    double reached = 0;  // less the row's price
  };

  // Dijkstra from `start` to the nearest free column, then one more row is
  // assigned along that path.
  void Augment(int32_t start) {
    StartSearch();
    std::vector<Closed> closed;
    std::vector<Scanned> scanned;
    double reached = 0;
    int32_t row = start;
    row_price_[At(start)] = 0;  // any: all distances shift by it
    size_t sink = 0;
    for (;;) {
      scanned.push_back({row, reached - row_price_[At(row)]});
      Relax(row, scanned.back().reached);
      const size_t column = Nearest();
      reached = distance_[column];
      closed.push_back({column, reached, column_price_[column]});
      if (row_of_[column] == kNone) {
        sink = column;
        break;
      }
      row = row_of_[column];
      // Never nearer again: closed columns are infinitely dear.
      column_price_[column] = -kInfinite;
      Close(column);
    }
    for (const Closed& each : closed) column_price_[each.column] = each.price;
    TurnPath(sink, scanned, closed);
    for (const Closed& each : closed) {
      column_price_[each.column] -= reached - each.distance;
    }
    for (const Scanned& each : scanned) {
      const size_t column = At(column_of_[At(each.row)]);
      row_price_[At(each.row)] = Cost(each.row, column) - column_price_[column];
    }
  }

  // Each column on the way from `sink` goes to the row that it was reached
  // from: the first through which it was nearest.
  void TurnPath(size_t sink, std::span<const Scanned> scanned,
                std::span<const Closed> closed) {
    for (size_t column = sink;;) {
      size_t position = 0;
      while (closed[position].column != column) ++position;
      const double distance = closed[position].distance;
      size_t from = 0;
      while (scanned[from].reached + Cost(scanned[from].row, column) -
                 column_price_[column] !=
             distance) {
        ++from;
      }
      const int32_t row = scanned[from].row;
      const int32_t next = column_of_[At(row)];
      row_of_[column] = row;
      column_of_[At(row)] = static_cast<int32_t>(column);
      if (next == kNone) return;
      column = At(next);
    }
  }

  std::span<const float> scores_;
  const size_t num_columns_;
  std::vector<double> row_price_;
  std::vector<double> column_price_;
  std::vector<int32_t> column_of_;
  std::vector<int32_t> row_of_;
  std::vector<double> distance_;  // infinite: closed, or not reached
  std::vector<double> least_;     // of each block of columns
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
