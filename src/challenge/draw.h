// Seeded draws: everything that is random about a challenge, from one seed.
//
//   s       seed, 32 bytes
//   h_plan  SHA-256 of the plan that was committed to; zeros: no commitment
//   b       public entropy that nobody knew at the commitment; empty: none
//   c       = SHA-256("rev/seed-commit/v1" || h_plan || s)
//   runId   = first 16 bytes of SHA-256("rev/run-id/v1" || c || b)
//   K       = HKDF-SHA256(salt = SHA-256(b), secret = s,
//                         info = "rev/session/v1" || h_plan || runId)
//   K_prompt = HKDF-Expand(K, "rev/prompt/v1" || 0x00 || name of the system)
//   k_i     = HMAC-SHA256(K_prompt, i as 8 bytes, little-endian)
//   stream  = ChaCha20(k_i) with nonce and counter zero, cut into words of 8
//             bytes, little-endian
//
// All derived from the seed: the party that commits cannot choose a run or
// prompts that please it after b is known, and one k_i tells nothing of the
// others. K, K_prompt and s stay secret until the session is over.
//
// Threads: the functions are pure; `Draws` is thread-compatible. Memory: less
// than 1 KiB. Errors: none. Determinism: the same bytes on every machine, for
// every compiler, whatever else was drawn.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "crypto/chacha20.h"
#include "crypto/sha256.h"

namespace revlm::challenge {

using Key = std::array<std::byte, 32>;
using RunId = std::array<std::byte, 16>;

// What a session is derived from. Borrows the entropy.
struct SessionInputs {
  Key seed = {};                          // s
  crypto::Sha256Digest plan_digest = {};  // h_plan
  std::span<const std::byte> entropy;     // b
};

// The seed of a number: its 8 bytes, little-endian, then 24 zeros. It is no
// more secret than the number: fit to repeat a run, not to commit to.
Key SeedFromNumber(uint64_t number);

crypto::Sha256Digest SeedCommitment(const SessionInputs& inputs);  // c
RunId DeriveRunId(const SessionInputs& inputs);
Key DeriveSessionKey(const SessionInputs& inputs);  // K

// K_prompt. REQUIRES: no zero byte in `system`.
Key DerivePromptKey(const Key& session_key, std::string_view system);

// The draws of challenge `idx`.
class Draws {
 public:
  Draws(const Key& prompt_key, uint64_t idx);

  // Uniform in [0, m) without bias: the next word x of the stream that is below
  // the largest multiple of m that 2^64 holds, modulo m. Takes a word even for
  // m = 1; fewer than two on average for any m. REQUIRES: m > 0.
  uint64_t Below(uint64_t m);

 private:
  uint64_t NextWord();

  crypto::ChaCha20 stream_;
  std::array<uint64_t, 8> words_ = {};  // a block of the stream
  size_t num_taken_ = words_.size();
};

}  // namespace revlm::challenge
