#include "fingerprint/weight_similarity.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <span>
#include <tuple>

namespace revlm::fingerprint {
namespace {

using Pairs = std::vector<std::pair<uint32_t, uint32_t>>;

// Sums of cosines are kept as whole numbers, of which a cosine of 1 of a unit
// has so many: exact, so the order of adding does not matter.
constexpr int64_t kHalf = static_cast<int64_t>(kRowBits) / 2;
constexpr int64_t kOne = 4 * kHalf;

// How many signs of each row differ. One instruction for it, which almost every
// processor has, saves a fifth of asking a large library.
#if defined(__x86_64__)
[[gnu::target_clones("default", "popcnt")]]
#endif
void CountDifferent(const uint64_t* a, const uint64_t* b, int64_t* rows,
                    size_t num_rows) {
  static_assert(kRowBits == 128);
  for (size_t row = 0; row < num_rows; ++row) {
    rows[row] = std::popcount(a[2 * row] ^ b[2 * row]) +
                std::popcount(a[2 * row + 1] ^ b[2 * row + 1]);
  }
}

bool IsZero(std::span<const uint64_t> bits, size_t row) {
  return (bits[2 * row] | bits[2 * row + 1]) == 0;
}

bool HasZeroRows(const WeightSketch& sketch) {
  for (size_t row = 0; row < sketch.bits().size() / 2; ++row) {
    if (IsZero(sketch.bits(), row)) return true;
  }
  return false;
}

// A row without signs has a cosine of 0 with any other.
void MakeNeutral(std::span<const uint64_t> a, std::span<const uint64_t> b,
                 std::span<int64_t> rows) {
  for (size_t row = 0; row < rows.size(); ++row) {
    if (IsZero(a, row) || IsZero(b, row)) rows[row] = kHalf;
  }
}

// Pairs rows with columns, the largest value first. Keeps its memory: it is
// used for every pair of heads.
class GreedyMatching {
 public:
  // Valid until the next call.
  const Pairs& Match(std::span<const int64_t> values, uint32_t num_rows,
                     uint32_t num_columns) {
    order_.resize(values.size());
    std::iota(order_.begin(), order_.end(), 0);
    std::ranges::sort(order_, {}, [&](uint32_t cell) {
      return std::pair(-values[cell], cell);
    });
    row_is_taken_.assign(num_rows, false);
    column_is_taken_.assign(num_columns, false);
    pairs_.clear();
    for (const uint32_t cell : order_) {
      const uint32_t row = cell / num_columns;
      const uint32_t column = cell % num_columns;
      if (row_is_taken_[row] || column_is_taken_[column]) continue;
      row_is_taken_[row] = column_is_taken_[column] = true;
      pairs_.emplace_back(row, column);
    }
    std::ranges::sort(pairs_);
    return pairs_;
  }

 private:
  std::vector<uint32_t> order_;
  std::vector<bool> row_is_taken_;
  std::vector<bool> column_is_taken_;
  Pairs pairs_;
};

class Comparison {
 public:
  Comparison(const WeightSketch& a, const WeightSketch& b)
      : a_(a),
        b_(b),
        num_units_(std::min(a.units_per_head(), b.units_per_head())) {
    uint32_t num_rows = 0;
    for (uint32_t unit = 0; unit < num_units_; ++unit) {
      const uint32_t first = num_rows;
      num_rows += a.units()[unit].num_rows();
      rows_of_.push_back({first, num_rows - 1});
    }
    different_.resize(num_rows);
    has_zero_rows_ = HasZeroRows(a) || HasZeroRows(b);
  }

  // c of each unit of the matched heads of two layers, times kOne.
  std::vector<int64_t> CompareLayers(uint32_t layer_a, uint32_t layer_b);

 private:
  struct HeadPlace {
    uint32_t layer = 0;
    uint32_t key_head = 0;
  };
  // Adds the mean cosine of each unit's rows in a head.
  void AddCosines(HeadPlace in_a, uint32_t head_a, HeadPlace in_b,
                  uint32_t head_b, std::span<int64_t> units);
  // c of each unit of two key heads with their query heads.
  void CompareHeads(HeadPlace in_a, HeadPlace in_b, std::span<int64_t> units);

