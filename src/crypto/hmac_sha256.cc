#include "crypto/hmac_sha256.h"

#include <openssl/evp.h>

#include "base/check.h"

namespace revlm::crypto {
namespace {

// OpenSSL takes a null pointer for "no key given", not for an empty key.
const unsigned char* NeverNull(std::span<const std::byte> bytes) {
  static constexpr unsigned char kNone = 0;
  if (bytes.empty()) return &kNone;
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

}  // namespace

Sha256Digest HmacSha256(std::span<const std::byte> key,
                        std::span<const std::byte> message) {
  Sha256Digest digest;
  size_t num_bytes = 0;
  REVLM_CHECK(EVP_Q_mac(nullptr, "HMAC", nullptr, "SHA256", nullptr,
                        NeverNull(key), key.size(), NeverNull(message),
                        message.size(),
                        reinterpret_cast<unsigned char*>(digest.data()),
                        digest.size(), &num_bytes) != nullptr);
  REVLM_CHECK(num_bytes == digest.size());
  return digest;
}

}  // namespace revlm::crypto
