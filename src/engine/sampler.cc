#include "engine/sampler.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/random.h"

namespace revlm::engine {
namespace {

// Of two tokens, the one with the smaller logit; of equals the later one.
struct IsWorse {
  std::span<const float> logits;

  bool operator()(int32_t a, int32_t b) const {
    const float x = logits[static_cast<size_t>(a)];
    const float y = logits[static_cast<size_t>(b)];
    return x != y ? x < y : a > b;
  }
};

// The tokens that may be drawn, best first, as far as they are asked for: the
// draw is mostly among the first few, and sorting a vocabulary takes longer
// than all else here.
class BestFirst {
 public:
  BestFirst(std::span<const float> logits, const Sampling& sampling)
      : logits_(logits), is_worse_{logits}, temperature_(sampling.temperature) {
    for (size_t id = 0; id < logits.size(); ++id) {
      // NaN has no place in an order.
      if (!std::isnan(logits[id])) ids_.push_back(static_cast<int32_t>(id));
    }
    const auto top_k = static_cast<size_t>(std::max(sampling.top_k, 0));
    if (top_k > 0 && top_k < ids_.size()) {
      std::ranges::nth_element(ids_, ids_.end() - sampling.top_k, is_worse_);
      ids_.erase(ids_.begin(), ids_.end() - sampling.top_k);
      std::ranges::sort(ids_);  // so that they are added up in one order
    }
    if (ids_.empty()) return;
    max_ = Logit(*std::ranges::max_element(ids_, is_worse_));
    for (const int32_t id : ids_) total_ += Weight(id);
    std::ranges::make_heap(ids_, is_worse_);
  }

  bool empty() const { return ids_.empty(); }
  double total() const { return total_; }  // of all weights

  // REQUIRES: !empty().
  int32_t Next() {
    std::ranges::pop_heap(ids_, is_worse_);
    const int32_t id = ids_.back();
    ids_.pop_back();
    return id;
  }

  double Weight(int32_t id) const {
    // The difference of equal infinities is not a number.
    return Logit(id) == max_ ? 1 : std::exp((Logit(id) - max_) / temperature_);
  }

 private:
  double Logit(int32_t id) const { return logits_[static_cast<size_t>(id)]; }

  std::span<const float> logits_;
  IsWorse is_worse_;
  double temperature_;
  std::vector<int32_t> ids_;  // a heap
  double max_ = 0;
  double total_ = 0;
};

}  // namespace

int32_t SampleToken(std::span<const float> logits, const Sampling& sampling,
                    uint64_t draw_idx) {
  BestFirst rest(logits, sampling);
  if (rest.empty()) return 0;
  std::vector<int32_t> kept;
  double total = rest.total();
  const bool is_cut = sampling.top_p < 1;
  if (is_cut) {
    const double enough = static_cast<double>(sampling.top_p) * total;
    total = 0;
    do {
      kept.push_back(rest.Next());
      total += rest.Weight(kept.back());
    } while (!rest.empty() && total < enough);
  }
  double left = base::UniformDouble(sampling.seed, draw_idx) * total;
  for (size_t i = 0;; ++i) {
    if (i == kept.size()) {
      if (is_cut || rest.empty()) return kept.back();
      kept.push_back(rest.Next());
    }
    left -= rest.Weight(kept[i]);
    if (left < 0) return kept[i];
  }
}

}  // namespace revlm::engine
