// An index from keys to item numbers, where the keys themselves lie elsewhere:
// open addressing, 4 bytes a slot, at most two thirds full.
//
// The keys come from files of strangers, who may choose them to collide. So the
// number of probes while building is bounded; beyond it the index is built anew
// with another seed, and refused after a few of them.
//
// Threads: immutable once built. Memory: 6 to 12 bytes an item.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/heap_size.h"

namespace revlm::tokenizer {

inline uint64_t MixHash(uint64_t value) {
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9u;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EBu;
  return value ^ (value >> 31);
}

inline uint64_t HashText(std::string_view text, uint64_t seed) {
  uint64_t hash = MixHash(seed + text.size());
  while (text.size() >= 8) {
    uint64_t word;
    std::memcpy(&word, text.data(), 8);
    hash = std::rotl((hash ^ word) * 0x9E3779B97F4A7C15u, 29);
    text.remove_prefix(8);
  }
  uint64_t tail = 0;
  if (!text.empty()) std::memcpy(&tail, text.data(), text.size());
  return MixHash(hash ^ tail);
}

class HashIndex {
 public:
  HashIndex() : slots_(1, kEmpty) {}

  // Indexes `items`. `hash_of(item, seed)` hashes an item's key and
  // `equal(a, b)` compares two; of items with equal keys the first stays and
  // `on_duplicate(kept, dropped)` is called. Nothing when the keys collide too
  // often with every seed.
  template <typename HashOf, typename Equal, typename OnDuplicate>
  static std::optional<HashIndex> Build(std::span<const uint32_t> items,
                                        HashOf hash_of, Equal equal,
                                        OnDuplicate on_duplicate) {
    for (uint64_t seed = 0; seed < kMaxSeeds; ++seed) {
      HashIndex index;
      index.seed_ = MixHash(seed + 1);
      index.slots_.assign(std::bit_ceil(items.size() + items.size() / 2 + 1),
                          kEmpty);
      if (index.Fill(items, hash_of, equal, on_duplicate)) return index;
    }
    return std::nullopt;
  }

  uint64_t seed() const { return seed_; }
  uint64_t heap_bytes() const { return base::HeapBytes(slots_); }

  // The item whose key has `hash` (made with `seed()`) and for which
  // `matches(item)`.
  template <typename Matches>
  std::optional<uint32_t> Find(uint64_t hash, Matches matches) const {
    const size_t mask = slots_.size() - 1;
    for (size_t slot = hash & mask; slots_[slot] != kEmpty;
         slot = (slot + 1) & mask) {
      if (matches(slots_[slot])) return slots_[slot];
    }
    return std::nullopt;
  }

 private:
  static constexpr uint32_t kEmpty = UINT32_MAX;
  static constexpr uint64_t kMaxSeeds = 8;
  // A random table this full needs about 3 probes an item.
  static constexpr uint64_t kMaxProbesPerItem = 32;

  template <typename HashOf, typename Equal, typename OnDuplicate>
  bool Fill(std::span<const uint32_t> items, HashOf hash_of, Equal equal,
            OnDuplicate on_duplicate) {
    const size_t mask = slots_.size() - 1;
    uint64_t probes = 0;
    const uint64_t max_probes = kMaxProbesPerItem * (items.size() + 32);
    for (const uint32_t item : items) {
      size_t slot = hash_of(item, seed_) & mask;
      while (slots_[slot] != kEmpty && !equal(slots_[slot], item)) {
        slot = (slot + 1) & mask;
        if (++probes > max_probes) return false;
      }
      if (slots_[slot] == kEmpty) {
        slots_[slot] = item;
      } else {
        on_duplicate(slots_[slot], item);
      }
    }
    return true;
  }

  uint64_t seed_ = 0;
  std::vector<uint32_t> slots_;
};

}  // namespace revlm::tokenizer
