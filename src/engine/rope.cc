#include "engine/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace revlm::engine {
namespace {

using formats::RopeConfig;

constexpr double kDefaultTheta = 10000;

// A number that a scaling cannot do without.
Result<double> Need(const std::optional<double>& value, const char* key,
                    const RopeConfig& config, const std::string& source) {
  if (value && std::isfinite(*value) && *value > 0) return *value;
  return base::MakeError(
      ErrorCode::kCorrupt,
      "{}: the \"{}\" of rotary scaling \"{}\" is {}, allowed is a number "
      "above 0",
      source, key, config.type, value ? std::to_string(*value) : "absent");
}

// Llama 3.1: long wavelengths are divided by `factor`, short ones kept, those
// in between mixed.
Status ScaleLlama3(const RopeConfig& config, double context,
                   const std::string& source, std::vector<double>& inverse) {
  REVLM_ASSIGN_OR_RETURN(const double factor,
                         Need(config.factor, "factor", config, source));
  REVLM_ASSIGN_OR_RETURN(
      const double low,
      Need(config.low_freq_factor, "low_freq_factor", config, source));
  REVLM_ASSIGN_OR_RETURN(
      const double high,
      Need(config.high_freq_factor, "high_freq_factor", config, source));
  for (double& frequency : inverse) {
    const double wavelength = 2 * std::numbers::pi / frequency;
    if (wavelength < context / high) continue;
    if (wavelength > context / low) {
      frequency /= factor;
      continue;
    }
    const double smooth = (context / wavelength - low) / (high - low);
    frequency = (1 - smooth) * frequency / factor + smooth * frequency;
  }
  return {};
}

double YarnAttentionFactor(double factor, double mscale) {
  return factor <= 1 ? 1 : 0.1 * mscale * std::log(factor) + 1;
}

// YaRN: equation 20 and following of the paper; beta_fast and beta_slow bound
// the dimensions that are mixed.
Result<float> ScaleYarn(const RopeConfig& config, double theta, double context,
                        const std::string& source,
                        std::vector<double>& inverse) {
  REVLM_ASSIGN_OR_RETURN(const double factor,
                         Need(config.factor, "factor", config, source));
  const double dim = 2 * static_cast<double>(inverse.size());
  auto dimension_of = [&](double rotations) {
    return dim * std::log(context / (rotations * 2 * std::numbers::pi)) /
           (2 * std::log(theta));
  };
  double low = dimension_of(config.beta_fast.value_or(32));
  double high = dimension_of(config.beta_slow.value_or(1));
  if (config.truncate.value_or(true)) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, dim - 1);
  if (low == high) high += 0.001;
  for (size_t i = 0; i < inverse.size(); ++i) {
    const double interpolated =
        std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0);
    inverse[i] =
        inverse[i] / factor * interpolated + inverse[i] * (1 - interpolated);
  }
  if (config.attention_factor) {
    return static_cast<float>(*config.attention_factor);
  }
  if (config.mscale.value_or(0) != 0 &&
      config.mscale_all_dim.value_or(0) != 0) {
    return static_cast<float>(
        YarnAttentionFactor(factor, *config.mscale) /
        YarnAttentionFactor(factor, *config.mscale_all_dim));
  }
  return static_cast<float>(YarnAttentionFactor(factor, 1));
}

}  // namespace

Result<Rope> Rope::Create(const RopeConfig& config, int64_t rotary_dim,
                          int64_t max_positions, const std::string& source) {
  RopeConfig checked = config;
  if (!checked.theta) checked.theta = kDefaultTheta;
  REVLM_ASSIGN_OR_RETURN(const double theta,
                         Need(checked.theta, "rope_theta", config, source));
  std::vector<double> inverse(static_cast<size_t>(rotary_dim / 2));
  for (size_t i = 0; i < inverse.size(); ++i) {
    // The exponent and the power are f32 in the reference.
    const float exponent =
        static_cast<float>(2 * i) / static_cast<float>(rotary_dim);
    inverse[i] = 1.0f / static_cast<float>(std::pow(theta, exponent));
  }
  Rope rope;
  const double context = static_cast<double>(
      config.original_max_positions.value_or(max_positions));
  if (config.type == "linear") {
    REVLM_ASSIGN_OR_RETURN(const double factor,
                           Need(config.factor, "factor", config, source));
    for (double& frequency : inverse) frequency /= factor;
  } else if (config.type == "llama3") {
    REVLM_TRY(ScaleLlama3(config, context, source, inverse));
  } else if (config.type == "yarn") {
    REVLM_ASSIGN_OR_RETURN(rope.attention_factor_,
                           ScaleYarn(config, theta, context, source, inverse));
  } else if (config.type != "default") {
    return base::MakeError(
        ErrorCode::kUnsupported,
        "{}: rotary scaling \"{}\" is not supported; supported are default, "
        "linear, llama3 and yarn",
        source, config.type);
  }
  for (const double frequency : inverse) {
    rope.frequencies_.push_back(static_cast<float>(frequency));
  }
  return rope;
}

void Rope::Angles(int64_t position, float* cosines, float* sines) const {
  for (size_t i = 0; i < frequencies_.size(); ++i) {
    const float angle = static_cast<float>(position) * frequencies_[i];
    cosines[i] = static_cast<float>(std::cos(static_cast<double>(angle))) *
                 attention_factor_;
    sines[i] = static_cast<float>(std::sin(static_cast<double>(angle))) *
               attention_factor_;
  }
}

}  // namespace revlm::engine
