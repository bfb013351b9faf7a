// SHA-256 (FIPS 180-4) over OpenSSL.
//
//   Sha256Hasher hasher;
//   hasher.Update(first_bytes);
//   hasher.Update(more_bytes);
//   Sha256Digest digest = hasher.Finish();
//
// Threads: a hasher is thread-compatible; `Sha256` is a pure function.
// Memory: a few hundred bytes each. Errors: none; OpenSSL without SHA-256 or
// without those bytes ends the process.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>

struct evp_md_ctx_st;

namespace revlm::crypto {

using Sha256Digest = std::array<std::byte, 32>;

class Sha256Hasher {
 public:
  Sha256Hasher();

  void Update(std::span<const std::byte> bytes);

  // The digest of everything since the start or the last Finish; the hasher
  // then starts anew.
  Sha256Digest Finish();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

Sha256Digest Sha256(std::span<const std::byte> bytes);

}  // namespace revlm::crypto
