// What the tests of the kernels share: every test runs once per table, and
// prints the worst error it saw, so that the log says how good each table is.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "engine/kernels.h"

namespace revlm::engine {

// The distance of two neighbouring f32 at x.
inline double UlpOf(double x) {
  const auto magnitude = static_cast<float>(std::fabs(x));
  return double{std::nextafter(magnitude,
                               std::numeric_limits<float>::infinity())} -
         double{magnitude};
}

inline std::vector<float> RandomRow(int64_t n, uint32_t seed, float mean = 0) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(mean, 1);
  std::vector<float> row(static_cast<size_t>(n));
  for (float& x : row) x = normal(generator);
  return row;
}

// Equal as bytes: NaN equals itself, and 0 is not -0.
template <typename T>
bool SameBits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() &&
         std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

// Keeps the greatest of many errors and prints it when it goes out of scope.
class WorstError {
 public:
  WorstError(const Kernels& kernels, const char* what)
      : kernels_(kernels), what_(what) {}
  ~WorstError() {
    std::printf("  %s %s: worst error %.3g\n", kernels_.name, what_, worst_);
  }
  WorstError(const WorstError&) = delete;
  WorstError& operator=(const WorstError&) = delete;

  // NaN counts as the worst.
  void Add(double error) {
    if (!(error <= worst_)) worst_ = error;
  }
  void AddUlps(double got, double want) {
    Add(std::fabs(got - want) / UlpOf(want));
  }
  double worst() const { return worst_; }

 private:
  const Kernels& kernels_;
  const char* const what_;
  double worst_ = 0;
};

class KernelsTest : public ::testing::TestWithParam<int> {
 protected:
  const Kernels& kernels_ = KernelTable(GetParam());
};

// The last table, the baseline, need not have fused multiply-add.
inline int NumFusedTables() { return NumKernelTables() - 1; }

inline std::string TableName(const ::testing::TestParamInfo<int>& info) {
  return KernelTable(info.param).name;
}

}  // namespace revlm::engine
