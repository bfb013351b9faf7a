#include "fingerprint/layer_sketch.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "base/check.h"

namespace revlm::fingerprint {
namespace {

// Of a state, below which what is left of it is rounding.
constexpr double kLeastPivot = 1e-9;

// What HSIC needs of one side: rows of the factor without rounding, their
// squared lengths, the row sums of the kernel without its diagonal, and its
// HSIC with itself.
struct Side {
  size_t rank = 0;
  std::vector<double> rows;
  std::vector<double> squares;
  std::vector<double> row_sums;
  double sum = 0;
  double hsic = 0;
};

// Without the factor 1 / (n (n - 3)), which CKA does not need.
double UnbiasedHsic(const Side& a, const Side& b) {
  const double n = static_cast<double>(a.squares.size());
  std::vector<double> cross(a.rank * b.rank, 0.0);
  double trace = 0;
  double row_product = 0;
  for (size_t i = 0; i < a.squares.size(); ++i) {
    const double* const x = a.rows.data() + i * a.rank;
    const double* const y = b.rows.data() + i * b.rank;
    for (size_t c = 0; c < a.rank; ++c) {
      double* const out = cross.data() + c * b.rank;
      for (size_t d = 0; d < b.rank; ++d) out[d] += x[c] * y[d];
    }
    trace -= a.squares[i] * b.squares[i];
    row_product += a.row_sums[i] * b.row_sums[i];
  }
  trace = std::inner_product(cross.begin(), cross.end(), cross.begin(), trace);
  return trace + a.sum * b.sum / ((n - 1) * (n - 2)) -
         2 * row_product / (n - 2);
}

Side SideOf(const LayerSketch& sketch, std::span<const uint32_t> positions) {
  Side side = {.rank = sketch.rank()};
  std::vector<double> total(side.rank, 0.0);
  for (const uint32_t position : positions) {
    double square = 0;
    for (size_t c = 0; c < side.rank; ++c) {
      const double value =
          static_cast<double>(sketch.scales[c]) *
          static_cast<double>(sketch.factor[position * side.rank + c]);
      side.rows.push_back(value);
      total[c] += value;
      square += value * value;
    }
    side.squares.push_back(square);
  }
  for (size_t i = 0; i < positions.size(); ++i) {
    double sum = -side.squares[i];
    for (size_t c = 0; c < side.rank; ++c) {
      sum += side.rows[i * side.rank + c] * total[c];
    }
    side.row_sums.push_back(sum);
    side.sum += sum;
  }
  side.hsic = UnbiasedHsic(side, side);
  return side;
}

std::optional<double> Cka(const Side& a, const Side& b) {
  if (!(a.hsic > 0) || !(b.hsic > 0)) return std::nullopt;
  return UnbiasedHsic(a, b) / (std::sqrt(a.hsic) * std::sqrt(b.hsic));
}

LayerSketch Rounded(const std::vector<std::vector<double>>& columns, size_t n) {
  LayerSketch sketch;
  sketch.factor.assign(n * columns.size(), 0);
  for (size_t c = 0; c < columns.size(); ++c) {
    double largest = 0;
    for (const double value : columns[c]) {
      largest = std::max(largest, std::abs(value));
    }
    const float scale = static_cast<float>(largest / 127);
    for (size_t i = 0; i < n; ++i) {
      sketch.factor[i * columns.size() + c] = static_cast<int8_t>(
          std::clamp(std::nearbyint(columns[c][i] / static_cast<double>(scale)),
                     -127.0, 127.0));
    }
    sketch.scales.push_back(scale);
  }
  return sketch;
}

}  // namespace

LayerSketch SketchOf(const Gram& gram) {
  const size_t n = gram.n;
  std::vector<double> left(n);
  for (size_t i = 0; i < n; ++i) left[i] = gram.at(i, i);
  const double trace = std::accumulate(left.begin(), left.end(), 0.0);
  std::vector<std::vector<double>> columns;
  while (columns.size() < std::min<size_t>(kSketchRank, n)) {
    const size_t pivot =
        static_cast<size_t>(std::ranges::max_element(left) - left.begin());
    if (!(left[pivot] > kLeastPivot)) break;
    const double root = std::sqrt(left[pivot]);
    std::vector<double> column(n);
    for (size_t i = 0; i < n; ++i) {
      double value = gram.at(i, pivot);
      for (const std::vector<double>& before : columns) {
        value -= before[i] * before[pivot];
      }
      column[i] = value / root;
      left[i] = std::max(0.0, left[i] - column[i] * column[i]);
    }
    left[pivot] = 0;
    columns.push_back(std::move(column));
  }
  LayerSketch sketch = Rounded(columns, n);
  if (trace > 0) {
    sketch.left_out = static_cast<float>(
        std::accumulate(left.begin(), left.end(), 0.0) / trace);
  }
  return sketch;
}

std::optional<double> UnbiasedCka(const LayerSketch& a, const LayerSketch& b,
                                  const PositionPairs& positions) {
  REVLM_CHECK(positions.a.size() == positions.b.size());
  if (positions.a.size() < 4) return std::nullopt;
  return Cka(SideOf(a, positions.a), SideOf(b, positions.b));
}

std::vector<std::optional<double>> NeighbourCkas(
    std::span<const LayerSketch> states, std::span<const uint32_t> positions) {
  std::vector<std::optional<double>> ckas(states.empty() ? 0
                                                         : states.size() - 1);
  if (ckas.empty() || positions.size() < 4) return ckas;
  Side before = SideOf(states[0], positions);
  for (size_t i = 0; i < ckas.size(); ++i) {
    Side side = SideOf(states[i + 1], positions);
    ckas[i] = Cka(before, side);
    before = std::move(side);
  }
  return ckas;
}

}  // namespace revlm::fingerprint
