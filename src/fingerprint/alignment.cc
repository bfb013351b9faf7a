#include "fingerprint/alignment.h"

#include <algorithm>
#include <span>
#include <string>

namespace revlm::fingerprint {
namespace {

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

}  // namespace

std::vector<uint32_t> WordEnds(std::string_view text) {
  std::vector<uint32_t> ends;
  for (size_t i = 1; i <= text.size(); ++i) {
    const bool is_end = i == text.size() || IsBlank(text[i]);
    if (is_end && !IsBlank(text[i - 1])) {
      ends.push_back(static_cast<uint32_t>(i));
    }
  }
  return ends;
}

Result<AlignedPrompt> Align(const tokenizer::Tokenizer& tokenizer,
                            std::string_view text) {
  const std::vector<uint32_t> ends = WordEnds(text);
  AlignedPrompt prompt;
  prompt.tokens.assign(ends.size(), kMissing);
  REVLM_ASSIGN_OR_RETURN(
      prompt.ids, tokenizer.Encode(text, tokenizer::SpecialTokens::kAdd));
  REVLM_ASSIGN_OR_RETURN(
      const std::vector<int32_t> bare,
      tokenizer.Encode(text, tokenizer::SpecialTokens::kOmit));
  const auto found = std::ranges::search(prompt.ids, bare);
  if (found.empty()) return prompt;
  const int32_t first =
      static_cast<int32_t>(found.begin() - prompt.ids.begin());
  for (size_t i = 0; i < bare.size(); ++i) {
    REVLM_ASSIGN_OR_RETURN(const std::string decoded,
                           tokenizer.Decode(std::span(bare).first(i + 1)));
    if (!text.starts_with(decoded)) continue;
    const auto end = std::ranges::lower_bound(ends, decoded.size());
    if (end == ends.end() || *end != decoded.size()) continue;
    int32_t& token = prompt.tokens[static_cast<size_t>(end - ends.begin())];
    if (token == kMissing) token = first + static_cast<int32_t>(i);
  }
  return prompt;
}

}  // namespace revlm::fingerprint
