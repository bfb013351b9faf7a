#include "tokenizer/bpe.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <utility>

#include "base/quote.h"
#include "tokenizer/utf8.h"

namespace revlm::tokenizer {
namespace {

using base::MakeError;
using base::Quote;

uint64_t HashPair(int32_t left, int32_t right, uint64_t seed) {
  const uint64_t pair =
      (static_cast<uint64_t>(left) << 32) | static_cast<uint32_t>(right);
  return MixHash(pair ^ seed);
}

}  // namespace

Result<Bpe> Bpe::Build(Vocabulary vocabulary, const MergeList& merges,
                       BpeOptions options, const std::string& source) {
  Bpe bpe;
  bpe.merges_.reserve(merges.size());
  std::string whole;
  for (size_t i = 0; i < merges.size(); ++i) {
    const std::string_view left = merges.Part(2 * i);
    const std::string_view right = merges.Part(2 * i + 1);
    whole.assign(left).append(right);
    const auto id = [&](std::string_view text) -> Result<int32_t> {
      if (const auto found = vocabulary.Find(text)) return *found;
      return MakeError(ErrorCode::kCorrupt,
                       "{}: merges[{}] (counted from 0) joins {} and {}, but "
                       "{} is not in the vocabulary",
                       source, i, Quote(left), Quote(right), Quote(text));
    };
    REVLM_ASSIGN_OR_RETURN(const int32_t left_id, id(left));
    REVLM_ASSIGN_OR_RETURN(const int32_t right_id, id(right));
    REVLM_ASSIGN_OR_RETURN(const int32_t merged_id, id(whole));
    bpe.merges_.push_back({left_id, right_id, merged_id});
  }
  // Backwards: of equal merges the reference keeps the last.
  std::vector<uint32_t> ranks(bpe.merges_.size());
  std::iota(ranks.rbegin(), ranks.rend(), 0);
  auto index = HashIndex::Build(
      ranks,
      [&](uint32_t rank, uint64_t seed) {
        return HashPair(bpe.merges_[rank].left, bpe.merges_[rank].right, seed);
      },
      [&](uint32_t a, uint32_t b) {
        return bpe.merges_[a].left == bpe.merges_[b].left &&
               bpe.merges_[a].right == bpe.merges_[b].right;
      },
      [](uint32_t, uint32_t) {});
  if (!index) {
    return MakeError(ErrorCode::kCorrupt,
                     "{}: the merges are made to collide in a hash table",
                     source);
  }
  bpe.merge_index_ = std::move(*index);
  for (char32_t c = 0; c < kNumDirect; ++c) {
    std::string character;
    AppendUtf8(c, &character);
    bpe.character_ids_[c] = vocabulary.Find(character).value_or(-1);
  }
  for (int byte = 0; byte < 256; ++byte) {
    bpe.byte_ids_[static_cast<size_t>(byte)] =
        vocabulary.Find(fmt::format("<0x{:02X}>", byte)).value_or(-1);
  }
  if (options.unk_token) bpe.unk_id_ = vocabulary.Find(*options.unk_token);
  bpe.vocabulary_ = std::move(vocabulary);
  bpe.options_ = std::move(options);
  return bpe;
}

bool Bpe::IsSame(const Bpe& other) const {
  if (vocabulary_.num_ids() != other.vocabulary_.num_ids() ||
      merges_ != other.merges_ || options_ != other.options_) {
    return false;
  }
  for (int32_t id = 0; id < vocabulary_.num_ids(); ++id) {
    if (vocabulary_.Text(id) != other.vocabulary_.Text(id)) return false;
  }
  return true;
}

std::optional<int32_t> Bpe::IdOfCharacter(std::string_view character,
                                          char32_t value) const {
  if (value >= kNumDirect) return vocabulary_.Find(character);
  const int32_t id = character_ids_[value];
  if (id < 0) return std::nullopt;
  return id;
}

std::optional<uint32_t> Bpe::RankOf(int32_t left, int32_t right) const {
  return merge_index_.Find(
      HashPair(left, right, merge_index_.seed()), [&](uint32_t rank) {
        return merges_[rank].left == left && merges_[rank].right == right;
      });
}

// A character without a token: its bytes, or the unknown token, which `*unk`
// holds back so that a run can become one.
Status Bpe::AddUnknown(std::string_view character, std::optional<int32_t>* unk,
                       BpeScratch* scratch) const {
  if (options_.byte_fallback) {
    const auto id_of = [&](char byte) {
      return byte_ids_[static_cast<unsigned char>(byte)];
    };
    if (std::all_of(character.begin(), character.end(),
                    [&](char byte) { return id_of(byte) >= 0; })) {
      for (const char byte : character) {
        scratch->symbols.push_back({id_of(byte), 0, 0});
      }
      return {};
    }
  }
  if (!options_.unk_token) return {};
  if (!unk_id_) {
    return MakeError(ErrorCode::kCorrupt,
                     "encoding {}: it needs the unk_token {}, which is not in "
                     "the vocabulary",
                     Quote(character), Quote(*options_.unk_token));
  }
  if (*unk && !options_.fuse_unk) scratch->symbols.push_back({**unk, 0, 0});
  *unk = unk_id_;
  return {};
}

Status Bpe::AddSymbols(std::string_view piece, BpeScratch* scratch) const {
  std::optional<int32_t> unk;  // held back by AddUnknown
  for (size_t position = 0; position < piece.size();) {
    const CodePoint point = DecodeUtf8(piece, position);
    const std::string_view character = piece.substr(position, point.length);
    position += point.length;
    if (const auto id = IdOfCharacter(character, point.value)) {
      if (unk) scratch->symbols.push_back({*std::exchange(unk, {}), 0, 0});
      scratch->symbols.push_back({*id, 0, 0});
    } else {
      REVLM_TRY(AddUnknown(character, &unk, scratch));
    }
  }
  if (unk) scratch->symbols.push_back({*unk, 0, 0});
  const auto size = static_cast<int32_t>(scratch->symbols.size());
  for (int32_t i = 0; i < size; ++i) {
    auto& symbol = scratch->symbols[static_cast<size_t>(i)];
    symbol.previous = i - 1;
    symbol.next = i + 1 < size ? i + 1 : -1;
  }
  return {};
}

// Appends the pair of the symbol at `position` and the one after it to the
// queue, when they can be merged.
bool Bpe::AppendPair(int32_t position, BpeScratch* scratch) const {
  const auto& left = scratch->symbols[static_cast<size_t>(position)];
  if (left.next < 0) return false;
  const auto& right = scratch->symbols[static_cast<size_t>(left.next)];
  const auto rank = RankOf(left.id, right.id);
  if (!rank) return false;
  scratch->queue.push_back((uint64_t{*rank} << 32) |
                           static_cast<uint32_t>(position));
  return true;
}

void Bpe::PushPair(int32_t position, BpeScratch* scratch) const {
  if (!AppendPair(position, scratch)) return;
  std::push_heap(scratch->queue.begin(), scratch->queue.end(),
                 std::greater<>());
}

void Bpe::MergeSymbols(BpeScratch* scratch) const {
  auto& symbols = scratch->symbols;
  auto& queue = scratch->queue;
  for (size_t i = 0; i < symbols.size(); ++i) {
    AppendPair(static_cast<int32_t>(i), scratch);
  }
  std::make_heap(queue.begin(), queue.end(), std::greater<>());
  while (!queue.empty()) {
    const uint64_t top = queue.front();
    std::pop_heap(queue.begin(), queue.end(), std::greater<>());
    queue.pop_back();
    const Merge& merge = merges_[top >> 32];
    const auto position = static_cast<int32_t>(top & UINT32_MAX);
    auto& left = symbols[static_cast<size_t>(position)];
    // The entry is out of date when one of its symbols has been merged since.
    if (left.id != merge.left || left.next < 0) continue;
    auto& right = symbols[static_cast<size_t>(left.next)];
    if (right.id != merge.right) continue;
    left.id = merge.merged;
    left.next = right.next;
    right.id = -1;
    if (left.next >= 0) {
      symbols[static_cast<size_t>(left.next)].previous = position;
    }
    if (left.previous >= 0) PushPair(left.previous, scratch);
    PushPair(position, scratch);
  }
}

Status Bpe::Encode(std::string_view piece, BpeScratch* scratch,
                   std::vector<int32_t>* ids) const {
  if (options_.ignore_merges) {
    if (const auto id = vocabulary_.Find(piece)) {
      ids->push_back(*id);
      return {};
    }
  }
  scratch->symbols.clear();
  scratch->queue.clear();
  REVLM_TRY(AddSymbols(piece, scratch));
  MergeSymbols(scratch);
  for (const auto& symbol : scratch->symbols) {
    if (symbol.id >= 0) ids->push_back(symbol.id);
  }
  return {};
}

}  // namespace revlm::tokenizer
