// revlm_error_rates [AUDITS [LOOKS]]: how often the tests of src/stats and the
// verdicts of src/verify are wrong, with 95 % upper limits, and how long the
// tests take beside what is possible. AUDITS (10000) simulated audits for each
// row, a tenth of them for how long; LOOKS (10000) values each, a look after
// every one. The audits are those of tests/support.
#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <utility>
#include <vector>

#include "stats/binomial.h"
#include "support/audits.h"
#include "support/verdict_audits.h"

namespace revlm::bench {
namespace {

int Run(uint64_t num_audits, uint64_t num_looks) {
  fmt::print("{:<50} {:>7} {:>8} {:>8}\n", "wrong at alpha 0.01", "errors",
             "audits", "below");
  std::vector<testing::ErrorRate> rates =
      testing::MeasureErrorRates(num_audits, num_looks);
  for (testing::ErrorRate& rate :
       testing::MeasureVerdictErrorRates(num_audits, num_looks)) {
    rates.push_back(std::move(rate));
  }
  for (const testing::ErrorRate& rate : rates) {
    const auto limit =
        stats::UpperRateLimit(rate.num_errors, rate.num_audits, 0.05);
    if (!limit) {
      fmt::print(stderr, "{}\n", limit.error().message);
      return 1;
    }
    fmt::print("{:<50} {:>7} {:>8} {:>8.5f}\n", rate.name, rate.num_errors,
               rate.num_audits, *limit);
  }
  fmt::print("\n{:<50} {:>7} {:>8} {:>8} {:>6}\n", "values to the verdict",
             "bound", "median", "90 %", "ratio");
  for (const auto& power : testing::MeasurePower(num_audits / 10)) {
    fmt::print("{:<50} {:>7.0f} {:>8} {:>8} {:>6.2f}\n", power.name,
               power.bound, power.median, power.percentile_90,
               static_cast<double>(power.median) / power.bound);
  }
  return 0;
}

uint64_t CountAt(int argc, char** argv, int position) {
  constexpr uint64_t kUsual = 10'000;
  return argc > position ? std::strtoull(argv[position], nullptr, 10) : kUsual;
}

}  // namespace
}  // namespace revlm::bench

int main(int argc, char** argv) {
  const uint64_t num_audits = revlm::bench::CountAt(argc, argv, 1);
  const uint64_t num_looks = revlm::bench::CountAt(argc, argv, 2);
  if (num_audits < 10 || num_looks < 1) {
    fmt::print(stderr,
               "usage: revlm_error_rates [AUDITS, 10 or more [LOOKS]]\n");
    return 2;
  }
  return revlm::bench::Run(num_audits, num_looks);
}
