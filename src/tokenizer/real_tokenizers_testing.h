// The real tokenizers of tests/data/tokenizers, each read once.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "support/files.h"
#include "tokenizer/tokenizer.h"

namespace revlm::testing {

inline constexpr const char* kRealTokenizers[] = {
    "gpt2",    "gpt-neox-20b", "llama3", "qwen1-tiktoken", "falcon-tokenizer",
    "chatglm", "phi-2",        "phi-3",  "tinyllama-chat", "t1k",
    "t2k"};

inline std::string TokenizerDataPath(const std::string& name) {
  return std::string(REVLM_TEST_DATA) + "/tokenizers/" + name;
}

// Of one thread. Throws where the file is missing or refused.
inline const tokenizer::Tokenizer& RealTokenizer(const std::string& name) {
  static std::map<std::string, tokenizer::Tokenizer> kept;
  if (const auto found = kept.find(name); found != kept.end()) {
    return found->second;
  }
  const auto file = ReadZstd(TokenizerDataPath(name + ".tokenizer.json.zst"));
  auto loaded = tokenizer::Tokenizer::FromJson(file.value(), name);
  EXPECT_TRUE(loaded) << loaded.error().message;
  return kept.emplace(name, std::move(loaded).value()).first->second;
}

// A name that GoogleTest takes.
inline std::string TokenizerTestName(
    const ::testing::TestParamInfo<const char*>& test) {
  std::string name = test.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

}  // namespace revlm::testing