  const WeightSketch& a_;
  const WeightSketch& b_;
  const uint32_t num_units_;
  bool has_zero_rows_ = false;
  std::vector<Unit> rows_of_;  // of each unit, in a sketch
  // For two heads at a time, kept to be used again.
  std::vector<int64_t> different_;  // of each row
  std::vector<int64_t> cosines_;    // of each pair of query heads and unit
  std::vector<int64_t> sizes_;
  GreedyMatching matching_;
};

int64_t SumOfSizes(std::span<const int64_t> values) {
  int64_t sum = 0;
  for (const int64_t value : values) sum += std::abs(value);
  return sum;
}

void Comparison::AddCosines(HeadPlace in_a, uint32_t head_a, HeadPlace in_b,
                            uint32_t head_b, std::span<int64_t> units) {
  const std::span<const uint64_t> a =
      a_.HeadBits(in_a.layer, in_a.key_head, head_a);
  const std::span<const uint64_t> b =
      b_.HeadBits(in_b.layer, in_b.key_head, head_b);
  CountDifferent(a.data(), b.data(), different_.data(), different_.size());
  if (has_zero_rows_) MakeNeutral(a, b, different_);
  for (uint32_t unit = 0; unit < num_units_; ++unit) {
    const Unit rows = rows_of_[unit];
    units[unit] +=
        2 * (2 * kHalf - different_[rows.first] - different_[rows.second]);
  }
}

void Comparison::CompareHeads(HeadPlace in_a, HeadPlace in_b,
                              std::span<int64_t> units) {
  AddCosines(in_a, 0, in_b, 0, units);
  const uint32_t num_queries = a_.shape().queries_per_key;
  cosines_.assign(size_t{num_queries} * num_queries * num_units_, 0);
  sizes_.resize(size_t{num_queries} * num_queries);
  const auto cosines_of = [&](uint32_t i, uint32_t j) {
    return std::span(cosines_).subspan(
        (size_t{i} * num_queries + j) * num_units_, num_units_);
  };
  for (uint32_t i = 0; i < num_queries; ++i) {
    for (uint32_t j = 0; j < num_queries; ++j) {
      AddCosines(in_a, 1 + i, in_b, 1 + j, cosines_of(i, j));
      sizes_[size_t{i} * num_queries + j] = SumOfSizes(cosines_of(i, j));
    }
  }
  for (const auto& [i, j] : matching_.Match(sizes_, num_queries, num_queries)) {
    const std::span<const int64_t> matched = cosines_of(i, j);
    for (uint32_t unit = 0; unit < num_units_; ++unit) {
      units[unit] += matched[unit];
    }
  }
}

std::vector<int64_t> Comparison::CompareLayers(uint32_t layer_a,
                                               uint32_t layer_b) {
  const uint32_t num_a = a_.num_key_heads();
  const uint32_t num_b = b_.num_key_heads();
  std::vector<int64_t> units(size_t{num_a} * num_b * num_units_, 0);
  std::vector<int64_t> sizes(size_t{num_a} * num_b);
  for (uint32_t i = 0; i < num_a; ++i) {
    for (uint32_t j = 0; j < num_b; ++j) {
      const size_t cell = size_t{i} * num_b + j;
      const std::span<int64_t> of_cell =
          std::span(units).subspan(cell * num_units_, num_units_);
      CompareHeads({layer_a, i}, {layer_b, j}, of_cell);
      sizes[cell] = SumOfSizes(of_cell);
    }
  }
  std::vector<int64_t> matched;
  for (const auto& [i, j] : matching_.Match(sizes, num_a, num_b)) {
    const auto begin =
        units.begin() +
        static_cast<std::ptrdiff_t>((size_t{i} * num_b + j) * num_units_);
    matched.insert(matched.end(), begin, begin + num_units_);
  }
  return matched;
}

// The pairs of rows and columns, ascending in both, with the largest sum of
// `values`, which are 0 or more.
Pairs MatchInOrder(std::span<const double> values, uint32_t num_rows,
                   uint32_t num_columns) {
  const size_t stride = size_t{num_columns} + 1;
  std::vector<double> best((size_t{num_rows} + 1) * stride, 0.0);
  const auto both = [&](uint32_t i, uint32_t j) {
    return best[(i - 1) * stride + j - 1] +
           values[size_t{i - 1} * num_columns + j - 1];
  };
  for (uint32_t i = 1; i <= num_rows; ++i) {
    for (uint32_t j = 1; j <= num_columns; ++j) {
      best[i * stride + j] = std::max(
          {both(i, j), best[(i - 1) * stride + j], best[i * stride + j - 1]});
    }
  }
  Pairs pairs;
  uint32_t i = num_rows;
  uint32_t j = num_columns;
  while (i > 0 && j > 0) {
    if (best[i * stride + j] == both(i, j)) {
      pairs.emplace_back(--i, --j);
    } else if (best[i * stride + j] == best[(i - 1) * stride + j]) {
      --i;
    } else {
      --j;
    }
  }
  std::ranges::reverse(pairs);
  return pairs;
}

// Of cosines.
double SumOfSquares(std::span<const int64_t> values) {
  double sum = 0;
  for (const int64_t value : values) {
    const double cosine = static_cast<double>(value) / kOne;
    sum += cosine * cosine;
  }
  return sum;
}

}  // namespace

std::optional<WeightSimilarity> CompareWeightSketches(const WeightSketch& a,
                                                      const WeightSketch& b) {
  if (a.shape() != b.shape() || a.units_per_head() == 0 ||
      b.units_per_head() == 0) {
    return std::nullopt;
  }
  Comparison comparison(a, b);
  std::vector<std::vector<int64_t>> cells;
  std::vector<double> squares;
  for (uint32_t i = 0; i < a.num_layers(); ++i) {
    for (uint32_t j = 0; j < b.num_layers(); ++j) {
      cells.push_back(comparison.CompareLayers(i, j));
      squares.push_back(SumOfSquares(cells.back()));
    }
  }
  WeightSimilarity similarity;
  similarity.layers = MatchInOrder(squares, a.num_layers(), b.num_layers());
  double sum = 0;
  double sum_of_squares = 0;
  for (const auto& [i, j] : similarity.layers) {
    const size_t cell = size_t{i} * b.num_layers() + j;
    sum += static_cast<double>(std::accumulate(cells[cell].begin(),
                                               cells[cell].end(), int64_t{0})) /
           kOne;
    sum_of_squares += squares[cell];
    similarity.num_units += static_cast<uint32_t>(cells[cell].size());
  }
  if (sum_of_squares <= 0) return similarity;
  similarity.z = sum / std::sqrt(sum_of_squares);
  similarity.log_p = similarity.z > 0 ? -similarity.z * similarity.z / 2 : 0;
  similarity.mean_cosine =
      sum / (static_cast<double>(similarity.num_units) *
             static_cast<double>(1 + a.shape().queries_per_key));
  return similarity;
}

}  // namespace revlm::fingerprint
