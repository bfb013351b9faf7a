// HMAC-SHA256 (RFC 2104) over OpenSSL: a digest under a key.
//
// Threads: a pure function. Memory: a few hundred bytes while it runs. Errors:
// none; OpenSSL without HMAC or without those bytes ends the process.
#pragma once

#include <cstddef>
#include <span>

#include "crypto/sha256.h"

namespace revlm::crypto {

Sha256Digest HmacSha256(std::span<const std::byte> key,
                        std::span<const std::byte> message);

}  // namespace revlm::crypto
