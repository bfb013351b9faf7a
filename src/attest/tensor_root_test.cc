#include "attest/tensor_root.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/hex.h"

namespace revlm::attest {
namespace {

TensorDigest Tensor(const std::string& name, uint8_t dtype_code,
                    std::vector<uint64_t> shape, const std::string& content) {
  return {name, dtype_code, std::move(shape),
          crypto::Sha256(base::AsBytes(content))};
}

std::string HexRoot(std::vector<TensorDigest> tensors) {
  auto root = TensorRoot(std::move(tensors));
  return root ? base::ToHex(*root) : root.error().message;
}

const TensorDigest kA = Tensor("a.weight", 4, {2, 3}, std::string(12, '\x01'));
const TensorDigest kB = Tensor("b.bias", 2, {3}, std::string(12, '\x02'));
const TensorDigest kC = Tensor("Z", 18, {}, "\x03");

// Computed by an independent program from the grammar in the header.
TEST(TensorRootTest, MatchesAnIndependentImplementation) {
  EXPECT_EQ(HexRoot({}),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(HexRoot({kA}),
            "5c7936239450cb4311076dae0e174c6a0172334125c29f770c59db1ed4b800d9");
  EXPECT_EQ(HexRoot({kA, kB}),
            "8bafab5a9f6293ef617a8c047aaedc5af5defd479e577458e3b3c8233b5ac78c");
  EXPECT_EQ(HexRoot({kA, kB, kC}),
            "4d23638c8faa3b906f8b273f421b466a2e49e97977bc719fe4e4a6c561991c10");
}

TEST(TensorRootTest, TheOrderGivenDoesNotMatter) {
  EXPECT_EQ(HexRoot({kC, kB, kA}), HexRoot({kA, kB, kC}));
}

TEST(TensorRootTest, EveryFieldIsBound) {
  const std::string root = HexRoot({kA});
  TensorDigest changed = kA;
  changed.name = "a.weighs";
  EXPECT_NE(HexRoot({changed}), root);
  changed = kA;
  changed.dtype_code = 3;
  EXPECT_NE(HexRoot({changed}), root);
  changed = kA;
  changed.shape = {3, 2};
  EXPECT_NE(HexRoot({changed}), root);
  changed = kA;
  changed.content_sha256[31] ^= std::byte{1};
  EXPECT_NE(HexRoot({changed}), root);
}

TEST(TensorRootTest, ARepeatedNameIsRefused) {
  auto root = TensorRoot({kA, kB, kA});
  ASSERT_FALSE(root);
  EXPECT_EQ(root.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(root.error().message,
            "hashing tensor \"a.weight\": the name occurs twice");
}

TEST(TensorRootTest, ARankBeyondItsFieldIsRefused) {
  TensorDigest deep = kA;
  deep.shape.assign(255, 1);
  EXPECT_TRUE(TensorRoot({deep}));
  deep.shape.push_back(1);
  EXPECT_FALSE(TensorRoot({deep}));
}

}  // namespace
}  // namespace revlm::attest
