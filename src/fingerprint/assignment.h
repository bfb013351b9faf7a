// The best one-to-one assignment: rows to columns of a matrix of scores so that
// the sum of the chosen scores is largest.
//
// Shortest augmenting paths with dual prices (Jonker and Volgenant 1987, "A
// shortest augmenting path algorithm for dense and sparse linear assignment
// problems", Computing 38; the form of Crouse 2016). A first pass gives each
// row its best column where that is still free, which keeps the prices feasible
// and is nearly all there is to do for a model and its derivative.
//
// Threads: pure function. Memory: O(rows + columns). Cost: O(rows^2 columns) at
// worst, O(rows columns) where best columns differ.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace revlm::fingerprint {

// The column of each row. `scores` has num_rows rows of num_columns, finite.
// REQUIRES: num_rows <= num_columns.
std::vector<int32_t> BestAssignment(std::span<const float> scores,
                                    int32_t num_rows, int32_t num_columns);

}  // namespace revlm::fingerprint
