#include "verify/shared_tokens.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "verify/weights_testing.h"

namespace revlm::verify {
namespace {

tokenizer::Tokenizer Vocabulary(const std::vector<std::string>& tokens) {
  std::string vocabulary;
  for (size_t i = 0; i < tokens.size(); ++i) {
    vocabulary +=
        fmt::format(R"({}"{}": {})", i == 0 ? "" : ", ", tokens[i], i);
  }
  auto made = tokenizer::Tokenizer::FromJson(
      fmt::format(R"({{"model": {{"type": "BPE", "vocab": {{{}}},
                       "merges": []}}}})",
                  vocabulary),
      "test");
  EXPECT_TRUE(made) << made.error().message;
  return *std::move(made);
}

TEST(SharedTokensTest, TokensOfEqualTextAreTheSameWhateverTheirIds) {
  const auto a = Vocabulary({"x", "y", "z", "w"});
  const auto b = Vocabulary({"q", "z", "x"});
  const SharedTokens shared = FindSharedTokens(a, 4, b, 3, 10);
  std::set<std::pair<int32_t, int32_t>> pairs;
  for (size_t i = 0; i < shared.size(); ++i) {
    pairs.insert({shared.ids_a[i], shared.ids_b[i]});
  }
  EXPECT_EQ(pairs, (std::set<std::pair<int32_t, int32_t>>{{0, 2}, {2, 1}}));
}

TEST(SharedTokensTest, IdsWithoutARowAreLeftOut) {
  const auto a = Vocabulary({"x", "y", "z"});
  EXPECT_EQ(FindSharedTokens(a, 2, a, 3, 10).size(), 2u);
  EXPECT_EQ(FindSharedTokens(a, 3, a, 1, 10).size(), 1u);
}

TEST(SharedTokensTest, TheChoiceDependsOnTextsAlone) {
  const auto a = Vocabulary({"a", "b", "c", "d", "e", "f"});
  const auto b = Vocabulary({"f", "e", "d", "c", "b", "a"});
  const SharedTokens of_a = FindSharedTokens(a, 6, a, 6, 3);
  const SharedTokens of_b = FindSharedTokens(b, 6, b, 6, 3);
  ASSERT_EQ(of_a.size(), 3u);
  ASSERT_EQ(of_b.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(a.TokenText(of_a.ids_a[i]), b.TokenText(of_b.ids_a[i]));
  }
}

}  // namespace
}  // namespace revlm::verify
