#include "stats/normal.h"

#include <cmath>
#include <numbers>

namespace revlm::stats {

double LogNormalTail(double z) {
  if (!(z > 25)) return std::log(0.5 * std::erfc(z / std::numbers::sqrt2));
  // P = density(z) / (z + 1 / (z + 2 / (z + 3 / ...)))
  double fraction = z;
  for (int i = 40; i > 0; --i) fraction = z + i / fraction;
  return -0.5 * z * z - 0.5 * std::log(2 * std::numbers::pi) -
         std::log(fraction);
}

}  // namespace revlm::stats
