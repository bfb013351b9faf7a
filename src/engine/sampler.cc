#include "engine/sampler.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "base/random.h"

namespace revlm::engine {

int32_t SampleToken(std::span<const float> logits, const Sampling& sampling,
                    uint64_t draw_idx) {
  std::vector<int32_t> ids(logits.size());
  std::iota(ids.begin(), ids.end(), 0);
  auto is_better = [&](int32_t a, int32_t b) {
    const float x = logits[static_cast<size_t>(a)];
    const float y = logits[static_cast<size_t>(b)];
    return x != y ? x > y : a < b;
  };
  // NaN has no place in an order.
  std::erase_if(ids, [&](int32_t id) {
    return std::isnan(logits[static_cast<size_t>(id)]);
  });
  if (ids.empty()) return 0;
  size_t num_kept = ids.size();
  if (sampling.top_k > 0) {
    num_kept = std::min(num_kept, static_cast<size_t>(sampling.top_k));
  }
  std::partial_sort(ids.begin(),
                    ids.begin() + static_cast<std::ptrdiff_t>(num_kept),
                    ids.end(), is_better);
  const double max = logits[static_cast<size_t>(ids[0])];
  std::vector<double> weights(num_kept);
  double total = 0;
  for (size_t i = 0; i < num_kept; ++i) {
    const double logit = logits[static_cast<size_t>(ids[i])];
    // The difference of equal infinities is not a number.
    weights[i] = logit == max
                     ? 1
                     : std::exp((logit - max) /
                                static_cast<double>(sampling.temperature));
    total += weights[i];
  }
  if (sampling.top_p < 1) {
    double kept = 0;
    size_t i = 0;
    do {
      kept += weights[i++];
    } while (i < num_kept &&
             kept < static_cast<double>(sampling.top_p) * total);
    num_kept = i;
    total = kept;
  }
  double left = base::UniformDouble(sampling.seed, draw_idx) * total;
  for (size_t i = 0; i + 1 < num_kept; ++i) {
    left -= weights[i];
    if (left < 0) return ids[i];
  }
  return ids[num_kept - 1];
}

}  // namespace revlm::engine
