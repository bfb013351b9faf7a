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

// 1 - 2 x (share of different signs); 0 when a row has no signs.
double CosineOf(const RowBits& a, const RowBits& b) {
  if (a == RowBits{} || b == RowBits{}) return 0;
  int different = 0;
  for (size_t i = 0; i < a.size(); ++i) different += std::popcount(a[i] ^ b[i]);
  return 1 - 2.0 * different / static_cast<double>(kRowBits);
}

// Pairs rows with columns, the largest value first.
Pairs MatchGreedily(std::span<const double> values, uint32_t num_rows,
                    uint32_t num_columns) {
  std::vector<uint32_t> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(
      order, [&](uint32_t a, uint32_t b) { return values[a] > values[b]; });
  std::vector<bool> row_is_taken(num_rows, false);
  std::vector<bool> column_is_taken(num_columns, false);
  Pairs pairs;
  for (const uint32_t cell : order) {
    const uint32_t row = cell / num_columns;
    const uint32_t column = cell % num_columns;
    if (row_is_taken[row] || column_is_taken[column]) continue;
    row_is_taken[row] = column_is_taken[column] = true;
    pairs.emplace_back(row, column);
  }
  std::ranges::sort(pairs);
  return pairs;
}

class Comparison {
 public:
  Comparison(const WeightSketch& a, const WeightSketch& b)
      : a_(a),
        b_(b),
        num_units_(std::min(a.units_per_head(), b.units_per_head())) {}

  // c of each unit of the matched heads of two layers.
  std::vector<double> CompareLayers(uint32_t layer_a, uint32_t layer_b) const;

 private:
  struct HeadPlace {
    uint32_t layer = 0;
    uint32_t key_head = 0;
  };
  // Adds the mean cosine of each unit's rows in a head.
  void AddCosines(HeadPlace in_a, uint32_t head_a, HeadPlace in_b,
                  uint32_t head_b, std::span<double> units) const;
  // c of each unit of two key heads with their query heads.
  void CompareHeads(HeadPlace in_a, HeadPlace in_b,
                    std::span<double> units) const;

  const WeightSketch& a_;
  const WeightSketch& b_;
  const uint32_t num_units_;
};

double SumOfSizes(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += std::abs(value);
  return sum;
}

void Comparison::AddCosines(HeadPlace in_a, uint32_t head_a, HeadPlace in_b,
                            uint32_t head_b, std::span<double> units) const {
  size_t row = 0;
  for (uint32_t unit = 0; unit < num_units_; ++unit) {
    const uint32_t num_rows = a_.units()[unit].num_rows();
    for (uint32_t i = 0; i < num_rows; ++i, ++row) {
      units[unit] += CosineOf(a_.Get(in_a.layer, in_a.key_head, head_a, row),
                              b_.Get(in_b.layer, in_b.key_head, head_b, row)) /
                     num_rows;
    }
  }
}

void Comparison::CompareHeads(HeadPlace in_a, HeadPlace in_b,
                              std::span<double> units) const {
  AddCosines(in_a, 0, in_b, 0, units);
  const uint32_t num_queries = a_.shape().queries_per_key;
  std::vector<double> cosines(size_t{num_queries} * num_queries * num_units_);
  std::vector<double> sizes(size_t{num_queries} * num_queries);
  const auto cosines_of = [&](uint32_t i, uint32_t j) {
    return std::span(cosines).subspan(
        (size_t{i} * num_queries + j) * num_units_, num_units_);
  };
  for (uint32_t i = 0; i < num_queries; ++i) {
    for (uint32_t j = 0; j < num_queries; ++j) {
      AddCosines(in_a, 1 + i, in_b, 1 + j, cosines_of(i, j));
      sizes[size_t{i} * num_queries + j] = SumOfSizes(cosines_of(i, j));
    }
  }
  for (const auto& [i, j] : MatchGreedily(sizes, num_queries, num_queries)) {
    const std::span<const double> matched = cosines_of(i, j);
    for (uint32_t unit = 0; unit < num_units_; ++unit) {
      units[unit] += matched[unit];
    }
  }
}

std::vector<double> Comparison::CompareLayers(uint32_t layer_a,
                                              uint32_t layer_b) const {
  const uint32_t num_a = a_.num_key_heads();
  const uint32_t num_b = b_.num_key_heads();
  std::vector<double> units(size_t{num_a} * num_b * num_units_, 0.0);
  std::vector<double> sizes(size_t{num_a} * num_b);
  for (uint32_t i = 0; i < num_a; ++i) {
    for (uint32_t j = 0; j < num_b; ++j) {
      const size_t cell = size_t{i} * num_b + j;
      const std::span<double> of_cell =
          std::span(units).subspan(cell * num_units_, num_units_);
      CompareHeads({layer_a, i}, {layer_b, j}, of_cell);
      sizes[cell] = SumOfSizes(of_cell);
    }
  }
  std::vector<double> matched;
  for (const auto& [i, j] : MatchGreedily(sizes, num_a, num_b)) {
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

double SumOfSquares(std::span<const double> values) {
  return std::inner_product(values.begin(), values.end(), values.begin(), 0.0);
}

}  // namespace

std::optional<WeightSimilarity> CompareWeightSketches(const WeightSketch& a,
                                                      const WeightSketch& b) {
  if (a.shape() != b.shape() || a.units_per_head() == 0 ||
      b.units_per_head() == 0) {
    return std::nullopt;
  }
  const Comparison comparison(a, b);
  std::vector<std::vector<double>> cells;
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
    sum += std::accumulate(cells[cell].begin(), cells[cell].end(), 0.0);
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
