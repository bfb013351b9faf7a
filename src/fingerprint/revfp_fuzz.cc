// What is accepted as a fingerprint is the same bytes when it is written again,
// and can be compared with itself. The digest is put right first: without, no
// change of the bytes would get past it.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/check.h"
#include "crypto/sha256.h"
#include "fingerprint/revfp.h"
#include "fingerprint/weight_similarity.h"

namespace {

void Check(const std::string& bytes) {
  const auto read = revlm::fingerprint::FromRevfp(bytes, "input");
  if (read) {
    REVLM_CHECK(revlm::fingerprint::ToRevfp(*read) == bytes);
    REVLM_CHECK(revlm::fingerprint::CompareStates(*read, *read).has_value());
  } else {
    const revlm::ErrorCode code = read.error().code;
    REVLM_CHECK(code == revlm::ErrorCode::kCorrupt ||
                code == revlm::ErrorCode::kUnsupported);
  }
  const auto brief = revlm::fingerprint::BriefFromBytes(bytes, "input");
  if (brief) REVLM_CHECK(revlm::fingerprint::ToBytes(*brief) == bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kDigestBytes = 32;
  std::string bytes(reinterpret_cast<const char*>(data), size);
  Check(bytes);
  if (size < kDigestBytes) return 0;
  bytes.resize(size - kDigestBytes);
  const auto digest = revlm::crypto::Sha256(revlm::base::AsBytes(bytes));
  bytes.append(reinterpret_cast<const char*>(digest.data()), digest.size());
  Check(bytes);
  return 0;
}
