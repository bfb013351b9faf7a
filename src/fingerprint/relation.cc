#include "fingerprint/relation.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "base/check.h"
#include "fingerprint/assignment.h"
#include "fingerprint/form_similarity.h"
#include "stats/normal.h"

namespace revlm::fingerprint {
namespace {

constexpr double kSpreadFactor = 1.5;
constexpr double kCommonShare = 0.25;
// Layers in order that show this are not aligned anew.
constexpr double kClearZ = 12;

constexpr Half kHalves[] = {Half::kFirst, Half::kSecond};

Half Other(Half half) {
  return half == Half::kFirst ? Half::kSecond : Half::kFirst;
}

// Values whose mean and spread are wanted.
struct Sample {
  double sum = 0;
  double squares = 0;
  int64_t count = 0;

  void Add(double value) {
    sum += value;
    squares += value * value;
    ++count;
  }
  void Add(const Sample& other) {
    sum += other.sum;
    squares += other.squares;
    count += other.count;
  }
  double mean() const {
    return count == 0 ? 0 : sum / static_cast<double>(count);
  }
  double spread() const {
    if (count == 0) return 0;
    const double variance =
        squares / static_cast<double>(count) - mean() * mean();
    return std::sqrt(std::max(variance, 0.0));
  }
};

double Score(const Sample& matched, const Sample& unmatched,
             int64_t num_heads) {
  const double chance = kSpreadFactor * unmatched.spread();
  const double common = kCommonShare * unmatched.mean();
  const double deviation = std::sqrt(
      chance * chance / static_cast<double>(num_heads) + common * common);
  return deviation == 0 ? 0 : (matched.mean() - unmatched.mean()) / deviation;
}

// Two layers, heads matched by one half and compared by the other.
struct Comparison {
  double match_score = 0;  // mean similarity by the half that matched
  Sample matched;
  Sample unmatched;
  std::vector<int32_t> heads;
};

class Comparer {
 public:
  Comparer(const AttentionShape& shape, std::span<const LayerHeads> a,
           std::span<const LayerHeads> b, memory::Budget& budget,
           Multiplier& multiplier)
      : shape_(shape), a_(a), b_(b), budget_(budget), multiplier_(multiplier) {}

  Result<const Comparison*> Compare(LayerPair layers, Half matching) {
    const auto key = std::pair(layers.a * num_b() + layers.b, matching);
    if (const auto found = done_.find(key); found != done_.end()) {
      return &found->second;
    }
    REVLM_ASSIGN_OR_RETURN(Comparison comparison, Make(layers, matching));
    return &done_.emplace(key, std::move(comparison)).first->second;
  }

  int32_t num_a() const { return static_cast<int32_t>(a_.size()); }
  int32_t num_b() const { return static_cast<int32_t>(b_.size()); }
  int64_t num_kv_heads() const { return shape_.num_kv_heads; }

 private:
  Result<Comparison> Make(LayerPair layers, Half matching) {
    REVLM_ASSIGN_OR_RETURN(const std::vector<float>* by,
                           Similarity(layers, matching));
    REVLM_ASSIGN_OR_RETURN(const std::vector<float>* found,
                           Similarity(layers, Other(matching)));
    const auto num_heads = static_cast<int32_t>(shape_.num_heads);
    Comparison result;
    result.heads = BestAssignment(*by, num_heads, num_heads);
    const int32_t group = num_heads / static_cast<int32_t>(shape_.num_kv_heads);
    for (int32_t i = 0; i < num_heads; ++i) {
      const int32_t match = result.heads[static_cast<size_t>(i)];
      const auto at = [&](int32_t j) {
        return static_cast<size_t>(i * num_heads + j);
      };
      result.match_score += (*by)[at(match)] / num_heads;
      result.matched.Add((*found)[at(match)]);
      for (int32_t j = 0; j < num_heads; ++j) {
        if (j / group != match / group) result.unmatched.Add((*found)[at(j)]);
      }
    }
    if (shape_.num_kv_heads > 1) return result;
    // All heads of a layer share one key: those of the next layer are compared.
    REVLM_ASSIGN_OR_RETURN(
        const std::vector<float>* next,
        Similarity({layers.a, (layers.b + 1) % num_b()}, Other(matching)));
    for (const float value : *next) result.unmatched.Add(value);
    return result;
  }

  Result<const std::vector<float>*> Similarity(LayerPair layers, Half half) {
    const auto key = std::pair(layers.a * num_b() + layers.b, half);
    if (const auto found = similarity_.find(key); found != similarity_.end()) {
      return &found->second;
    }
    REVLM_ASSIGN_OR_RETURN(
        std::vector<float> values,
        FormSimilarity(shape_, a_[static_cast<size_t>(layers.a)],
                       b_[static_cast<size_t>(layers.b)], half, budget_,
                       multiplier_));
    return &similarity_.emplace(key, std::move(values)).first->second;
  }

