#include "support/toy_models.h"

#include <cmath>

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

}  // namespace

ToyModel::ToyModel(uint64_t seed) {
  std::vector<double> logits(kNumContexts * kNumAnswers);
  for (size_t i = 0; i < logits.size(); ++i) {
    logits[i] = 2 * DrawNormal(seed, i);
  }
  SetLogits(logits);
}

ToyModel ToyModel::WithNoise(uint64_t seed, double noise) const {
  std::vector<double> logits(probabilities_.size());
  for (size_t i = 0; i < logits.size(); ++i) {
    logits[i] = std::log(probabilities_[i]) + noise * DrawNormal(seed, i);
  }
  ToyModel model;
  model.SetLogits(logits);
  return model;
}

ToyModel ToyModel::MixedWith(const ToyModel& other, double share) const {
  ToyModel model;
  for (size_t i = 0; i < probabilities_.size(); ++i) {
    model.probabilities_.push_back((1 - share) * probabilities_[i] +
                                   share * other.probabilities_[i]);
  }
  return model;
}

void ToyModel::SetLogits(const std::vector<double>& logits) {
  probabilities_.resize(logits.size());
  for (size_t context = 0; context < kNumContexts; ++context) {
    const size_t first = context * kNumAnswers;
    double sum = 0;
    for (size_t i = first; i < first + kNumAnswers; ++i) {
      probabilities_[i] = std::exp(logits[i]);
      sum += probabilities_[i];
    }
    for (size_t i = first; i < first + kNumAnswers; ++i) {
      probabilities_[i] /= sum;
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
           std::log(probabilities_[i] / other.probabilities_[i]);
  }
  return sum / kNumContexts;
}

}  // namespace revlm::testing
