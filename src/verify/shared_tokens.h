// The tokens that two vocabularies share: those of equal text.
//
// Threads: pure function. Memory: O(tokens). Determinism: the choice and its
// order depend on the texts, not on ids.
#pragma once

#include <cstdint>
#include <vector>

#include "tokenizer/tokenizer.h"

namespace revlm::verify {

// Place i of each is the same token.
struct SharedTokens {
  std::vector<int32_t> ids_a;
  std::vector<int32_t> ids_b;

  size_t size() const { return ids_a.size(); }
};

// Of ids below `num_rows_a` and `num_rows_b`, the rows of the embeddings; at
// most `most` of them, those first in the order of their texts' SHA-256.
SharedTokens FindSharedTokens(const tokenizer::Tokenizer& a, int64_t num_rows_a,
                              const tokenizer::Tokenizer& b, int64_t num_rows_b,
                              size_t most);

}  // namespace revlm::verify
