#include "crypto/chacha20.h"

#include <openssl/evp.h>

#include <algorithm>
#include <climits>
#include <cstring>

#include "base/bytes.h"
#include "base/check.h"

namespace revlm::crypto {

ChaCha20::ChaCha20(const ChaCha20Key& key, const ChaCha20Nonce& nonce,
                   uint32_t first_block)
    : context_(EVP_CIPHER_CTX_new()) {
  REVLM_CHECK(context_ != nullptr);
  // OpenSSL's IV is the counter, little-endian, and then the nonce.
  std::array<unsigned char, sizeof(first_block) + sizeof(nonce)> iv;
  std::memcpy(iv.data(), &first_block, sizeof(first_block));
  std::memcpy(iv.data() + sizeof(first_block), nonce.data(), nonce.size());
  REVLM_CHECK(
      EVP_EncryptInit_ex(context_.get(), EVP_chacha20(), nullptr,
                         reinterpret_cast<const unsigned char*>(key.data()),
                         iv.data()) == 1);
}

void ChaCha20::Free::operator()(evp_cipher_ctx_st* context) const {
  EVP_CIPHER_CTX_free(context);
}

void ChaCha20::Next(std::span<std::byte> out) {
  // The keystream is what zeros are encrypted to.
  std::fill(out.begin(), out.end(), std::byte{0});
  while (!out.empty()) {
    const std::span<std::byte> piece =
        out.first(std::min<size_t>(out.size(), INT_MAX));
    auto* const bytes = reinterpret_cast<unsigned char*>(piece.data());
    const int num_bytes = static_cast<int>(piece.size());
    int num_written = 0;
    REVLM_CHECK(EVP_EncryptUpdate(context_.get(), bytes, &num_written, bytes,
                                  num_bytes) == 1);
    REVLM_CHECK(num_written == num_bytes);
    out = out.subspan(piece.size());
  }
}

}  // namespace revlm::crypto
