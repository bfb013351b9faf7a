// Texts made to be slow take less than a second of processor time with every
// tokenizer, and come back as they should.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "tokenizer/real_tokenizers_testing.h"
#include "tokenizer/test_file.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/vocabulary.h"

namespace revlm::tokenizer {
namespace {

#if defined(REVLM_SANITIZED)
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
  const Tokenizer& tokenizer = testing::RealTokenizer(GetParam());
  for (const HostileText& hostile : HostileTexts()) {
    const double seconds = SecondsToEncode(tokenizer, hostile.text);
    EXPECT_LT(seconds, kMaxSeconds) << hostile.name;
    std::cout << GetParam() << ": " << hostile.name << ": " << seconds
              << " s\n";
  }
}

INSTANTIATE_TEST_SUITE_P(Tokenizers, HostileTest,
                         ::testing::ValuesIn(testing::kRealTokenizers),
                         testing::TokenizerTestName);

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

std::string List(std::string_view element, size_t num_bytes) {
  return Repeat(std::string(element) + ",", num_bytes) + std::string(element);
}

// Loads `text` in a process that may take 128 MiB more than it has.
[[noreturn]] void LoadIn128MiB(const std::string& text) {
  size_t num_pages = 0;
  std::ifstream("/proc/self/statm") >> num_pages;
  const rlim_t limit =
      num_pages * static_cast<size_t>(getpagesize()) + (rlim_t{128} << 20);
  const rlimit limits{limit, limit};
  if (setrlimit(RLIMIT_AS, &limits) != 0) std::_Exit(2);
  const auto tokenizer = Tokenizer::FromJson(text, "t.json");
  std::_Exit(tokenizer || !tokenizer.error().message.empty() ? 0 : 1);
}

TEST(HostileFileTest, FileOfAMegabyteIsReadWithin128MiB) {
#if defined(REVLM_SANITIZED)
  GTEST_SKIP() << "sanitizers reserve more address space than the limit";
#endif
  constexpr size_t kBytes = (size_t{1} << 20) - 200;
  const std::string empty_model = R"("model":{"vocab":{},"merges":[]}})";
  std::string tokens;
  std::string added;
  for (int i = 0; tokens.size() < kBytes; ++i) {
    tokens +=
        (i > 0 ? ",\"" : "\"") + std::to_string(i) + "\":" + std::to_string(i);
  }
  for (int i = 0; added.size() < kBytes; ++i) {
    added += (i > 0 ? "," : "") + std::string(R"({"id":)") + std::to_string(i) +
             R"(,"content":")" + std::to_string(i) + "\"}";
  }
  const std::string files[] = {
      R"({"model":{"vocab":{)" + tokens + R"(},"merges":[]}})",
      R"({"model":{"vocab":{"":0},"merges":[)" + List("\" \"", kBytes) + "]}}",
      R"({"added_tokens":[)" + added + "]," + empty_model,
      R"({"x":[)" + List("{}", kBytes) + "]," + empty_model,
      R"({"x":[)" + List("{\"\":0}", kBytes) + "]," + empty_model,
      R"({"added_tokens":[{"id":0,"content":")" +
          std::string(kMaxTokenBytes, 'a') + "\"}]," + empty_model,
  };
  for (const std::string& file : files) {
    EXPECT_EXIT(LoadIn128MiB(file), ::testing::ExitedWithCode(0), "")
        << file.substr(0, 40);
  }
}

}  // namespace
}  // namespace revlm::tokenizer