  const AttentionShape shape_;
  const std::span<const LayerHeads> a_;
  const std::span<const LayerHeads> b_;
  memory::Budget& budget_;
  Multiplier& multiplier_;
  std::map<std::pair<int32_t, Half>, Comparison> done_;
  std::map<std::pair<int32_t, Half>, std::vector<float>> similarity_;
};

// One path for each half that matches.
using Paths = std::vector<std::vector<LayerPair>>;

Result<Paths> AlignedPaths(Comparer& comparer) {
  Paths paths;
  for (const Half half : kHalves) {
    std::vector<double> scores;
    for (int32_t i = 0; i < comparer.num_a(); ++i) {
      for (int32_t j = 0; j < comparer.num_b(); ++j) {
        REVLM_ASSIGN_OR_RETURN(const Comparison* comparison,
                               comparer.Compare({i, j}, half));
        scores.push_back(comparison->match_score);
      }
    }
    // What any two layers have in common is no reason to pair them.
    std::vector<double> sorted = scores;
    const auto middle =
        sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
    std::nth_element(sorted.begin(), middle, sorted.end());
    const double common = *middle;
    for (double& score : scores) score -= common;
    paths.push_back(BestLayerPath(scores, comparer.num_a(), comparer.num_b()));
    if (paths.back().empty()) {
      // All equal: layers in order, as far as there are some.
      for (int32_t i = 0; i < std::min(comparer.num_a(), comparer.num_b());
           ++i) {
        paths.back().push_back({i, i});
      }
    }
  }
  return paths;
}

Result<RelationTest> TestAlong(const Paths& paths, Comparer& comparer) {
  RelationTest test;
  Sample matched;
  Sample unmatched;
  // By layers, over both halves where both pair them.
  std::map<std::pair<int32_t, int32_t>, std::pair<Sample, Sample>> by_layer;
  for (size_t i = 0; i < paths.size(); ++i) {
    for (const LayerPair& layers : paths[i]) {
      REVLM_ASSIGN_OR_RETURN(const Comparison* comparison,
                             comparer.Compare(layers, kHalves[i]));
      matched.Add(comparison->matched);
      unmatched.Add(comparison->unmatched);
      auto& layer = by_layer[{layers.a, layers.b}];
      layer.first.Add(comparison->matched);
      layer.second.Add(comparison->unmatched);
    }
  }
  const size_t depth = std::min(paths[0].size(), paths[1].size());
  test.num_heads = static_cast<int64_t>(depth) * comparer.num_kv_heads();
  test.matched = matched.mean();
  test.unmatched = unmatched.mean();
  test.spread = unmatched.spread();
  test.z = Score(matched, unmatched, test.num_heads);
  test.log_p = stats::LogNormalTail(test.z);
  for (const LayerPair& layers : paths[0]) {
    const auto& [layer_matched, layer_unmatched] =
        by_layer[{layers.a, layers.b}];
    REVLM_ASSIGN_OR_RETURN(const Comparison* comparison,
                           comparer.Compare(layers, kHalves[0]));
    Sample background = unmatched;
    if (layer_unmatched.count > 0) background = layer_unmatched;
    test.layers.push_back(
        {.layers = layers,
         .similarity = layer_matched.mean(),
         .z = Score(layer_matched, background, comparer.num_kv_heads()),
         .heads = comparison->heads});
  }
  return test;
}

}  // namespace

Result<RelationTest> TestRelation(const AttentionShape& shape,
                                  std::span<const LayerHeads> a,
                                  std::span<const LayerHeads> b,
                                  memory::Budget& budget,
                                  Multiplier& multiplier) {
  REVLM_CHECK(!a.empty() && !b.empty());
  REVLM_CHECK(shape.num_kv_heads > 1 || b.size() > 1);
  Comparer comparer(shape, a, b, budget, multiplier);
  RelationTest in_order;
  if (a.size() == b.size()) {
    std::vector<LayerPair> path;
    for (int32_t i = 0; i < comparer.num_a(); ++i) path.push_back({i, i});
    REVLM_ASSIGN_OR_RETURN(in_order, TestAlong({path, path}, comparer));
    if (in_order.z >= kClearZ) return in_order;
  }
  REVLM_ASSIGN_OR_RETURN(const Paths paths, AlignedPaths(comparer));
  REVLM_ASSIGN_OR_RETURN(RelationTest aligned, TestAlong(paths, comparer));
  if (a.size() == b.size() && in_order.z >= aligned.z) return in_order;
  return aligned;
}

}  // namespace revlm::fingerprint
