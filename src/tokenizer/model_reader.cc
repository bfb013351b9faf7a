#include "tokenizer/model_reader.h"

#include "base/quote.h"

namespace revlm::tokenizer {
namespace {

using base::MakeError;
using base::Quote;

// Every merge makes a token, most tokens are made in a few ways.
constexpr size_t kMaxMerges = 4 * kMaxTokens;

}  // namespace

Status VocabularySink::Open(char bracket) {
  if (depth_ == 0) is_array_ = bracket == '[';
  if (depth_++ > 0) return Unexpected("a container");
  return {};
}

Status VocabularySink::Close() {
  --depth_;
  return {};
}

Status VocabularySink::Key(std::string_view name) {
  if (is_array_) return {};
  if (name.size() > kMaxTokenBytes) {
    return MakeError(ErrorCode::kCorrupt,
                     "token {} has {} bytes, allowed are {}", Quote(name),
                     name.size(), kMaxTokenBytes);
  }
  if (list_.tokens.size() == kMaxTokens) {
    return MakeError(ErrorCode::kCorrupt,
                     "the vocabulary has more than {} tokens", kMaxTokens);
  }
  list_.tokens.push_back({static_cast<uint32_t>(list_.texts.size()),
                          static_cast<uint32_t>(name.size()), 0});
  list_.texts += name;
  return {};
}

Status VocabularySink::Integer(int64_t value) {
  if (is_array_) return {};
  if (value < 0 || value >= INT32_MAX) {
    return Unexpected(std::to_string(value));
  }
  list_.tokens.back().id = static_cast<int32_t>(value);
  return {};
}

Status VocabularySink::String(std::string_view value) {
  return Unexpected(Quote(value));
}

Status VocabularySink::Other(std::string_view found) {
  return Unexpected(found);
}

Status VocabularySink::Unexpected(std::string_view found) const {
  if (is_array_) return {};
  return MakeError(ErrorCode::kCorrupt,
                   "the id of token {} is {}, allowed is an integer from 0 to "
                   "{}",
                   Quote(list_.TextOf(list_.tokens.back())), found,
                   INT32_MAX - 1);
}

Status MergesSink::Open(char bracket) {
  if (bracket == '{' || depth_ > 1) return Unexpected("a container");
  ++depth_;
  return {};
}

Status MergesSink::Close() {
  if (--depth_ == 1 && list_.ends.size() % 2 != 0) {
    return Unexpected("one token");
  }
  return {};
}

Status MergesSink::Key(std::string_view name) { return Unexpected(name); }

Status MergesSink::Integer(int64_t value) {
  return Unexpected(std::to_string(value));
}

Status MergesSink::Other(std::string_view found) { return Unexpected(found); }

Status MergesSink::String(std::string_view value) {
  if (depth_ == 2) return AddPart(value);
  const size_t space = value.find(' ');
  const bool is_pair = space != std::string_view::npos &&
                       value.find(' ', space + 1) == std::string_view::npos;
  if (!is_pair) return Unexpected(Quote(value));
  REVLM_TRY(AddPart(value.substr(0, space)));
  return AddPart(value.substr(space + 1));
}

Status MergesSink::AddPart(std::string_view part) {
  if (part.size() > kMaxTokenBytes) return Unexpected(Quote(part));
  if (list_.ends.size() == 2 * kMaxMerges) {
    return MakeError(ErrorCode::kCorrupt, "there are more than {} merges",
                     kMaxMerges);
  }
  list_.texts += part;
  list_.ends.push_back(static_cast<uint32_t>(list_.texts.size()));
  return {};
}

std::unexpected<Error> MergesSink::Unexpected(std::string_view found) const {
  return MakeError(ErrorCode::kCorrupt,
                   "merges[{}] (counted from 0) is {}, allowed are two tokens "
                   "with one space between them or an array of two tokens",
                   list_.size(), found);
}

}  // namespace revlm::tokenizer
