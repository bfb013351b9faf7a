// Models of so few contexts and answers that all about them is known exactly.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace revlm::testing {

// A distribution of kNumAnswers answers in each of kNumContexts contexts.
class ToyModel {
 public:
  static constexpr size_t kNumContexts = 36;
  static constexpr size_t kNumAnswers = 16;

  explicit ToyModel(uint64_t seed);

  // With `noise` (standard deviation) added to each logit: as quantising does.
  ToyModel WithNoise(uint64_t seed, double noise) const;
  // Which answers as `other` does with probability `share`.
  ToyModel MixedWith(const ToyModel& other, double share) const;

  double probability(size_t context, size_t answer) const {
    return probabilities_[context * kNumAnswers + answer];
  }
  double log_probability(size_t context, size_t answer) const {
    return log_probabilities_[context * kNumAnswers + answer];
  }
  // For `uniform` in [0, 1).
  size_t Draw(size_t context, double uniform) const;

  // KL(this || other), the mean over contexts, in nats.
  double DivergenceFrom(const ToyModel& other) const;

 private:
  // Of unnormalised weights, [context][answer].
  explicit ToyModel(std::vector<double> weights);

  std::vector<double> probabilities_;  // [context][answer]
  std::vector<double> log_probabilities_;
};

}  // namespace revlm::testing
