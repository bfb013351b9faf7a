#include "crypto/hkdf_sha256.h"

#include <algorithm>
#include <vector>

#include "base/check.h"
#include "crypto/hmac_sha256.h"

namespace revlm::crypto {

Sha256Digest HkdfExtract(std::span<const std::byte> salt,
                         std::span<const std::byte> secret) {
  return HmacSha256(salt, secret);
}

void HkdfExpand(const Sha256Digest& key, std::span<const std::byte> info,
                std::span<std::byte> out) {
  REVLM_CHECK(out.size() <= kMaxHkdfBytes);
  // T(n) = HMAC(key, T(n - 1) || info || n), with T(0) empty.
  std::vector<std::byte> message;
  for (unsigned n = 1; !out.empty(); ++n) {
    message.insert(message.end(), info.begin(), info.end());
    message.push_back(static_cast<std::byte>(n));
    const Sha256Digest block = HmacSha256(key, message);
    const size_t num_bytes = std::min(block.size(), out.size());
    std::copy_n(block.begin(), num_bytes, out.begin());
    out = out.subspan(num_bytes);
    message.assign(block.begin(), block.end());
  }
}

}  // namespace revlm::crypto
