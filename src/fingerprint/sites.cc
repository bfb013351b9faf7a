#include "fingerprint/sites.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/random.h"

namespace revlm::fingerprint {
namespace {

constexpr uint64_t kSeed = 0x7369746573;  // frozen: stored intervals need it

// 1 - CKA across each layer, at `positions`; 0 where it is not defined.
std::vector<double> ChangesAt(std::span<const LayerSketch> states,
                              const std::vector<uint32_t>& positions) {
  std::vector<double> changes;
  for (const auto& cka : NeighbourCkas(states, positions)) {
    changes.push_back(cka ? std::max(0.0, 1 - *cka) : 0.0);
  }
  return changes;
}

// The layers with the largest changes, ties to the earlier.
std::vector<uint32_t> Largest(std::span<const double> changes) {
  std::vector<uint32_t> order(changes.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(
      order, [&](uint32_t a, uint32_t b) { return changes[a] > changes[b]; });
  order.resize(std::min(order.size(), kNumSites));
  return order;
}

// The positions of a random half of the prompts.
std::vector<uint32_t> HalfOf(std::span<const uint32_t> prompt_of,
                             uint32_t num_prompts, uint64_t sample) {
  std::vector<uint32_t> prompts(num_prompts);
  std::iota(prompts.begin(), prompts.end(), 0);
  for (uint32_t i = 0; i + 1 < num_prompts; ++i) {
    const uint64_t drawn =
        base::RandomBits(kSeed, sample * num_prompts + i) % (num_prompts - i);
    std::swap(prompts[i], prompts[i + drawn]);
  }
  std::vector<bool> is_in(num_prompts, false);
  for (uint32_t i = 0; i < num_prompts / 2; ++i) is_in[prompts[i]] = true;
  std::vector<uint32_t> positions;
  for (uint32_t i = 0; i < prompt_of.size(); ++i) {
    if (is_in[prompt_of[i]]) positions.push_back(i);
  }
  return positions;
}

}  // namespace

std::vector<LayerChange> MeasureChanges(std::span<const LayerSketch> states,
                                        std::span<const uint32_t> prompt_of) {
  if (states.size() < 2 || prompt_of.empty()) return {};
  std::vector<uint32_t> all(prompt_of.size());
  std::iota(all.begin(), all.end(), 0);
  const std::vector<double> whole = ChangesAt(states, all);
  const size_t num_layers = whole.size();
  const uint32_t num_prompts = *std::ranges::max_element(prompt_of) + 1;
  std::vector<std::vector<double>> samples(num_layers);
  std::vector<uint32_t> num_top(num_layers, 0);
  for (uint64_t s = 0; s < kNumHalfSamples; ++s) {
    const std::vector<double> changes =
        ChangesAt(states, HalfOf(prompt_of, num_prompts, s));
    for (size_t i = 0; i < num_layers; ++i) samples[i].push_back(changes[i]);
    for (const uint32_t layer : Largest(changes)) ++num_top[layer];
  }
  std::vector<LayerChange> result;
  for (size_t i = 0; i < num_layers; ++i) {
    std::ranges::sort(samples[i]);
    result.push_back(
        {.change = static_cast<float>(whole[i]),
         .low = static_cast<float>(samples[i][kNumHalfSamples / 20]),
         .high = static_cast<float>(
             samples[i][kNumHalfSamples - 1 - kNumHalfSamples / 20]),
         .top_share = static_cast<float>(num_top[i]) /
                      static_cast<float>(kNumHalfSamples)});
  }
  return result;
}

std::vector<uint32_t> RestrictionSites(std::span<const LayerChange> changes) {
  std::vector<double> values;
  for (const LayerChange& change : changes) {
    values.push_back(static_cast<double>(change.change));
  }
  std::vector<uint32_t> sites = Largest(values);
  std::erase_if(
      sites, [&](uint32_t layer) { return changes[layer].top_share < 0.5f; });
  std::ranges::sort(sites);
  return sites;
}

}  // namespace revlm::fingerprint
