#include "tokenizer/added_tokens.h"

#include <algorithm>
#include <utility>

#include "base/heap_size.h"
#include "base/quote.h"
#include "tokenizer/utf8.h"

namespace revlm::tokenizer {
namespace {

using base::MakeError;
using base::Quote;

// Where the whitespace that ends at `end` begins, not before `min_begin`.
uint32_t BeginOfSpace(std::string_view text, uint32_t end, uint32_t min_begin) {
  while (end > min_begin) {
    const CodePoint point = DecodeUtf8Before(text, end);
    if (!IsWhitespace(point.value)) break;
    end -= point.length;
  }
  return std::max(end, min_begin);
}

uint32_t EndOfSpace(std::string_view text, uint32_t begin) {
  while (begin < text.size()) {
    const CodePoint point = DecodeUtf8(text, begin);
    if (!IsWhitespace(point.value)) break;
    begin += point.length;
  }
  return begin;
}

Result<AddedToken> ParseToken(const base::Json& json,
                              const std::string& source) {
  AddedToken token;
  REVLM_ASSIGN_OR_RETURN(auto content,
                         base::GetString(json, "content", source));
  REVLM_ASSIGN_OR_RETURN(const auto id,
                         base::GetInt(json, "id", {0, INT32_MAX - 1}, source));
  if (!content || !id) {
    return MakeError(ErrorCode::kCorrupt,
                     "{}: an added token without \"id\" and \"content\"",
                     source);
  }
  if (content->size() > kMaxTokenBytes) {
    return MakeError(ErrorCode::kCorrupt,
                     "{}: added token {} has {} bytes, allowed are {}", source,
                     Quote(*content), content->size(), kMaxTokenBytes);
  }
  token.content = std::move(*content);
  token.id = static_cast<int32_t>(*id);
  REVLM_ASSIGN_OR_RETURN(const auto special,
                         base::GetBool(json, "special", source));
  const auto flag = [&](const char* key, bool fallback) -> Result<bool> {
    REVLM_ASSIGN_OR_RETURN(const auto value, base::GetBool(json, key, source));
    return value.value_or(fallback);
  };
  REVLM_ASSIGN_OR_RETURN(token.is_single_word, flag("single_word", false));
  REVLM_ASSIGN_OR_RETURN(token.strips_left, flag("lstrip", false));
  REVLM_ASSIGN_OR_RETURN(token.strips_right, flag("rstrip", false));
  token.is_special = special.value_or(false);
  REVLM_ASSIGN_OR_RETURN(token.is_normalized,
                         flag("normalized", !special.value_or(false)));
  token.is_space = EndOfSpace(token.content, 0) == token.content.size();
  return token;
}

bool IsBesideWord(std::string_view text, const TokenMatcher::Match& match) {
  return (match.begin > 0 &&
          IsWord(DecodeUtf8Before(text, match.begin).value)) ||
         (match.end < text.size() && IsWord(DecodeUtf8(text, match.end).value));
}

}  // namespace

Result<AddedTokens> AddedTokens::FromJson(const base::Json& array,
                                          const Vocabulary& vocabulary,
                                          const Normalize& normalize,
                                          const std::string& source) {
  AddedTokens added;
  if (!array.is_array()) {
    return MakeError(ErrorCode::kCorrupt,
                     "{}: \"added_tokens\" is not an array", source);
  }
  std::vector<std::string> raw_patterns;
  std::vector<std::string> normalized_patterns;
  for (const base::Json& json : array) {
    REVLM_ASSIGN_OR_RETURN(AddedToken token, ParseToken(json, source));
    if (token.content.empty()) continue;  // never found, as in the reference
    const auto index = static_cast<uint32_t>(added.tokens_.size());
    if (token.is_normalized) {
      REVLM_ASSIGN_OR_RETURN(token.normalized_content,
                             normalize(token.content));
      // Empty: it is never found.
      if (!token.normalized_content.empty()) {
        added.normalized_.tokens.push_back(index);
        normalized_patterns.push_back(token.normalized_content);
      }
    } else {
      added.raw_.tokens.push_back(index);
      raw_patterns.push_back(token.content);
    }
    REVLM_TRY(added.Add(std::move(token), vocabulary, source));
  }
  const int64_t max_id =
      MaxTokenId(vocabulary.num_tokens() + added.tokens_.size());
  if (added.num_ids_ - 1 > max_id) {
    return MakeError(ErrorCode::kCorrupt,
                     "{}: the largest id of an added token is {}, allowed is "
                     "up to {}",
                     source, added.num_ids_ - 1, max_id);
  }
  added.raw_.matcher = TokenMatcher(std::move(raw_patterns));
  added.normalized_.matcher = TokenMatcher(std::move(normalized_patterns));
  return added;
}

Status AddedTokens::Add(AddedToken token, const Vocabulary& vocabulary,
                        const std::string& source) {
  const auto index = static_cast<uint32_t>(tokens_.size());
  const auto in_vocabulary = vocabulary.Find(token.content);
  if (in_vocabulary && *in_vocabulary != token.id) {
    return MakeError(ErrorCode::kCorrupt,
                     "{}: added token {} has id {}, but {} in the vocabulary",
                     source, Quote(token.content), token.id, *in_vocabulary);
  }
  const auto other = vocabulary.Text(token.id);
  if (other && *other != token.content) {
    return MakeError(ErrorCode::kCorrupt,
                     "{}: id {} is given to both {} and the added token {}",
                     source, token.id, Quote(*other), Quote(token.content));
  }
  if (!by_content_.emplace(token.content, index).second) {
    return MakeError(ErrorCode::kCorrupt, "{}: duplicate added token {}",
                     source, Quote(token.content));
  }
  if (!by_id_.emplace(token.id, index).second) {
    return MakeError(ErrorCode::kCorrupt,
                     "{}: id {} is given to two added tokens, {} is one",
                     source, token.id, Quote(token.content));
  }
  num_ids_ = std::max(num_ids_, token.id + 1);
  tokens_.push_back(std::move(token));
  return {};
}

std::vector<TokenMatcher::Match> AddedTokens::Matches(
    std::string_view text, Parts content, const Searched& searched) const {
  if (content.empty()) return searched.matcher.Find(text);
  std::vector<TokenMatcher::Match> matches;
  const auto add = [&](uint32_t begin, uint32_t end, bool of_space) {
    for (TokenMatcher::Match match :
         searched.matcher.Find(text.substr(begin, end - begin))) {
      if (TokenOf(match, searched).is_space != of_space) continue;
      match.begin += begin;
      match.end += begin;
      matches.push_back(match);
    }
  };
  // Those that steer between the parts of content, each place by itself, so
  // that no text beside one can hide it; then those of whitespace in what is
  // left.
  const auto size = static_cast<uint32_t>(text.size());
  uint32_t begin = 0;
  for (const MarkedText::Part& part : content) {
    add(begin, part.begin, false);
    begin = part.end;
  }
  add(begin, size, false);
  const size_t num_steering = matches.size();
  begin = 0;
  for (size_t i = 0; i < num_steering; ++i) {
    const uint32_t end = matches[i].begin;
    const uint32_t next = matches[i].end;
    add(begin, end, true);
    begin = next;
  }
  add(begin, size, true);
  std::ranges::sort(matches, {}, &TokenMatcher::Match::begin);
  return matches;
}

std::vector<AddedTokens::Segment> AddedTokens::Split(
    std::string_view text, Parts content, const Searched& searched) const {
  std::vector<Segment> segments;
  uint32_t done = 0;
  // The whitespace last measured, so that a long run is walked once.
  uint32_t space_begin = 0;
  uint32_t space_end = 0;
  for (const TokenMatcher::Match& match : Matches(text, content, searched)) {
    const AddedToken& token = TokenOf(match, searched);
    if (token.is_single_word && IsBesideWord(text, match)) continue;
    uint32_t begin = match.begin;
    uint32_t end = match.end;
    if (token.strips_left && begin > done) {
      begin = BeginOfSpace(text, begin, done);
    }
    // A token may follow within whitespace that the last one took: it is still
    // a token, and `begin` is then before `done`.
    if (token.strips_left) begin = std::max(begin, done);
    if (token.strips_right) {
      if (end < space_begin || end > space_end) {
        space_begin = end;
        space_end = EndOfSpace(text, end);
      }
      end = space_end;
    }
    if (done < begin) segments.push_back({done, begin, std::nullopt});
    // Nothing is left of a token that strips and lies in what was taken.
    if (begin < end) segments.push_back({begin, end, token.id});
    done = end;
  }
  const auto size = static_cast<uint32_t>(text.size());
  if (done != size) segments.push_back({done, size, std::nullopt});
  return segments;
}

const AddedToken* AddedTokens::FindSteering(std::string_view normalized) const {
  for (const TokenMatcher::Match& match :
       normalized_.matcher.Find(normalized)) {
    const AddedToken& token = TokenOf(match, normalized_);
    if (!token.is_space) return &token;
  }
  return nullptr;
}

const AddedToken* AddedTokens::Find(std::string_view content) const {
  const auto found = by_content_.find(std::string(content));
  return found == by_content_.end() ? nullptr : &tokens_[found->second];
}

const AddedToken* AddedTokens::FindId(int32_t id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &tokens_[found->second];
}

uint64_t AddedTokens::heap_bytes() const {
  // Beside its value, a node of an unordered map has two words.
  constexpr uint64_t kNodeBytes = 16;
  uint64_t bytes = base::HeapBytes(tokens_);
  for (const AddedToken& token : tokens_) {
    bytes += 2 * base::HeapBytes(token.content) +
             base::HeapBytes(token.normalized_content);
  }
  bytes += by_content_.size() *
           base::HeapBlockBytes(sizeof(*by_content_.begin()) + kNodeBytes);
  bytes += by_id_.size() *
           base::HeapBlockBytes(sizeof(*by_id_.begin()) + kNodeBytes);
  bytes += base::HeapBlockBytes(by_content_.bucket_count() * sizeof(void*)) +
           base::HeapBlockBytes(by_id_.bucket_count() * sizeof(void*));
  for (const Searched* searched : {&raw_, &normalized_}) {
    bytes += base::HeapBytes(searched->tokens) + searched->matcher.heap_bytes();
  }
  return bytes;
}

}  // namespace revlm::tokenizer
