// The best one-to-one assignment: rows to columns of a matrix of scores so that
// the sum of the chosen scores is largest.
//
// Rows bid for columns as in an auction (Bertsekas 1988, "The auction
// algorithm", Annals of Operations Research 14), which is nearly all there is
// to do for a model and its derivative; those that are outbid too often are
// assigned by shortest augmenting paths with the prices found so far (Jonker
// and Volgenant 1987, "A shortest augmenting path algorithm for dense and
// sparse linear assignment problems", Computing 38; the form of Crouse 2016).
// Bidding raises prices no further than to the second best, so the result is
// the best, not nearly.
//
// Threads: pure function. Memory: O(rows + columns). Cost: O(rows^2 columns) at
// worst, O(rows columns) where best columns differ; 11,008 rows and columns of
// unrelated cosines take some seconds.
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
