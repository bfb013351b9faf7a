#include "tokenizer/vocabulary.h"

#include <algorithm>
#include <utility>

namespace revlm::tokenizer {

Result<Vocabulary> Vocabulary::Build(TokenList list,
                                     const std::string& source) {
  Vocabulary vocabulary;
  int32_t max_id = -1;
  for (const auto& token : list.tokens) max_id = std::max(max_id, token.id);
  if (max_id > MaxTokenId(list.tokens.size())) {
    return base::MakeError(
        ErrorCode::kCorrupt,
        "{}: the largest id of the vocabulary is {}, allowed is up to {} for "
        "{} tokens",
        source, max_id, MaxTokenId(list.tokens.size()), list.tokens.size());
  }
  vocabulary.spans_.resize(static_cast<size_t>(max_id) + 1);
  vocabulary.num_tokens_ = list.tokens.size();
  std::vector<uint32_t> ids;
  ids.reserve(list.tokens.size());
  for (const auto& token : list.tokens) {
    Span& span = vocabulary.spans_[static_cast<size_t>(token.id)];
    if (span.length != kNoToken) {
      return base::MakeError(
          ErrorCode::kCorrupt, "{}: id {} is given to both \"{}\" and \"{}\"",
          source, token.id,
          std::string_view(list.texts).substr(span.offset, span.length),
          list.TextOf(token));
    }
    span = {token.offset, token.length};
    ids.push_back(static_cast<uint32_t>(token.id));
  }
  list.tokens = {};
  vocabulary.texts_ = std::move(list.texts);
  vocabulary.texts_.shrink_to_fit();
  std::optional<std::pair<uint32_t, uint32_t>> duplicate;
  auto index = HashIndex::Build(
      ids,
      [&](uint32_t id, uint64_t seed) {
        return HashText(vocabulary.TextAt(id), seed);
      },
      [&](uint32_t a, uint32_t b) {
        return vocabulary.TextAt(a) == vocabulary.TextAt(b);
      },
      [&](uint32_t kept, uint32_t dropped) { duplicate = {kept, dropped}; });
  if (duplicate) {
    return base::MakeError(ErrorCode::kCorrupt,
                           "{}: duplicate token \"{}\", with ids {} and {}",
                           source, vocabulary.TextAt(duplicate->first),
                           duplicate->first, duplicate->second);
  }
  if (!index) {
    return base::MakeError(ErrorCode::kCorrupt,
                           "{}: the tokens are made to collide in a hash table",
                           source);
  }
  vocabulary.index_ = std::move(*index);
  return vocabulary;
}

std::optional<int32_t> Vocabulary::Find(std::string_view token) const {
  const auto id = index_.Find(HashText(token, index_.seed()),
                              [&](uint32_t i) { return TextAt(i) == token; });
  if (!id) return std::nullopt;
  return static_cast<int32_t>(*id);
}

std::optional<std::string_view> Vocabulary::Text(int32_t id) const {
  if (id < 0 || id >= num_ids()) return std::nullopt;
  const auto i = static_cast<uint32_t>(id);
  if (spans_[i].length == kNoToken) return std::nullopt;
  return TextAt(i);
}

}  // namespace revlm::tokenizer
