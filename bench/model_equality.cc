#include "model_equality.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <utility>

#include "base/random.h"

namespace revlm::bench {
namespace {

// Places where two texts agree; behind its end, a text has a filling that
// agrees with itself.
double Agreements(const std::string& a, const std::string& b, size_t length) {
  const size_t shorter = std::min({a.size(), b.size(), length});
  const size_t longer = std::min(std::max(a.size(), b.size()), length);
  size_t num_equal = length - longer;
  for (size_t i = 0; i < shorter; ++i) num_equal += a[i] == b[i] ? 1 : 0;
  return static_cast<double>(num_equal) / static_cast<double>(length);
}

// The kernel between all texts of one prompt: the target's, then the others'.
class Gram {
 public:
  Gram(const PromptTexts& texts, size_t length)
      : half_(texts.target.size()), kernel_(4 * half_ * half_) {
    std::vector<const std::string*> all;
    all.reserve(2 * half_);
    for (const std::string& text : texts.target) all.push_back(&text);
    for (const std::string& text : texts.reference) all.push_back(&text);
    for (size_t i = 0; i < all.size(); ++i) {
      for (size_t j = 0; j < i; ++j) {
        kernel_[i * all.size() + j] = kernel_[j * all.size() + i] =
            Agreements(*all[i], *all[j], length);
      }
    }
  }

  size_t half() const { return half_; }

  // Sums of k over ordered pairs within the first half of `order`, within the
  // second, and between the two.
  void Add(const std::vector<size_t>& order, double sums[3]) const {
    const size_t size = 2 * half_;
    for (size_t i = 0; i < size; ++i) {
      const double* row = &kernel_[order[i] * size];
      const bool is_first = i < half_;
      for (size_t j = 0; j < i; ++j) {
        const bool is_also_first = j < half_;
        sums[is_first != is_also_first ? 2
             : is_first                ? 0
                                       : 1] += 2 * row[order[j]];
      }
    }
  }

 private:
  size_t half_;
  std::vector<double> kernel_;
};

double Discrepancy(const std::vector<Gram>& grams,
                   const std::vector<std::vector<size_t>>& orders) {
  double sums[3] = {};
  double num_texts = 0;  // of one sample
  for (size_t p = 0; p < grams.size(); ++p) {
    grams[p].Add(orders[p], sums);
    num_texts += static_cast<double>(grams[p].half());
  }
  const double num_pairs = num_texts * (num_texts - 1);
  return (sums[0] + sums[1]) / num_pairs - sums[2] / (num_texts * num_texts);
}

}  // namespace

double ModelEqualityP(const std::vector<PromptTexts>& prompts, size_t length,
                      int num_permutations, uint64_t seed) {
  std::vector<Gram> grams;
  std::vector<std::vector<size_t>> orders;
  for (const PromptTexts& texts : prompts) {
    grams.emplace_back(texts, length);
    orders.emplace_back(2 * texts.target.size());
    std::iota(orders.back().begin(), orders.back().end(), size_t{0});
  }
  const double observed = Discrepancy(grams, orders);
  int num_as_large = 0;
  uint64_t num_drawn = 0;
  for (int permutation = 0; permutation < num_permutations; ++permutation) {
    for (std::vector<size_t>& order : orders) {
      for (size_t i = order.size(); i > 1; --i) {
        const double uniform = base::UniformDouble(seed, num_drawn++);
        const auto other =
            static_cast<size_t>(uniform * static_cast<double>(i));
        std::swap(order[i - 1], order[other]);
      }
    }
    // Sums in another order differ in their last bits.
    if (Discrepancy(grams, orders) >= observed - 1e-12) ++num_as_large;
  }
  return (1.0 + num_as_large) / (1.0 + num_permutations);
}

}  // namespace revlm::bench
