// The response predictor: learns online which prompts are informative.
//
// Bayesian linear regression with unknown noise (Bishop 2006, "Pattern
// recognition and machine learning", section 3.3; the conjugate
// normal-inverse-gamma form) of
//
//   y = log2(information + 1e-7 nats)
//
// on features x: those of the text, how far earlier prompts of the same area
// were from the mean, and whether models behave differently there. The prior:
// each weight is independent with mean 0 and variance 1, in units of the noise,
// the constant's with 100.
//
//   A_n = A_0 + sum of x x'      b_n = sum of x y      w_n = A_n^-1 b_n
//   noise^2 = (1/2 + sum of y^2 - w_n' b_n) / (1 + n)
//
// What an area is worth is a sum over its prompts so far, divided by their
// number and 2 more. A prompt learns with the worth from before it, so that its
// own outcome is no feature of itself.
//
// It predicts and draws nothing: `chooser.h` scores a candidate by a draw from
// what is predicted here, mean and deviation.
//
// Measured against random choice: `predictor_test.cc`,
// docs/method-challenges.md.
//
// Threads: thread-compatible. Memory: below 256 KiB. Errors: none.
// Determinism: of the calls in their order; `portable_math.h`.
#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "challenge/draw.h"
#include "challenge/features.h"
#include "challenge/system.h"

namespace revlm::challenge {

class ResponsePredictor {
 public:
  static constexpr size_t kNumFeatures = kNumTextFeatures + kNumAreaLevels + 1;
  using Features = std::array<double, kNumFeatures>;

  ResponsePredictor();

  // Before the first, every prediction is the prior's.
  // REQUIRES: information_nats finite and 0 or more; contrast in [0, 1].
  void Learn(const Challenge& challenge, double contrast,
             double information_nats);

  struct Prediction {
    double log2_information = 0;
    // How unsure that is compared to the mean of all: not how unsure the mean
    // is, nor how prompts scatter.
    double deviation = 0;
  };
  // `contrast`: Profiler::Contrast of the challenge. Cost: kNumFeatures^2.
  Prediction Predict(const Challenge& challenge, double contrast) const;

  size_t num_learnt() const { return num_learnt_; }

 private:
  using Matrix = std::array<Features, kNumFeatures>;
  struct Worth {
    double sum = 0;  // of y - mean
    double count = 0;
  };

  Features FeaturesOf(const Challenge& challenge, const Areas& areas,
                      double contrast) const;
  double MeanFeature(size_t feature_idx) const;
  void Solve();

  size_t num_learnt_ = 0;
  double sum_ = 0;             // of y
  double sum_of_squares_ = 0;  // of y
  Matrix precision_ = {};      // A_n, its lower triangle
  Features moments_ = {};      // b_n
  std::map<std::string, Worth> worths_;
  // Solved from the above.
  Matrix cholesky_ = {};  // lower triangle L, A_n = L L'
  Features weights_ = {};
  double noise_variance_ = 1;
};

}  // namespace revlm::challenge
