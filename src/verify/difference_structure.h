// What the values of weights, or of the difference of two, look like.
//
// Descriptions, not tests: thresholds were chosen on synthetic matrices
// (difference_structure_test.cc) and carry no error rate.
//
// Threads: pure functions. Memory: O(values). Errors: none.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "fingerprint/matrix.h"

namespace revlm::verify {

// Rounded to a grid: each group of `group_size` values in a row lies on
// multiples of the group's largest over 2^(bits-1) - 1 or 2^(bits-1), or on
// 2^bits steps from its least to its largest.
struct Lattice {
  int32_t bits = 0;        // 2 to 8
  int32_t group_size = 0;  // 0: whole rows

  bool operator==(const Lattice&) const = default;
};

// The lattice of fewest bits, and of those the one of largest groups, that at
// least 19 of 20 groups of `rows` lie on, within the rounding of BF16; nothing
// where they lie on none. Groups of zeros say nothing. Of 7 and 8 bits rounding
// to BF16 leaves nothing to be seen: they are found in wider formats.
std::optional<Lattice> FindLattice(const fingerprint::Matrix& rows);

enum class DifferenceShape {
  kNone,     // no difference
  kNoise,    // no direction stands out: independent noise
  kLowRank,  // few directions hold nearly all of it
  kOther,    // what training does
};

struct DifferenceStructure {
  DifferenceShape shape = DifferenceShape::kNone;
  int32_t rank = 0;  // of kLowRank
};

// From the singular values of a - b in the first `num_columns` columns.
// Independent noise of one size has none above about (sqrt(rows) +
// sqrt(columns)) times the size (Marchenko and Pastur 1967). REQUIRES: a and b
// are of one shape, of at least one row and so many columns.
DifferenceStructure FindStructure(const fingerprint::Matrix& a,
                                  const fingerprint::Matrix& b,
                                  int64_t num_columns);

// Of a matrix by its columns, in descending order, by one-sided Jacobi
// rotations (Hestenes 1958).
std::vector<double> SingularValues(std::vector<std::vector<double>> columns);

}  // namespace revlm::verify
