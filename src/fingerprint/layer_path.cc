#include "fingerprint/layer_path.h"

#include <algorithm>

#include "base/check.h"

namespace revlm::fingerprint {

std::vector<LayerPair> BestLayerPath(std::span<const double> scores,
                                     int32_t num_a, int32_t num_b) {
  const auto rows = static_cast<size_t>(num_a);
  const auto columns = static_cast<size_t>(num_b);
  REVLM_CHECK(scores.size() == rows * columns);
  // best[i][j]: of the first i layers of a and the first j of b.
  std::vector<double> best((rows + 1) * (columns + 1), 0.0);
  const auto at = [&](size_t i, size_t j) -> double& {
    return best[i * (columns + 1) + j];
  };
  for (size_t i = 1; i <= rows; ++i) {
    for (size_t j = 1; j <= columns; ++j) {
      at(i, j) =
          std::max({at(i - 1, j), at(i, j - 1),
                    at(i - 1, j - 1) + scores[(i - 1) * columns + j - 1]});
    }
  }
  std::vector<LayerPair> path;
  for (size_t i = rows, j = columns; i > 0 && j > 0;) {
    if (at(i, j) == at(i, j - 1)) {
      --j;
    } else if (at(i, j) == at(i - 1, j)) {
      --i;
    } else {
      path.push_back({static_cast<int32_t>(--i), static_cast<int32_t>(--j)});
    }
  }
  std::ranges::reverse(path);
  return path;
}

}  // namespace revlm::fingerprint
