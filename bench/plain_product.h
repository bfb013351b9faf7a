// The comparator: a plain oneDNN product, all threads oneDNN's own, weights in
// the checkpoint's row-major layout.
#pragma once

#include <cstdint>

namespace revlm::bench {

// Median seconds of one bf16 product [rows][k] x [columns][k]ᵀ on `num_threads`
// threads, over at least 5 runs and about 0.3 s. The first result is checked
// against a sum in double; 0 when it is wrong.
double PlainProductSeconds(int64_t rows, int64_t columns, int64_t k,
                           int num_threads);

}  // namespace revlm::bench
