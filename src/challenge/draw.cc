#include "challenge/draw.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "crypto/hkdf_sha256.h"
#include "crypto/hmac_sha256.h"

namespace revlm::challenge {
namespace {

using base::AsBytes;

// The bytes of `number`, little-endian as this machine is (base/bytes.h).
std::span<const std::byte, 8> BytesOf(const uint64_t& number) {
  return std::as_bytes(std::span<const uint64_t, 1>(&number, 1));
}

}  // namespace

Key SeedFromNumber(uint64_t number) {
  Key seed = {};
  std::ranges::copy(BytesOf(number), seed.begin());
  return seed;
}

crypto::Sha256Digest SeedCommitment(const SessionInputs& inputs) {
  crypto::Sha256Hasher hasher;
  hasher.Update(AsBytes("rev/seed-commit/v1"));
  hasher.Update(inputs.plan_digest);
  hasher.Update(inputs.seed);
  return hasher.Finish();
}

RunId DeriveRunId(const SessionInputs& inputs) {
  crypto::Sha256Hasher hasher;
  hasher.Update(AsBytes("rev/run-id/v1"));
  hasher.Update(SeedCommitment(inputs));
  hasher.Update(inputs.entropy);
  const crypto::Sha256Digest digest = hasher.Finish();
  RunId run_id;
  std::copy_n(digest.begin(), run_id.size(), run_id.begin());
  return run_id;
}

Key DeriveSessionKey(const SessionInputs& inputs) {
  const RunId run_id = DeriveRunId(inputs);
  std::vector<std::byte> info;
  for (const std::span<const std::byte> part :
       {AsBytes("rev/session/v1"),
        std::span<const std::byte>(inputs.plan_digest),
        std::span<const std::byte>(run_id)}) {
    info.insert(info.end(), part.begin(), part.end());
  }
  Key key;
  crypto::HkdfExpand(
      crypto::HkdfExtract(crypto::Sha256(inputs.entropy), inputs.seed), info,
      key);
  return key;
}

Key DerivePromptKey(const Key& session_key, std::string_view system) {
  std::string info = "rev/prompt/v1";
  info += '\0';
  info += system;
  Key key;
  crypto::HkdfExpand(session_key, AsBytes(info), key);
  return key;
}

Draws::Draws(const Key& prompt_key, uint64_t idx)
    : stream_(crypto::HmacSha256(prompt_key, BytesOf(idx))) {}

uint64_t Draws::Below(uint64_t m) {
  REVLM_CHECK(m > 0);
  const uint64_t num_rejected = (UINT64_MAX % m + 1) % m;  // 2^64 modulo m
  uint64_t word = NextWord();
  while (word > UINT64_MAX - num_rejected) word = NextWord();
  return word % m;
}

uint64_t Draws::NextWord() {
  if (num_taken_ == words_.size()) {
    stream_.Next(std::as_writable_bytes(std::span(words_)));
    num_taken_ = 0;
  }
  return words_[num_taken_++];
}

}  // namespace revlm::challenge
