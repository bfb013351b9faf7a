#include "verify/identify.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <tuple>
#include <utility>

#include "stats/binomial.h"

namespace revlm::verify {

Candidate CompareWith(const fingerprint::Brief& target, std::string name,
                      std::string family, const fingerprint::Brief& reference) {
  return {
      .name = std::move(name),
      .family = std::move(family),
      .has_same_tensors = !target.tensor_root.empty() &&
                          target.tensor_root == reference.tensor_root,
      .weights =
          fingerprint::CompareWeightSketches(reference.weights, target.weights),
      .different_bits = fingerprint::CompareHypervectors(reference, target)};
}

double LogPNeeded(double alpha, size_t num_references) {
  return std::log(alpha) -
         std::log(static_cast<double>(std::max<size_t>(num_references, 1)));
}

Identification Identify(std::vector<Candidate> candidates, double alpha) {
  Identification result = {.log_p_needed =
                               LogPNeeded(alpha, candidates.size())};
  result.candidates = std::move(candidates);
  const auto rank = [&](const Candidate& candidate) {
    const bool is_match = candidate.log_p() <= result.log_p_needed;
    return std::tuple(
        !candidate.has_same_tensors, !is_match,
        is_match ? -candidate.weights->mean_cosine : candidate.log_p(),
        candidate.different_bits.value_or(1));
  };
  std::ranges::stable_sort(result.candidates, {}, rank);
  result.is_known = !result.candidates.empty() &&
                    (result.candidates[0].has_same_tensors ||
                     result.candidates[0].log_p() <= result.log_p_needed);
  return result;
}

std::vector<size_t> ClosestOf(std::span<const Candidate> candidates) {
  std::vector<size_t> by_bits(candidates.size());
  std::iota(by_bits.begin(), by_bits.end(), 0);
  std::ranges::stable_sort(by_bits, {}, [&](size_t i) {
    return candidates[i].different_bits.value_or(1);
  });
  const size_t count = std::min(kNumClosest, candidates.size());
  std::vector<size_t> closest(
      by_bits.begin(), by_bits.begin() + static_cast<std::ptrdiff_t>(count));
  for (size_t i = 0; i < count; ++i) closest.push_back(i);
  std::ranges::sort(closest);
  const auto repeated = std::ranges::unique(closest);
  closest.erase(repeated.begin(), repeated.end());
  return closest;
}

Result<FalseMatches> LeaveFamiliesOut(size_t num_references,
                                      std::span<const ForeignPair> pairs,
                                      double alpha) {
  std::vector<size_t> num_foreign(num_references, 0);
  std::vector<double> least(num_references, 0);
  for (const ForeignPair& pair : pairs) {
    for (const size_t reference : {pair.a, pair.b}) {
      ++num_foreign[reference];
      least[reference] = std::min(least[reference], pair.log_p);
    }
  }
  FalseMatches result;
  for (size_t i = 0; i < num_references; ++i) {
    if (num_foreign[i] == 0) continue;
    ++result.num_trials;
    if (least[i] <= LogPNeeded(alpha, num_foreign[i])) ++result.num_false;
  }
  if (result.num_trials == 0) return result;
  constexpr double kMiss = 0.05;
  REVLM_ASSIGN_OR_RETURN(
      result.upper_limit,
      stats::UpperRateLimit(result.num_false, result.num_trials, kMiss));
  return result;
}

}  // namespace revlm::verify
