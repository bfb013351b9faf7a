#include "challenge/portable_math.h"

#include <cmath>
#include <cstdint>

namespace revlm::challenge {

double PortableLog2(double x) {
  int exponent = 0;
  double mantissa = std::frexp(x, &exponent);  // exact, in [1/2, 1)
  constexpr double kRootOfHalf = 0.70710678118654752440;
  if (mantissa < kRootOfHalf) {
    mantissa *= 2;
    --exponent;
  }
  // ln m = 2 (s + s^3/3 + s^5/5 + ...),  s = (m - 1) / (m + 1): |s| < 0.172.
  constexpr double kTwoOverLn2 = 2.8853900817779268147;
  constexpr int kLastPower = 19;
  const double s = (mantissa - 1) / (mantissa + 1);
  double sum = 1.0 / kLastPower;
  for (int power = kLastPower - 2; power > 0; power -= 2) {
    sum = sum * (s * s) + 1.0 / power;
  }
  return exponent + kTwoOverLn2 * (s * sum);
}

double DrawNearlyNormal(Draws& draws) {
  constexpr uint64_t kNumSteps = uint64_t{1} << 32;
  uint64_t sum = 0;
  for (int i = 0; i < 12; ++i) sum += draws.Below(kNumSteps);
  return static_cast<double>(sum) / static_cast<double>(kNumSteps) - 6;
}

}  // namespace revlm::challenge
