// Every text of the golden files has the ids and the decoded text that the
// reference implementation gave, for eleven tokenizers.
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <sstream>
#include <string>

#include "base/json.h"
#include "support/files.h"
#include "tokenizer/real_tokenizers_testing.h"
#include "tokenizer/tokenizer.h"

namespace revlm::tokenizer {
namespace {

constexpr int kNumTexts = 434;

class GoldenTest : public ::testing::TestWithParam<const char*> {};

TEST_P(GoldenTest, EveryTextAgreesWithTheReference) {
  const std::string name = GetParam();
  const Tokenizer& tokenizer = testing::RealTokenizer(name);
  const auto golden =
      testing::ReadZstd(testing::TokenizerDataPath(name + ".golden.jsonl.zst"));
  ASSERT_TRUE(golden) << golden.error().message;

  std::istringstream lines(*golden);
  std::string line;
  int num_texts = 0;
  int num_agreeing = 0;
  while (std::getline(lines, line)) {
    const auto entry = base::ParseJson(line, name);
    ASSERT_TRUE(entry) << entry.error().message;
    const std::string text = (*entry)["text"];
    const std::vector<int32_t> ids = (*entry)["ids"];
    const std::vector<int32_t> ids_special = (*entry)["ids_special"];
    const std::string decoded = (*entry)["decoded"];
    const auto found = tokenizer.Encode(text, SpecialTokens::kOmit);
    const auto found_special = tokenizer.Encode(text, SpecialTokens::kAdd);
    const auto found_decoded = tokenizer.Decode(ids);
    ASSERT_TRUE(found) << found.error().message;
    ASSERT_TRUE(found_special) << found_special.error().message;
    ASSERT_TRUE(found_decoded) << found_decoded.error().message;
    EXPECT_EQ(*found, ids) << line;
    EXPECT_EQ(*found_special, ids_special) << line;
    EXPECT_EQ(*found_decoded, decoded) << line;
    ++num_texts;
    num_agreeing += *found == ids && *found_special == ids_special &&
                    *found_decoded == decoded;
  }
  std::cout << name << " (" << tokenizer.Description() << "): " << num_agreeing
            << " of " << num_texts << " texts agree\n";
  EXPECT_EQ(num_texts, kNumTexts);
  EXPECT_EQ(num_agreeing, kNumTexts);
}

INSTANTIATE_TEST_SUITE_P(Tokenizers, GoldenTest,
                         ::testing::ValuesIn(testing::kRealTokenizers),
                         testing::TokenizerTestName);

TEST(DamagedTest, DamagedMergeIsNamedByItsLine) {
  const auto file = testing::ReadZstd(
      testing::TokenizerDataPath("llama2-damaged.tokenizer.json.zst"));
  ASSERT_TRUE(file) << file.error().message;
  const auto tokenizer = Tokenizer::FromJson(*file, "tokenizer.json");
  ASSERT_FALSE(tokenizer);
  EXPECT_EQ(tokenizer.error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(tokenizer.error().message,
            "tokenizer.json: merges[18917] (counted from 0) is \"   \", "
            "allowed are two tokens with one space between them or an array of "
            "two tokens");
}

}  // namespace
}  // namespace revlm::tokenizer
