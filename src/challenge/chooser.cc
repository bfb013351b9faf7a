#include "challenge/chooser.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <utility>

#include "challenge/portable_math.h"

namespace revlm::challenge {
namespace {

constexpr size_t kMoreProposals = 7;  // for each that is due
constexpr size_t kLeastMore = 64;
constexpr size_t kMostMore = 4096;
// Of the deviation: with all of it, the first rounds on the zoo's models learn
// no more and bring less (docs/method-challenges.md).
constexpr double kDrawScale = 0.5;
constexpr double kScoreSteps = 65536;  // per doubling of information

}  // namespace

Chooser::Chooser(const Key& session_key, Strategy strategy, Focus focus)
    : draw_key_(DerivePromptKey(session_key, "chooser/1")),
      strategy_(strategy),
      focus_(focus) {}

void Chooser::Learn(const Challenge& challenge, double information_nats,
                    std::span<const ModelObservation> observations) {
  // With the contrast from before it, as it would have been chosen.
  predictor_.Learn(challenge, profiler_.Contrast(challenge), information_nats);
  profiler_.Learn(challenge, observations);
}

size_t Chooser::NumProposals(size_t count) const {
  if (!has_learnt()) return count;
  return count + std::clamp(kMoreProposals * count, kLeastMore, kMostMore);
}

std::vector<size_t> Chooser::ByScore(const std::deque<Challenge>& proposals) {
  Draws draws(draw_key_, num_orderings_++);
  std::vector<int64_t> scores;
  scores.reserve(proposals.size());
  for (const Challenge& challenge : proposals) {
    const double contrast = profiler_.Contrast(challenge);
    const auto prediction = predictor_.Predict(challenge, contrast);
    double score = prediction.log2_information +
                   kDrawScale * prediction.deviation * DrawNearlyNormal(draws);
    if (strategy_ == Strategy::kBehavioral) score += contrast;
    scores.push_back(static_cast<int64_t>(std::floor(score * kScoreSteps)));
  }
  std::vector<size_t> order(proposals.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, std::greater<>(),
                           [&](size_t i) { return scores[i]; });
  return order;
}

void Chooser::Order(std::deque<Challenge>& proposals, size_t num_given) {
  if (!has_learnt()) return;
  const std::vector<size_t> by_score = ByScore(proposals);
  std::vector<bool> is_placed(proposals.size());
  std::deque<Challenge> ordered;
  size_t next_by_score = 0;
  size_t next_in_order = 0;
  while (ordered.size() < proposals.size()) {
    while (is_placed[by_score[next_by_score]]) ++next_by_score;
    while (is_placed[next_in_order]) ++next_in_order;
    const size_t idx = IsInOwnOrder(focus_, num_given + ordered.size())
                           ? next_in_order
                           : by_score[next_by_score];
    is_placed[idx] = true;
    ordered.push_back(std::move(proposals[idx]));
  }
  proposals = std::move(ordered);
}

}  // namespace revlm::challenge
