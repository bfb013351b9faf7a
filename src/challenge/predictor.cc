#include "challenge/predictor.h"

#include <algorithm>
#include <cmath>

#include "challenge/portable_math.h"

namespace revlm::challenge {
namespace {

constexpr double kLeastNats = 1e-7;  // rounding, not a difference of models
constexpr double kMostNats = 100;
constexpr double kConstantVariance = 100;
constexpr double kWorthPrior = 2;
constexpr size_t kMaxAreas = 1024;

}  // namespace

ResponsePredictor::ResponsePredictor() {
  for (size_t i = 0; i < kNumFeatures; ++i) precision_[i][i] = 1;
  precision_[0][0] = 1 / kConstantVariance;
  Solve();
}

ResponsePredictor::Features ResponsePredictor::FeaturesOf(
    const Challenge& challenge, const Areas& areas, double contrast) const {
  Features features = {};
  std::ranges::copy(TextFeaturesOf(challenge), features.begin());
  for (size_t level = 0; level < kNumAreaLevels; ++level) {
    const auto found = worths_.find(areas[level]);
    if (found == worths_.end()) continue;
    const Worth& worth = found->second;
    features[kNumTextFeatures + level] =
        worth.sum / (worth.count + kWorthPrior);
  }
  features.back() = contrast;
  return features;
}

void ResponsePredictor::Learn(const Challenge& challenge, double contrast,
                              double information_nats) {
  const double y =
      PortableLog2(std::min(information_nats, kMostNats) + kLeastNats);
  const Areas areas = AreasOf(challenge);
  const Features x = FeaturesOf(challenge, areas, contrast);
  for (size_t i = 0; i < kNumFeatures; ++i) {
    for (size_t j = 0; j <= i; ++j) precision_[i][j] += x[i] * x[j];
    moments_[i] += x[i] * y;
  }
  ++num_learnt_;
  sum_ += y;
  sum_of_squares_ += y * y;
  const double mean = sum_ / static_cast<double>(num_learnt_);
  for (const std::string& area : areas) {
    if (area.empty()) continue;
    if (worths_.size() >= kMaxAreas && !worths_.contains(area)) continue;
    Worth& worth = worths_[area];
    worth.sum += y - mean;
    worth.count += 1;
  }
  Solve();
}

// Cholesky's factor and two triangular systems.
void ResponsePredictor::Solve() {
  for (size_t i = 0; i < kNumFeatures; ++i) {
    for (size_t j = 0; j <= i; ++j) {
      double sum = precision_[i][j];
      for (size_t k = 0; k < j; ++k) sum -= cholesky_[i][k] * cholesky_[j][k];
      cholesky_[i][j] = i == j ? std::sqrt(sum) : sum / cholesky_[j][j];
    }
  }
  Features half = {};  // L^-1 b
  for (size_t i = 0; i < kNumFeatures; ++i) {
    double sum = moments_[i];
    for (size_t k = 0; k < i; ++k) sum -= cholesky_[i][k] * half[k];
    half[i] = sum / cholesky_[i][i];
  }
  double explained = 0;  // w'b
  for (size_t i = kNumFeatures; i-- > 0;) {
    double sum = half[i];
    for (size_t k = i + 1; k < kNumFeatures; ++k) {
      sum -= cholesky_[k][i] * weights_[k];
    }
    weights_[i] = sum / cholesky_[i][i];
    explained += half[i] * half[i];
  }
  noise_variance_ = (0.5 + std::max(0.0, sum_of_squares_ - explained)) /
                    (1 + static_cast<double>(num_learnt_));
}

// The constant is feature 0, so its products are the others' sums.
double ResponsePredictor::MeanFeature(size_t feature_idx) const {
  if (feature_idx == 0) return 1;
  return num_learnt_ == 0
             ? 0
             : precision_[feature_idx][0] / static_cast<double>(num_learnt_);
}

ResponsePredictor::Prediction ResponsePredictor::Predict(
    const Challenge& challenge, double contrast) const {
  const Features x = FeaturesOf(challenge, AreasOf(challenge), contrast);
  double mean = 0;
  double variance = 0;  // in units of the noise: |L^-1 (x - mean x)|^2
  Features half = {};
  for (size_t i = 0; i < kNumFeatures; ++i) {
    double sum = x[i] - MeanFeature(i);
    for (size_t k = 0; k < i; ++k) sum -= cholesky_[i][k] * half[k];
    half[i] = sum / cholesky_[i][i];
    variance += half[i] * half[i];
    mean += x[i] * weights_[i];
  }
  return {.log2_information = mean,
          .deviation = std::sqrt(variance * noise_variance_)};
}

}  // namespace revlm::challenge
