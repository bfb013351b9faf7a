// The tensor root: one digest that binds every tensor of a model by name, type,
// shape and content, whatever the files they lie in.
//
//   tensorRoot = MerkleTree over the leaves in byte order of name
//   leaf = "rev/tensor/v1" 0x00
//          u32le(len(name)) name u8(dtype) u8(rank) u64le(dim)* sha256(content)
//
// `dtype` is the frozen code of formats/dtype.h. The root does not change when
// tensors move between shards or a file's metadata changes; it differs between
// number formats by design.
//
// Threads: pure function. Memory: one leaf at a time. Errors: kInvalidArgument
// for a repeated name, or a name or rank that its length field cannot hold.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "crypto/sha256.h"

namespace revlm::attest {

struct TensorDigest {
  std::string name;
  uint8_t dtype_code = 0;
  std::vector<uint64_t> shape;
  crypto::Sha256Digest content_sha256 = {};
};

// `tensors` in any order.
Result<crypto::Sha256Digest> TensorRoot(std::vector<TensorDigest> tensors);

}  // namespace revlm::attest
