// Byte pair encoding: splits a piece of text into characters and joins
// neighbours, always the pair that comes first in the list of merges, leftmost
// first.
//
// Threads: immutable; the scratch space is the caller's. Memory: 18 to 24 bytes
// a merge; while encoding, about 20 bytes a character of the longest piece.
// Cost of encoding: O(n log n) for a piece of n bytes, whatever the piece.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "tokenizer/hash_index.h"
#include "tokenizer/vocabulary.h"

namespace revlm::tokenizer {

// The merges as they are read: the two parts of merge i are the pieces 2i and
// 2i+1 of `texts`. `ends[k]` is where piece k ends.
struct MergeList {
  std::string texts;
  std::vector<uint32_t> ends;

  size_t size() const { return ends.size() / 2; }
  std::string_view Part(size_t k) const {
    const uint32_t begin = k == 0 ? 0 : ends[k - 1];
    return std::string_view(texts).substr(begin, ends[k] - begin);
  }
};

struct BpeOptions {
  bool operator==(const BpeOptions&) const = default;

  // Stands for characters that are not tokens; without it they are dropped.
  std::optional<std::string> unk_token;
  bool fuse_unk = false;       // one unk_token for a run of them
  bool byte_fallback = false;  // <0x00>...<0xFF> for the bytes of them
  bool ignore_merges = false;  // a piece that is a token is not split
};

// Working memory, reused from piece to piece.
struct BpeScratch {
  struct Symbol {
    int32_t id;  // -1: merged into the one before
    int32_t previous;
    int32_t next;
  };
  std::vector<Symbol> symbols;
  std::vector<uint64_t> queue;  // rank << 32 | position, a min-heap
};

class Bpe {
 public:
  Bpe() = default;

  // Errors: kCorrupt for a merge whose parts or whole are not tokens; it is
  // named by its index in the list, from 0.
  static Result<Bpe> Build(Vocabulary vocabulary, const MergeList& merges,
                           BpeOptions options, const std::string& source);

  // Appends the ids of `piece`, valid UTF-8. Errors: kCorrupt when a character
  // needs an unk_token that is not in the vocabulary.
  Status Encode(std::string_view piece, BpeScratch* scratch,
                std::vector<int32_t>* ids) const;

  // The same tokens under the same ids, merges in the same order, and options.
  bool IsSame(const Bpe& other) const;

  const Vocabulary& vocabulary() const { return vocabulary_; }
  uint64_t heap_bytes() const {
    return vocabulary_.heap_bytes() + base::HeapBytes(merges_) +
           merge_index_.heap_bytes();
  }
  // Of what stands for characters that no token has.
  std::optional<int32_t> unk_id() const { return unk_id_; }
  bool has_byte_fallback() const { return options_.byte_fallback; }

 private:
  struct Merge {
    int32_t left;
    int32_t right;
    int32_t merged;

    bool operator==(const Merge&) const = default;
  };

  Status AddSymbols(std::string_view piece, BpeScratch* scratch) const;
  Status AddUnknown(std::string_view character, std::optional<int32_t>* unk,
                    BpeScratch* scratch) const;
  std::optional<int32_t> IdOfCharacter(std::string_view character,
                                       char32_t value) const;
  std::optional<uint32_t> RankOf(int32_t left, int32_t right) const;
  bool AppendPair(int32_t position, BpeScratch* scratch) const;
  void PushPair(int32_t position, BpeScratch* scratch) const;
  void MergeSymbols(BpeScratch* scratch) const;

  static constexpr size_t kNumDirect = 512;

  Vocabulary vocabulary_;
  BpeOptions options_;
  std::optional<int32_t> unk_id_;
  std::vector<Merge> merges_;  // by rank
  HashIndex merge_index_;      // of ranks, by left and right
  // The ids of the characters below kNumDirect and of the byte tokens; -1:
  // none.
  std::array<int32_t, kNumDirect> character_ids_{};
  std::array<int32_t, 256> byte_ids_{};
};

}  // namespace revlm::tokenizer
