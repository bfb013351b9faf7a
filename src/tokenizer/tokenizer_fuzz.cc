// What a tokenizer file is accepted with, it can encode and decode: any text,
// to ids that exist, and back to valid UTF-8.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/utf8.h"

namespace {

using revlm::tokenizer::SpecialTokens;
using revlm::tokenizer::Tokenizer;

void CheckText(const Tokenizer& tokenizer, std::string_view text) {
  const auto ids = tokenizer.Encode(text, SpecialTokens::kAdd);
  if (!ids) return;
  for (const int32_t id : *ids) {
    REVLM_CHECK(id >= 0 && id < tokenizer.num_ids());
    REVLM_CHECK(tokenizer.TokenText(id).has_value());
  }
  const auto decoded = tokenizer.Decode(*ids);
  if (decoded) REVLM_CHECK(revlm::tokenizer::IsValidUtf8(*decoded));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto tokenizer = Tokenizer::FromJson(input, "input");
  if (!tokenizer) {
    REVLM_CHECK(!tokenizer.error().message.empty());
    return 0;
  }
  constexpr std::string_view kText =
      "Don't  stop: 12 caf\xc3\xa9\n\te\xcc\x81 \xe2\x96\x81<s>\xff aaab";
  CheckText(*tokenizer, "");
  CheckText(*tokenizer, kText);
  CheckText(*tokenizer, input);
  std::string backwards(input);
  std::reverse(backwards.begin(), backwards.end());
  CheckText(*tokenizer, backwards);
  return 0;
}
