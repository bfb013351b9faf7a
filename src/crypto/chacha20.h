// The keystream of ChaCha20 (RFC 8439, 32-bit counter and 96-bit nonce) over
// OpenSSL: the same bytes for the same key on every machine.
//
// Threads: thread-compatible. Memory: a few hundred bytes each. Errors: none;
// OpenSSL without ChaCha20 or without those bytes ends the process.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

struct evp_cipher_ctx_st;

namespace revlm::crypto {

using ChaCha20Key = std::array<std::byte, 32>;
using ChaCha20Nonce = std::array<std::byte, 12>;

class ChaCha20 {
 public:
  // The stream of `key` and `nonce` from block `first_block` on. No key may
  // serve two purposes under one nonce.
  explicit ChaCha20(const ChaCha20Key& key, const ChaCha20Nonce& nonce = {},
                    uint32_t first_block = 0);

  // Fills `out` with the next bytes of the stream, in pieces of any size.
  // REQUIRES: no more than 2^32 - first_block blocks of 64 bytes in all.
  void Next(std::span<std::byte> out);

 private:
  struct Free {
    void operator()(evp_cipher_ctx_st* context) const;
  };
  std::unique_ptr<evp_cipher_ctx_st, Free> context_;
};

}  // namespace revlm::crypto
