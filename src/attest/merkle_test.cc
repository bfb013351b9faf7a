#include "attest/merkle.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/hex.h"

namespace revlm::attest {
namespace {

using crypto::Sha256Digest;

Sha256Digest RootOf(const std::vector<std::string>& leaves) {
  MerkleTree tree;
  for (const std::string& leaf : leaves) tree.Append(base::AsBytes(leaf));
  return tree.Root();
}

// The definition, word for word.
Sha256Digest DefinitionOf(std::span<const std::string> leaves) {
  if (leaves.empty()) return crypto::Sha256({});
  if (leaves.size() == 1) {
    return crypto::Sha256(base::AsBytes(std::string(1, '\0') + leaves[0]));
  }
  size_t split = 1;
  while (split * 2 < leaves.size()) split *= 2;
  const Sha256Digest left = DefinitionOf(leaves.first(split));
  const Sha256Digest right = DefinitionOf(leaves.subspan(split));
  std::vector<std::byte> node = {std::byte{1}};
  node.insert(node.end(), left.begin(), left.end());
  node.insert(node.end(), right.begin(), right.end());
  return crypto::Sha256(node);
}

// The leaves and roots that Certificate Transparency's own tests use.
TEST(MerkleTest, MatchesThePublishedVectors) {
  const std::vector<std::string> leaves = {
      "",
      std::string(1, '\0'),
      "\x10",
      "\x20\x21",
      "\x30\x31",
      "\x40\x41\x42\x43",
      "\x50\x51\x52\x53\x54\x55\x56\x57",
      "\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f"};
  const std::vector<std::string> roots = {
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
      "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
      "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
      "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
      "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
      "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
      "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
  MerkleTree tree;
  EXPECT_EQ(base::ToHex(tree.Root()), roots[0]);
  for (size_t i = 0; i < leaves.size(); ++i) {
    tree.Append(base::AsBytes(leaves[i]));
    EXPECT_EQ(base::ToHex(tree.Root()), roots[i + 1]) << i + 1 << " leaves";
    EXPECT_EQ(tree.num_leaves(), i + 1);
  }
}

TEST(MerkleTest, EqualsTheDefinitionForEverySizeUpTo130) {
  std::vector<std::string> leaves;
  std::set<Sha256Digest> roots;
  for (int n = 0; n <= 130; ++n) {
    const Sha256Digest root = RootOf(leaves);
    EXPECT_EQ(root, DefinitionOf(leaves)) << n << " leaves";
    EXPECT_TRUE(roots.insert(root).second) << n << " leaves";
    leaves.push_back("leaf " + std::to_string(n));
  }
}

TEST(MerkleTest, RepeatingTheLastLeafChangesTheRoot) {
  EXPECT_NE(RootOf({"a", "b", "c"}), RootOf({"a", "b", "c", "c"}));
}

TEST(MerkleTest, TheOrderOfTheLeavesMatters) {
  EXPECT_NE(RootOf({"a", "b"}), RootOf({"b", "a"}));
}

TEST(MerkleTest, ANodeCannotPassForALeaf) {
  const Sha256Digest a = RootOf({"a"});
  const Sha256Digest b = RootOf({"b"});
  std::string node;
  for (const std::byte byte : a) node += static_cast<char>(byte);
  for (const std::byte byte : b) node += static_cast<char>(byte);
  EXPECT_NE(RootOf({"a", "b"}), RootOf({node}));
}

}  // namespace
}  // namespace revlm::attest
