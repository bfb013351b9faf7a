// A fingerprint as a file, .revfp.
//
//   file    = "revfp/1" LF  fields  SHA-256 of all bytes before it (32 bytes)
//   fields  = those of `Fingerprint` in order, as base/wire.h writes them; of
//             the weights: shape, layers, key heads, units a head, bits
//
// Its brief form is a copy of what is compared with many, kept in libraries:
//
//   brief   = "revbrief/1" LF  tensor root, challenge set, hypervector, weights
//             SHA-256 of all bytes before it
//
// Reading believes nothing: at most kMaxRevfpBytes, counts against the bytes
// that remain, then every count against every other, numbers against what they
// may be. The digest finds damage; it is no signature.
//
// Threads: pure functions. Memory: at most a few times the file. Errors:
// kCorrupt, kUnsupported (another version). Determinism: the same fingerprint,
// the same bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "fingerprint/fingerprint.h"

namespace revlm::fingerprint {

inline constexpr uint64_t kMaxRevfpBytes = uint64_t{16} << 20;

std::string ToRevfp(const Fingerprint& fingerprint);

// `source` names the bytes in errors.
Result<Fingerprint> FromRevfp(std::string_view bytes,
                              const std::string& source);

std::string ToBytes(const Brief& brief);
Result<Brief> BriefFromBytes(std::string_view bytes, const std::string& source);

}  // namespace revlm::fingerprint
