#include "fingerprint/alignment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <span>
#include <string>

#include "tokenizer/real_tokenizers_testing.h"

namespace revlm::fingerprint {
namespace {

using ::testing::ElementsAre;
using tokenizer::SpecialTokens;
using tokenizer::Tokenizer;

constexpr char kText[] =
    "All birds have feathers. A robin is a bird.\nTherefore a robin";

TEST(AlignmentTest, WordsEndBeforeBlanksAndAtTheEnd) {
  EXPECT_THAT(WordEnds("a bc\n d  "), ElementsAre(1, 4, 7));
  EXPECT_THAT(WordEnds(" one"), ElementsAre(4));
  EXPECT_THAT(WordEnds("中国的"), ElementsAre(9));
  EXPECT_THAT(WordEnds(" \n"), ElementsAre());
  EXPECT_THAT(WordEnds(""), ElementsAre());
}

class AlignTest : public ::testing::TestWithParam<const char*> {};

TEST_P(AlignTest, ATokenOfAPositionEndsExactlyThere) {
  const Tokenizer& tokenizer = testing::RealTokenizer(GetParam());
  const auto prompt = Align(tokenizer, kText);
  ASSERT_TRUE(prompt) << prompt.error().message;
  const auto ids = tokenizer.Encode(kText, SpecialTokens::kAdd);
  ASSERT_TRUE(ids);
  EXPECT_EQ(prompt->ids, *ids);
  const std::vector<uint32_t> ends = WordEnds(kText);
  ASSERT_EQ(prompt->tokens.size(), ends.size());
  // Whatever comes before the text decodes to something else.
  const auto whole = tokenizer.Decode(*ids);
  ASSERT_TRUE(whole);
  const size_t before = whole->find("All");
  for (size_t i = 0; i < ends.size(); ++i) {
    if (prompt->tokens[i] == kMissing) continue;
    const auto decoded = tokenizer.Decode(
        std::span(*ids).first(static_cast<size_t>(prompt->tokens[i]) + 1));
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->substr(before), std::string(kText).substr(0, ends[i]));
  }
  // These split texts at blanks, but some have a token for ".\n".
  EXPECT_LE(std::ranges::count(prompt->tokens, kMissing), 1);
  EXPECT_EQ(prompt->tokens.back(), static_cast<int32_t>(ids->size()) - 1);
}

INSTANTIATE_TEST_SUITE_P(Tokenizers, AlignTest,
                         ::testing::Values("t1k", "t2k", "gpt2", "llama3",
                                           "tinyllama-chat", "phi-3"),
                         testing::TokenizerTestName);

TEST(AlignmentTest, CharactersThatTokensSplitAreNoPositions) {
  const Tokenizer& tokenizer = testing::RealTokenizer("t1k");
  const auto prompt = Align(tokenizer, "中国的首都是 x");
  ASSERT_TRUE(prompt);
  ASSERT_EQ(prompt->tokens.size(), 2U);
  EXPECT_NE(prompt->tokens[1], kMissing);
}

}  // namespace
}  // namespace revlm::fingerprint
