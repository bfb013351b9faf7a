#include "attest/tensor_root.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "attest/merkle.h"
#include "base/bytes.h"
#include "base/quote.h"

namespace revlm::attest {
namespace {

constexpr std::string_view kLeafTag("rev/tensor/v1\0", 14);

template <typename T>
void AppendLittleEndian(std::string& bytes, T value) {
  char raw[sizeof(T)];
  std::memcpy(raw, &value, sizeof(T));
  bytes.append(raw, sizeof(T));
}

std::string EncodeLeaf(const TensorDigest& tensor) {
  std::string leaf(kLeafTag);
  AppendLittleEndian(leaf, static_cast<uint32_t>(tensor.name.size()));
  leaf += tensor.name;
  AppendLittleEndian(leaf, tensor.dtype_code);
  AppendLittleEndian(leaf, static_cast<uint8_t>(tensor.shape.size()));
  for (const uint64_t dim : tensor.shape) AppendLittleEndian(leaf, dim);
  leaf.append(reinterpret_cast<const char*>(tensor.content_sha256.data()),
              tensor.content_sha256.size());
  return leaf;
}

}  // namespace

Result<crypto::Sha256Digest> TensorRoot(std::vector<TensorDigest> tensors) {
  std::ranges::sort(tensors, {}, &TensorDigest::name);
  MerkleTree tree;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const TensorDigest& tensor = tensors[i];
    if (tensor.name.size() > UINT32_MAX || tensor.shape.size() > UINT8_MAX) {
      return base::MakeError(
          ErrorCode::kInvalidArgument,
          "hashing tensor {}: a name of {} bytes and rank {}, allowed are {} "
          "and {}",
          base::Quote(tensor.name), tensor.name.size(), tensor.shape.size(),
          UINT32_MAX, UINT8_MAX);
    }
    if (i > 0 && tensor.name == tensors[i - 1].name) {
      return base::MakeError(ErrorCode::kInvalidArgument,
                             "hashing tensor {}: the name occurs twice",
                             base::Quote(tensor.name));
    }
    tree.Append(base::AsBytes(EncodeLeaf(tensor)));
  }
  return tree.Root();
}

}  // namespace revlm::attest
