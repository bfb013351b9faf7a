#include "verify/rounding.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace revlm::verify {
namespace {

// One group, wherever its values lie.
class Group {
 public:
  Group(int64_t num, int64_t stride, float* values)
      : num_(num), stride_(stride), values_(values) {}

  // value = f(value), for each.
  template <typename F>
  void Apply(const F& f) {
    for (int64_t i = 0; i < num_; ++i) {
      values_[i * stride_] = f(values_[i * stride_]);
    }
  }
  template <typename F>
  void Each(const F& f) const {
    for (int64_t i = 0; i < num_; ++i) f(values_[i * stride_]);
  }
  // The first of largest size, with its sign.
  float Largest() const {
    float largest = 0;
    Each([&](float w) {
      if (std::abs(w) > std::abs(largest)) largest = w;
    });
    return largest;
  }

 private:
  int64_t num_;
  int64_t stride_;
  float* values_;
};

float AsHalf(float x) { return static_cast<float>(static_cast<_Float16>(x)); }

float InverseOf(float scale) { return scale == 0 ? 0 : 1 / scale; }

void RoundSymmetric(float levels, Group group) {
  const float scale = std::abs(group.Largest()) / levels;
  if (scale == 0) return;
  group.Apply([&](float w) { return std::nearbyint(w / scale) * scale; });
}

void RoundHalfScale(float levels, Group group) {
  const float scale = std::abs(group.Largest()) / levels;
  const float inverse = InverseOf(scale);
  const float kept = AsHalf(scale);
  group.Apply([&](float w) { return std::round(w * inverse) * kept; });
}

void RoundSigned(float half, Group group) {
  const float scale = group.Largest() / -half;
  const float inverse = InverseOf(scale);
  const float kept = AsHalf(scale);
  group.Apply([&](float w) {
    const float code = std::floor(w * inverse + half + 0.5F);
    return (std::min(code, 2 * half - 1) - half) * kept;
  });
}

void RoundOffset(float levels, Group group) {
  float least = INFINITY;
  float most = -INFINITY;
  group.Each([&](float w) {
    least = std::min(least, w);
    most = std::max(most, w);
  });
  const float scale = (most - least) / levels;
  const float inverse = InverseOf(scale);
  const float kept = AsHalf(scale);
  const float kept_least = AsHalf(least);
  group.Apply([&](float w) {
    const float code = std::floor((w - least) * inverse + 0.5F);
    return std::min(code, levels) * kept + kept_least;
  });
}

void RoundZeroPoint(float levels, Group group) {
  float least = 0;
  float most = 0;
  group.Each([&](float w) {
    least = std::min(least, w);
    most = std::max(most, w);
  });
  const float scale = (most - least) / levels;
  if (scale == 0) return;
  const float zero = std::nearbyint(-least / scale);
  group.Apply([&](float w) {
    const float code = std::nearbyint(w / scale) + zero;
    return (std::clamp(code, 0.0F, levels) - zero) * scale;
  });
}

}  // namespace

std::span<const Rounding> Roundings() {
  using enum RoundingScheme;
  static constexpr Rounding kRoundings[] = {
      {"int8-row", kSymmetric, 8, 0},
      {"q8_0", kHalfScale, 8, 32},
      {"q5_0", kSigned, 5, 32},
      {"q4_1", kOffset, 4, 32},
      {"int4-group32", kSymmetric, 4, 32},
      {"q4_0", kSigned, 4, 32},
      {"int4-group128", kZeroPoint, 4, 128},
      {"int3-group32", kSymmetric, 3, 32},
  };
  return kRoundings;
}

std::string Describe(const Rounding& rounding) {
  const std::string groups =
      rounding.group_size == 0
          ? "whole rows"
          : fmt::format("groups of {}", rounding.group_size);
  switch (rounding.scheme) {
    case RoundingScheme::kSymmetric:
      return fmt::format("int{} quantisation ({})", rounding.bits, groups);
    case RoundingScheme::kZeroPoint:
      return fmt::format("int{} quantisation ({}, with a zero point)",
                         rounding.bits, groups);
    case RoundingScheme::kHalfScale:
    case RoundingScheme::kSigned:
    case RoundingScheme::kOffset:
      break;
  }
  return fmt::format("{} quantisation (as of GGUF)", rounding.name);
}

void RoundGroup(const Rounding& rounding, int64_t num, int64_t stride,
                float* values) {
  const Group group(num, stride, values);
  const float half = std::exp2(static_cast<float>(rounding.bits - 1));
  switch (rounding.scheme) {
    case RoundingScheme::kSymmetric:
      return RoundSymmetric(half - 1, group);
    case RoundingScheme::kHalfScale:
      return RoundHalfScale(half - 1, group);
    case RoundingScheme::kSigned:
      return RoundSigned(half, group);
    case RoundingScheme::kOffset:
      return RoundOffset(2 * half - 1, group);
    case RoundingScheme::kZeroPoint:
      return RoundZeroPoint(2 * half - 1, group);
  }
}

}  // namespace revlm::verify
