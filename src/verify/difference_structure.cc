#include "verify/difference_structure.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace revlm::verify {
namespace {

using fingerprint::Matrix;

constexpr double kFittingShare = 0.95;
constexpr int32_t kGroupSizes[] = {0, 256, 128, 64, 32};
// Of the step: what a value may be off, beside what BF16 rounds.
constexpr double kStepTolerance = 0.02;
constexpr double kBf16Rounding = 0x1p-8;

// Whether all values are `offset` plus whole numbers of steps, up to rounding
// of the values, and rounding leaves that worth saying.
bool LiesOnGrid(std::span<const float> values, double offset, double step) {
  for (const float value : values) {
    const double rounding = std::abs(value) * kBf16Rounding / step;
    const double position = (value - offset) / step;
    const double off = std::abs(position - std::round(position));
    if (off > kStepTolerance + std::min(rounding, 0.25)) return false;
  }
  return true;
}

// The fewest bits of a grid that a group lies on; 0: all zeros; 9: none.
int32_t BitsOfGroup(std::span<const float> values) {
  const auto [least, most] = std::ranges::minmax(values);
  const double size = std::max(std::abs(least), std::abs(most));
  if (size == 0) return 0;
  for (int32_t bits = 2; bits <= 8; ++bits) {
    const double half = std::ldexp(1, bits - 1);
    if (LiesOnGrid(values, 0, size / (half - 1)) ||
        LiesOnGrid(values, 0, size / half) ||
        LiesOnGrid(values, least,
                   (static_cast<double>(most) - least) / (2 * half - 1))) {
      return bits;
    }
  }
  return 9;
}

// The bits that enough groups of one size do with; nothing where they do not.
std::optional<int32_t> BitsOfGroups(const Matrix& rows, int32_t group_size) {
  const int64_t size = group_size == 0 ? rows.columns() : group_size;
  std::vector<int32_t> bits;
  for (int64_t i = 0; i < rows.rows(); ++i) {
    for (int64_t first = 0; first + size <= rows.columns(); first += size) {
      const int32_t found =
          BitsOfGroup({rows.row(i) + first, static_cast<size_t>(size)});
      if (found > 0) bits.push_back(found);
    }
  }
  if (bits.empty()) return std::nullopt;
  std::ranges::sort(bits);
  const auto at =
      static_cast<size_t>(kFittingShare * static_cast<double>(bits.size() - 1));
  if (bits[at] > 8) return std::nullopt;
  return bits[at];
}

}  // namespace

std::optional<Lattice> FindLattice(const Matrix& rows) {
  std::optional<Lattice> coarsest;
  for (const int32_t group_size : kGroupSizes) {
    if (group_size >= rows.columns()) continue;
    const auto bits = BitsOfGroups(rows, group_size);
    // A grid as fine as there are values is no grid.
    const int64_t size = group_size == 0 ? rows.columns() : group_size;
    if (!bits || (int64_t{1} << *bits) > 4 * size) continue;
    if (!coarsest || *bits < coarsest->bits) {
      coarsest = Lattice{.bits = *bits, .group_size = group_size};
    }
  }
  return coarsest;
}

std::vector<double> SingularValues(std::vector<std::vector<double>> columns) {
  constexpr int kMostSweeps = 30;
  constexpr double kOrthogonal = 1e-10;
  for (int sweep = 0; sweep < kMostSweeps; ++sweep) {
    bool has_rotated = false;
    for (size_t x = 0; x + 1 < columns.size(); ++x) {
      for (size_t y = x + 1; y < columns.size(); ++y) {
        double xx = 0;
        double yy = 0;
        double xy = 0;
        for (size_t i = 0; i < columns[x].size(); ++i) {
          xx += columns[x][i] * columns[x][i];
          yy += columns[y][i] * columns[y][i];
          xy += columns[x][i] * columns[y][i];
        }
        if (xy * xy <= kOrthogonal * kOrthogonal * xx * yy) continue;
        has_rotated = true;
        const double tau = (yy - xx) / (2 * xy);
        const double t =
            std::copysign(1, tau) / (std::abs(tau) + std::sqrt(1 + tau * tau));
        const double cosine = 1 / std::sqrt(1 + t * t);
        const double sine = cosine * t;
        for (size_t i = 0; i < columns[x].size(); ++i) {
          const double a = columns[x][i];
          const double b = columns[y][i];
          columns[x][i] = cosine * a - sine * b;
          columns[y][i] = sine * a + cosine * b;
        }
      }
    }
    if (!has_rotated) break;
  }
  std::vector<double> values;
  for (const auto& column : columns) {
    double squares = 0;
    for (const double value : column) squares += value * value;
    values.push_back(std::sqrt(squares));
  }
  std::ranges::sort(values, std::greater<>());
  return values;
}

DifferenceStructure FindStructure(const Matrix& a, const Matrix& b,
                                  int64_t num_columns) {
  std::vector<std::vector<double>> difference(static_cast<size_t>(num_columns));
  for (int64_t j = 0; j < num_columns; ++j) {
    for (int64_t i = 0; i < a.rows(); ++i) {
      difference[static_cast<size_t>(j)].push_back(
          static_cast<double>(a.row(i)[j]) - b.row(i)[j]);
    }
  }
  const std::vector<double> values = SingularValues(std::move(difference));
  double energy = 0;
  for (const double value : values) energy += value * value;
  if (energy == 0) return {};
  const auto rows = static_cast<double>(a.rows());
  const auto columns = static_cast<double>(num_columns);
  const double size = std::sqrt(energy / (rows * columns));
  const double edge = size * (std::sqrt(rows) + std::sqrt(columns));
  constexpr double kAboveEdge = 1.15;
  if (values.front() < kAboveEdge * edge) {
    return {.shape = DifferenceShape::kNoise};
  }
  // A gap in the first quarter, with nearly all before it.
  constexpr double kGap = 2.5;
  constexpr double kEnergyBefore = 0.8;
  double before = 0;
  for (size_t i = 0; i + 1 < values.size() && i < values.size() / 4; ++i) {
    before += values[i] * values[i];
    if (values[i] > kGap * values[i + 1] && before > kEnergyBefore * energy) {
      return {.shape = DifferenceShape::kLowRank,
              .rank = static_cast<int32_t>(i + 1)};
    }
  }
  return {.shape = DifferenceShape::kOther};
}

}  // namespace revlm::verify
