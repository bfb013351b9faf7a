// How often the tests of src/stats are wrong, and how long they take when there
// is something to find, counted in simulated audits: `error_rate_test` and
// `power_test` of src/stats bound the figures, `revlm_error_rates` of bench/
// prints them for more audits.
//
// An audit looks after every value and stops at the first wrong verdict.
// Determinism: all values come from `base/random.h` and `kSeed`, another seed
// for each audit of each row of error rates.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace revlm::testing {

constexpr double kAlpha = 0.01;
constexpr uint64_t kSeed = 20260101;

// Values in [0, 1] of which each has the mean `mean` given all before it.
struct Stream {
  const char* name;
  double mean;
  double (*draw)(uint64_t seed, uint64_t idx);
};
std::span<const Stream> Streams();

struct ErrorRate {
  std::string name;
  uint64_t num_errors;
  uint64_t num_audits;
};
// Of everything, at kAlpha, with `num_looks` values an audit.
std::vector<ErrorRate> MeasureErrorRates(uint64_t num_audits,
                                         uint64_t num_looks);

struct Power {
  std::string name;
  double bound;     // what no test can beat on average: ln(1/alpha) / KL
  uint64_t median;  // values until the right verdict
  uint64_t percentile_90;
};
std::vector<Power> MeasurePower(uint64_t num_audits);

}  // namespace revlm::testing
