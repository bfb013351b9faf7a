// The Merkle tree of RFC 6962, section 2.1, over SHA-256.
//
//   tree() = SHA-256("")
//   tree(d) = SHA-256(0x00 || d)
//   tree(d[0..n)) = SHA-256(0x01 || tree(d[0..k)) || tree(d[k..n)))
//     with k the largest power of two below n
//
// The prefixes keep a leaf from being read as a node; no leaf is ever doubled,
// so (a, b, c) and (a, b, c, c) have different roots.
//
// Threads: thread-compatible. Memory: 40 bytes for each power of two up to the
// number of leaves. Determinism: the root depends on the leaves and their order
// only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "crypto/sha256.h"

namespace revlm::attest {

// Takes leaves one at a time and gives the root over those seen so far.
class MerkleTree {
 public:
  void Append(std::span<const std::byte> leaf);

  uint64_t num_leaves() const { return num_leaves_; }
  crypto::Sha256Digest Root() const;

 private:
  uint64_t num_leaves_ = 0;
  // Roots of the full subtrees that make up the tree, largest first: one for
  // each bit set in `num_leaves_`.
  std::vector<crypto::Sha256Digest> full_;
};

}  // namespace revlm::attest
