// Simulated landscapes for tests: how informative a prompt is, as a function of
// its text that whoever chooses does not know.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <string_view>

#include "base/normal_testing.h"
#include "challenge/system.h"

namespace revlm::testing {

enum class Shape : uint8_t {
  kLinear,     // the logarithm is a sum over properties of the text
  kNonlinear,  // over whether thresholds are passed, alone and in pairs
  kNone,       // of nothing: only noise
};

class Landscape {
 public:
  Landscape(Shape shape, uint64_t seed) : shape_(shape), seed_(seed) {}

  // About 2^-10 nats, give or take a few doublings; half a doubling of it noise
  // that is the text's own.
  double InformationNats(const challenge::Challenge& challenge) const {
    const std::string_view text = challenge.text;
    const auto properties = PropertiesOf(text);
    double sum = 0;
    for (size_t i = 0; i < kNumProperties && shape_ != Shape::kNone; ++i) {
      sum += Weight(i) * Part(i, properties);
      if (shape_ == Shape::kLinear) continue;
      for (size_t j = 0; j < i; ++j) {
        sum += Weight(100 + 10 * i + j) * Part(i, properties) *
               Part(j, properties);
      }
    }
    const uint64_t text_idx = std::hash<std::string_view>()(text) >> 2;
    return std::exp2(-10 + sum + 0.5 * Normal(seed_, text_idx));
  }

 private:
  static constexpr size_t kNumProperties = 8;
  using Properties = std::array<double, kNumProperties>;

  // Each from 0 to about 1.
  static Properties PropertiesOf(std::string_view text) {
    const double size = std::max<double>(1, text.size());
    const auto share = [&](auto is_counted) {
      return static_cast<double>(std::ranges::count_if(text, is_counted)) /
             size;
    };
    return {share([](char c) { return c >= '0' && c <= '9'; }),
            share([](char c) { return static_cast<unsigned char>(c) > 127; }),
            share([](char c) { return c >= 'A' && c <= 'Z'; }),
            share([](char c) { return c == ' '; }) * 3,
            share([](char c) { return c == '\n'; }) * 10,
            share([](char c) { return c > ' ' && c < '0'; }) * 2,
            std::min(1.0, size / 150),
            text.ends_with(' ') || text.ends_with('\n') ? 1.0 : 0.0};
  }

  double Part(size_t idx, const Properties& properties) const {
    if (shape_ == Shape::kLinear) return 2 * properties[idx];
    return properties[idx] > base::UniformDouble(seed_, 50 + idx) / 3 ? 1 : 0;
  }

  double Weight(size_t idx) const {
    return Normal(seed_ ^ 0x77e16475, idx) * (idx < 100 ? 1 : 0.5);
  }

  Shape shape_;
  uint64_t seed_;
};

}  // namespace revlm::testing
