// Texts made to be slow take less than a second of processor time with every
// tokenizer, and come back as they should.
#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <iostream>
#include <string>
#include <vector>

#include "support/files.h"
#include "tokenizer/test_file.h"
#include "tokenizer/tokenizer.h"

namespace revlm::tokenizer {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr double kMaxSeconds = 20;
#else
constexpr double kMaxSeconds = 1;
#endif

constexpr size_t kMegabyte = 1'000'000;

std::string Repeat(std::string_view unit, size_t num_bytes) {
  std::string text;
  text.reserve(num_bytes + unit.size());
  while (text.size() < num_bytes) text += unit;
  return text;
}

struct HostileText {
  const char* name;
  std::string text;
};

std::vector<HostileText> HostileTexts() {
  return {
      {"a x 100,000", std::string(100'000, 'a')},
      {"1 MB of a", std::string(kMegabyte, 'a')},
      // Marks in the worst order for sorting them: all of class 230 before all
      // of class 220.
      {"1 MB of combining marks",
       Repeat("\u0301", kMegabyte / 2) + Repeat("\u0323", kMegabyte / 2)},
      {"1 MB of spaces, then a letter", std::string(kMegabyte, ' ') + "x"},
      {"300 kB of lines", Repeat(" \n", 300'000)},
      {"300 kB of ideographs", Repeat("\u6f22", 300'000)},
      {"300 kB of half a special token", Repeat("<|endoftext|", 300'000)},
      {"300 kB of NUL", std::string(300'000, '\0')},
      {"300 kB of bytes that are not UTF-8", std::string(300'000, '\xff')},
  };
}

double SecondsToEncode(const Tokenizer& tokenizer, const std::string& text) {
  const std::clock_t start = std::clock();
  const auto ids = tokenizer.Encode(text, SpecialTokens::kAdd);
  const std::clock_t end = std::clock();
  EXPECT_TRUE(ids) << ids.error().message;
  if (ids) {
    const auto decoded = tokenizer.Decode(*ids);
    EXPECT_TRUE(decoded);
  }
  return static_cast<double>(end - start) / CLOCKS_PER_SEC;
}

class HostileTest : public ::testing::TestWithParam<const char*> {};

TEST_P(HostileTest, EncodesInUnderASecond) {
  const auto file =
      testing::ReadZstd(std::string(REVLM_TEST_DATA) + "/tokenizers/" +
                        GetParam() + ".tokenizer.json.zst");
  ASSERT_TRUE(file) << file.error().message;
  const auto tokenizer = Tokenizer::FromJson(*file, GetParam());
  ASSERT_TRUE(tokenizer) << tokenizer.error().message;
  for (const HostileText& hostile : HostileTexts()) {
    const double seconds = SecondsToEncode(*tokenizer, hostile.text);
    EXPECT_LT(seconds, kMaxSeconds) << hostile.name;
    std::cout << GetParam() << ": " << hostile.name << ": " << seconds
              << " s\n";
  }
}

INSTANTIATE_TEST_SUITE_P(Tokenizers, HostileTest,
                         ::testing::Values("gpt2", "gpt-neox-20b", "llama3",
                                           "qwen1-tiktoken", "falcon-tokenizer",
                                           "chatglm", "phi-2", "phi-3",
                                           "tinyllama-chat", "t1k", "t2k"),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(HostileFileTest, ManyAddedTokensAlikeAreFoundInLinearTime) {
  testing::Json file = testing::SmallFile();
  for (int i = 0; i < 200; ++i) {
    const std::string content = std::string(200, 'a') + std::to_string(i);
    auto token = testing::AddedTokenJson(20 + i, content.c_str());
    token["lstrip"] = token["rstrip"] = true;
    file["added_tokens"].push_back(token);
  }
  const auto tokenizer = testing::Load(file);
  ASSERT_TRUE(tokenizer) << tokenizer.error().message;
  EXPECT_LT(SecondsToEncode(*tokenizer, std::string(kMegabyte, 'a')),
            kMaxSeconds);
}

TEST(HostileFileTest, LongRunOfStrippingTokensIsLinear) {
  testing::Json file = testing::SmallFile();
  auto token = testing::AddedTokenJson(8, " ");
  token["rstrip"] = true;
  file["added_tokens"].push_back(token);
  const auto tokenizer = testing::Load(file);
  ASSERT_TRUE(tokenizer) << tokenizer.error().message;
  EXPECT_LT(SecondsToEncode(*tokenizer, std::string(kMegabyte, ' ')),
            kMaxSeconds);
}

}  // namespace
}  // namespace revlm::tokenizer
