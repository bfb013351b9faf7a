#include "support/toy_models.h"

#include <cmath>
#include <numeric>
#include <utility>

#include "base/random.h"

namespace revlm::testing {
namespace {

// Nearly normal, of mean 0 and standard deviation 1: a sum of 12 uniform ones.
double DrawNormal(uint64_t seed, uint64_t idx) {
  double sum = -6;
  for (uint64_t i = 0; i < 12; ++i) {
    sum += base::UniformDouble(seed, 12 * idx + i);
  }
  return sum;
}

std::vector<double> DrawWeights(uint64_t seed) {
  std::vector<double> weights(ToyModel::kNumContexts * ToyModel::kNumAnswers);
  for (size_t i = 0; i < weights.size(); ++i) {
    weights[i] = std::exp(2 * DrawNormal(seed, i));
  }
  return weights;
}

}  // namespace

ToyModel::ToyModel(uint64_t seed) : ToyModel(DrawWeights(seed)) {}

ToyModel ToyModel::WithNoise(uint64_t seed, double noise) const {
  std::vector<double> weights(probabilities_.size());
  for (size_t i = 0; i < weights.size(); ++i) {
    weights[i] = std::exp(log_probabilities_[i] + noise * DrawNormal(seed, i));
  }
  return ToyModel(std::move(weights));
}

ToyModel ToyModel::MixedWith(const ToyModel& other, double share) const {
  std::vector<double> weights(probabilities_.size());
  for (size_t i = 0; i < weights.size(); ++i) {
    weights[i] =
        (1 - share) * probabilities_[i] + share * other.probabilities_[i];
  }
  return ToyModel(std::move(weights));
}

ToyModel::ToyModel(std::vector<double> weights)
    : probabilities_(std::move(weights)) {
  for (auto first = probabilities_.begin(); first != probabilities_.end();
       first += kNumAnswers) {
    const double sum = std::accumulate(first, first + kNumAnswers, 0.0);
    for (auto it = first; it != first + kNumAnswers; ++it) {
      *it /= sum;
      log_probabilities_.push_back(std::log(*it));
    }
  }
}

size_t ToyModel::Draw(size_t context, double uniform) const {
  for (size_t answer = 0; answer + 1 < kNumAnswers; ++answer) {
    uniform -= probability(context, answer);
    if (uniform < 0) return answer;
  }
  return kNumAnswers - 1;
}

double ToyModel::DivergenceFrom(const ToyModel& other) const {
  double sum = 0;
  for (size_t i = 0; i < probabilities_.size(); ++i) {
    sum += probabilities_[i] *
           (log_probabilities_[i] - other.log_probabilities_[i]);
  }
  return sum / kNumContexts;
}

}  // namespace revlm::testing
