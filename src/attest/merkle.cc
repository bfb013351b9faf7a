#include "attest/merkle.h"

#include "base/bytes.h"

namespace revlm::attest {
namespace {

using crypto::Sha256Digest;

constexpr std::byte kLeafPrefix[] = {std::byte{0x00}};
constexpr std::byte kNodePrefix[] = {std::byte{0x01}};

Sha256Digest HashNode(const Sha256Digest& left, const Sha256Digest& right) {
  crypto::Sha256Hasher hasher;
  hasher.Update(kNodePrefix);
  hasher.Update(left);
  hasher.Update(right);
  return hasher.Finish();
}

}  // namespace

void MerkleTree::Append(std::span<const std::byte> leaf) {
  crypto::Sha256Hasher hasher;
  hasher.Update(kLeafPrefix);
  hasher.Update(leaf);
  Sha256Digest root = hasher.Finish();
  // Counting up by one carries through the low bits that are set; each carry
  // joins two full subtrees of the same size.
  for (uint64_t count = num_leaves_; count % 2 == 1; count /= 2) {
    root = HashNode(full_.back(), root);
    full_.pop_back();
  }
  full_.push_back(root);
  ++num_leaves_;
}

Sha256Digest MerkleTree::Root() const {
  if (full_.empty()) return crypto::Sha256({});
  Sha256Digest root = full_.back();
  for (size_t i = full_.size() - 1; i-- > 0;) root = HashNode(full_[i], root);
  return root;
}

}  // namespace revlm::attest
