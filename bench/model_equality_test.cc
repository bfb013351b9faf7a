#include "model_equality.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "base/random.h"

namespace revlm::bench {
namespace {

// Words of which `share` begin with "a".
std::vector<std::string> Words(size_t num, double share, uint64_t seed) {
  std::vector<std::string> words;
  for (uint64_t i = 0; i < num; ++i) {
    std::string word;
    for (uint64_t place = 0; place < 4; ++place) {
      const double uniform = base::UniformDouble(seed, 4 * i + place);
      word += uniform < (place == 0 ? share : 0.5) ? 'a' : 'b';
    }
    words.push_back(word);
  }
  return words;
}

double PlainKernel(std::string a, std::string b, size_t length) {
  a.resize(length, '\0');
  b.resize(length, '\0');
  double sum = 0;
  for (size_t i = 0; i < length; ++i) sum += a[i] == b[i];
  return sum / static_cast<double>(length);
}

// MMD^2 over all pairs of all prompts.
double PlainDiscrepancy(const std::vector<PromptTexts>& prompts,
                        size_t length) {
  double within = 0;
  double between = 0;
  double num = 0;
  for (const PromptTexts& texts : prompts) {
    num += static_cast<double>(texts.target.size());
    for (size_t i = 0; i < texts.target.size(); ++i) {
      for (size_t j = 0; j < texts.target.size(); ++j) {
        between += PlainKernel(texts.target[i], texts.reference[j], length);
        if (i == j) continue;
        within += PlainKernel(texts.target[i], texts.target[j], length) +
                  PlainKernel(texts.reference[i], texts.reference[j], length);
      }
    }
  }
  return within / (num * (num - 1)) - 2 * between / (num * num);
}

// With two texts of each, every one of the arrangements can be listed.
TEST(ModelEqualityTest, PIsTheShareOfArrangementsAsFarApart) {
  const std::vector<std::string> words = {"abba", "ab", "abbaab", "aaaaaaaaaa"};
  constexpr size_t kLength = 6;
  std::vector<size_t> order = {0, 1, 2, 3};
  const auto arranged = [&] {
    return std::vector<PromptTexts>{{{words[order[0]], words[order[1]]},
                                     {words[order[2]], words[order[3]]}}};
  };
  const double observed = PlainDiscrepancy(arranged(), kLength);
  const std::vector<PromptTexts> texts = arranged();
  int num_as_large = 0;
  do {
    num_as_large += PlainDiscrepancy(arranged(), kLength) >= observed - 1e-12;
  } while (std::next_permutation(order.begin(), order.end()));
  EXPECT_NEAR(ModelEqualityP(texts, kLength, 20'000, 1), num_as_large / 24.0,
              0.02);
}

TEST(ModelEqualityTest, PIsUniformForEqualModelsAndSmallForOthers) {
  constexpr int kRepeats = 400;
  int num_small = 0;
  int num_below_half = 0;
  int num_found = 0;
  for (uint64_t repeat = 0; repeat < kRepeats; ++repeat) {
    std::vector<PromptTexts> equal;
    std::vector<PromptTexts> different;
    for (uint64_t prompt = 0; prompt < 4; ++prompt) {
      const uint64_t seed = base::RandomBits(repeat, prompt);
      equal.push_back({Words(6, 0.7, seed), Words(6, 0.7, seed + 1)});
      different.push_back({Words(6, 0.9, seed), Words(6, 0.1, seed + 1)});
    }
    const double p = ModelEqualityP(equal, 4, 99, repeat);
    num_small += p <= 0.05;
    num_below_half += p <= 0.5;
    num_found += ModelEqualityP(different, 4, 99, repeat) <= 0.05;
  }
  // Three standard deviations about 20 and 200.
  EXPECT_NEAR(num_small, 20, 13);
  EXPECT_NEAR(num_below_half, 200, 30);
  EXPECT_GE(num_found, kRepeats * 95 / 100);
}

}  // namespace
}  // namespace revlm::bench
