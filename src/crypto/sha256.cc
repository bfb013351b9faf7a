#include "crypto/sha256.h"

#include <openssl/evp.h>

#include "base/check.h"

namespace revlm::crypto {

Sha256Hasher::Sha256Hasher() : context_(EVP_MD_CTX_new()) {
  REVLM_CHECK(context_ != nullptr);
  REVLM_CHECK(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
}

void Sha256Hasher::Free::operator()(evp_md_ctx_st* context) const {
  EVP_MD_CTX_free(context);
}

void Sha256Hasher::Update(std::span<const std::byte> bytes) {
  REVLM_CHECK(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) ==
              1);
}

Sha256Digest Sha256Hasher::Finish() {
  Sha256Digest digest;
  REVLM_CHECK(
      EVP_DigestFinal_ex(context_.get(),
                         reinterpret_cast<unsigned char*>(digest.data()),
                         nullptr) == 1);
  // The same algorithm again: keeps what the first initialisation fetched.
  REVLM_CHECK(EVP_DigestInit_ex(context_.get(), nullptr, nullptr) == 1);
  return digest;
}

Sha256Digest Sha256(std::span<const std::byte> bytes) {
  Sha256Hasher hasher;
  hasher.Update(bytes);
  return hasher.Finish();
}

}  // namespace revlm::crypto
