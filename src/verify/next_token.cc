#include "verify/next_token.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"

namespace revlm::verify {
namespace {

// d - 1 + exp(-d) where |d| is small: d^2/2 - d^3/6 + d^4/24 - ...
double SmallTerm(double d) {
  const double square = d * d;
  return square *
         (0.5 +
          d * (-1.0 / 6 +
               d * (1.0 / 24 +
                    d * (-1.0 / 120 + d * (1.0 / 720 - d * (1.0 / 5040))))));
}

}  // namespace

void SetFromLogits(std::span<const float> logits, Distribution& out) {
  out.p.resize(logits.size());
  out.log_p.resize(logits.size());
  const double largest = *std::ranges::max_element(logits);
  double sum = 0;
  for (size_t i = 0; i < logits.size(); ++i) {
    out.p[i] = std::exp(logits[i] - largest);
    sum += out.p[i];
  }
  const double log_sum = std::log(sum);
  for (size_t i = 0; i < logits.size(); ++i) {
    out.p[i] /= sum;
    out.log_p[i] = logits[i] - largest - log_sum;
  }
}

Certainty CertaintyOf(std::span<const float> logits, size_t row_floats,
                      Distribution& workspace) {
  Certainty mean;
  for (size_t begin = 0; begin < logits.size(); begin += row_floats) {
    SetFromLogits(logits.subspan(begin, row_floats), workspace);
    for (size_t i = 0; i < row_floats; ++i) {
      // Of what is not probable at all, p ln p is 0.
      if (workspace.p[i] > 0) {
        mean.mean_entropy_nats -= workspace.p[i] * workspace.log_p[i];
      }
    }
    mean.mean_top_probability += *std::ranges::max_element(workspace.p);
  }
  const double num_positions = static_cast<double>(logits.size() / row_floats);
  mean.mean_entropy_nats =
      std::max(mean.mean_entropy_nats / num_positions, 0.0);
  mean.mean_top_probability /= num_positions;
  return mean;
}

void SetFromTokens(const Distribution& tokens,
                   std::span<const uint16_t> first_bytes, Distribution& out) {
  REVLM_CHECK(tokens.p.size() == first_bytes.size());
  out.p.assign(kNumFirstBytes, 0);
  out.log_p.resize(kNumFirstBytes);
  for (size_t i = 0; i < first_bytes.size(); ++i) {
    out.p[first_bytes[i]] += tokens.p[i];
  }
  for (size_t i = 0; i < kNumFirstBytes; ++i) {
    out.log_p[i] =
        std::log(std::max(out.p[i], std::numeric_limits<double>::min()));
  }
}

BothNats Divergences(const Distribution& a, const Distribution& b) {
  REVLM_CHECK(a.p.size() == b.p.size());
  constexpr double kSmall = 0.02;
  BothNats sum;
  for (size_t i = 0; i < a.p.size(); ++i) {
    const double p = a.p[i];
    const double q = b.p[i];
    if (p == 0 && q == 0) continue;
    const double d = a.log_p[i] - b.log_p[i];
    if (std::abs(d) < kSmall) {
      sum.nats += p * SmallTerm(d);
      sum.mirror += q * SmallTerm(-d);
      continue;
    }
    // One of them may be 0, and the logarithm of its ratio infinite.
    sum.nats += p == 0 ? q : std::max(0.0, p * d - p + q);
    sum.mirror += q == 0 ? p : std::max(0.0, q * -d - q + p);
  }
  return sum;
}

}  // namespace revlm::verify
