#include "challenge/hierarchical.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <string_view>
#include <tuple>

#include "base/check.h"
#include "challenge/parameters.h"
#include "challenge/taxonomy.h"

namespace revlm::challenge {
namespace {

constexpr std::string_view kWalks[] = {"breadth_first", "depth_first",
                                       "uncertainty"};
enum WalkIdx : size_t { kBreadthFirst, kDepthFirst, kUncertainty };

// Of the leaves of which something is known: the variance of the mean.
double UncertaintyOf(const LeafKnowledge& leaf, double variance_of_all) {
  const auto n = static_cast<double>(leaf.num_outcomes);
  const double mean = leaf.sum_nats / n;
  const double deviations =
      std::max(0.0, leaf.sum_squares_nats2 - mean * leaf.sum_nats);
  const double uncertainty = (deviations + variance_of_all) / n / n;
  return std::isfinite(uncertainty) ? uncertainty : 0;
}

}  // namespace

std::vector<size_t> LeavesDepthFirst() {
  std::vector<size_t> order(TaxonomyLeaves().size());
  std::iota(order.begin(), order.end(), size_t{0});
  return order;
}

std::vector<size_t> LeavesBreadthFirst() {
  const std::span<const TaxonomyLeaf> leaves = TaxonomyLeaves();
  // The places of a leaf in its topic and of the topic in its capability.
  using Rank = std::tuple<size_t, size_t, size_t>;
  std::vector<Rank> ranks(leaves.size());
  for (size_t i = 1; i < leaves.size(); ++i) {
    auto [in_topic, topic, place] = ranks[i - 1];
    if (leaves[i].topic() == leaves[i - 1].topic()) {
      ++in_topic;
    } else {
      in_topic = 0;
      topic =
          leaves[i].capability() == leaves[i - 1].capability() ? topic + 1 : 0;
    }
    ranks[i] = {in_topic, topic, i};
  }
  std::vector<size_t> order = LeavesDepthFirst();
  std::ranges::sort(order, {}, [&](size_t leaf) { return ranks[leaf]; });
  return order;
}

Result<Challenge> MakeHierarchicalChallenge(
    const Key& prompt_key, uint64_t index,
    std::span<const Parameter> parameters) {
  const std::span<const TaxonomyLeaf> leaves = TaxonomyLeaves();
  std::vector<std::string_view> paths;
  paths.reserve(leaves.size());
  for (const TaxonomyLeaf& leaf : leaves) paths.push_back(leaf.path);
  const ParameterChoice choices[] = {{"walk", kWalks}, {"leaf", paths}};
  REVLM_ASSIGN_OR_RETURN(const auto given, ReadParameters(kHierarchical.name,
                                                          parameters, choices));
  const size_t walk = given[0].value_or(kBreadthFirst);
  if (walk == kUncertainty && !given[1]) {
    return base::MakeError(ErrorCode::kInvalidArgument,
                           "prompt system {}: found \"walk\" = \"{}\" without "
                           "\"leaf\", allowed is it with the leaf that it led "
                           "to",
                           kHierarchical.name, kWalks[walk]);
  }
  static const std::vector<size_t> kBreadth = LeavesBreadthFirst();
  const size_t place = index % leaves.size();
  const size_t leaf_idx =
      given[1].value_or(walk == kDepthFirst ? place : kBreadth[place]);
  Draws draws(prompt_key, index);
  return Challenge{
      .id = fmt::format("hierarchical-{}{}", walk == kUncertainty ? "u" : "",
                        index),
      .text = DrawLeafText(leaf_idx, draws),
      .system = std::string(kHierarchical.name),
      .parameters = {{"walk", std::string(kWalks[walk])},
                     {"leaf", std::string(leaves[leaf_idx].path)}},
      .rationale = fmt::format("{}: {}", leaves[leaf_idx].path,
                               Capabilities()[CapabilityOf(leaf_idx)].reason)};
}

void AddOutcome(double information_nats, LeafKnowledge& knowledge) {
  ++knowledge.num_outcomes;
  knowledge.sum_nats += information_nats;
  knowledge.sum_squares_nats2 += information_nats * information_nats;
}

std::vector<size_t> LeavesByUncertainty(
    std::span<const LeafKnowledge> knowledge) {
  REVLM_CHECK(knowledge.size() == TaxonomyLeaves().size());
  LeafKnowledge all;
  for (const LeafKnowledge& leaf : knowledge) {
    all.num_outcomes += leaf.num_outcomes;
    all.sum_nats += leaf.sum_nats;
    all.sum_squares_nats2 += leaf.sum_squares_nats2;
  }
  const auto num_outcomes = static_cast<double>(all.num_outcomes);
  const double mean = all.sum_nats / num_outcomes;
  const double variance =
      std::max(0.0, all.sum_squares_nats2 / num_outcomes - mean * mean);
  std::vector<double> uncertainties(knowledge.size(),
                                    std::numeric_limits<double>::infinity());
  for (size_t i = 0; i < knowledge.size(); ++i) {
    if (knowledge[i].num_outcomes > 0) {
      uncertainties[i] = UncertaintyOf(knowledge[i], variance);
    }
  }
  std::vector<size_t> order = LeavesBreadthFirst();
  std::ranges::stable_sort(order, std::greater<>(),
                           [&](size_t leaf) { return uncertainties[leaf]; });
  return order;
}

}  // namespace revlm::challenge
