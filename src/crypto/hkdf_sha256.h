// HKDF-SHA256 (RFC 5869): keys from a secret. Extract makes one uniform key of
// whatever entropy the secret has; Expand makes of that key as many independent
// ones as there are different `info`.
//
// Threads: pure functions. Memory: a few hundred bytes while they run. Errors:
// none.
#pragma once

#include <cstddef>
#include <span>
#include <tuple>

#include "crypto/sha256.h"

namespace revlm::crypto {

// HKDF makes no more bytes than this of one key and one `info`.
inline constexpr size_t kMaxHkdfBytes = 255 * std::tuple_size_v<Sha256Digest>;

// `salt` is not secret and may be empty.
Sha256Digest HkdfExtract(std::span<const std::byte> salt,
                         std::span<const std::byte> secret);

// Fills `out`. REQUIRES: out.size() <= kMaxHkdfBytes.
void HkdfExpand(const Sha256Digest& key, std::span<const std::byte> info,
                std::span<std::byte> out);

}  // namespace revlm::crypto
