// What is accepted as a message is the same bytes when it is written again;
// what is refused is refused with kCorrupt, or as of another version.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "run/worker_messages.h"

namespace {

template <typename Message>
void Check(const revlm::Result<Message>& message, std::string_view bytes) {
  if (message) {
    REVLM_CHECK(revlm::run::ToBytes(*message) == bytes);
  } else {
    const revlm::ErrorCode code = message.error().code;
    REVLM_CHECK(code == revlm::ErrorCode::kCorrupt ||
                code == revlm::ErrorCode::kUnsupported);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Check(revlm::run::ToWorkerFromBytes(bytes), bytes);
  Check(revlm::run::FromWorkerFromBytes(bytes), bytes);
  return 0;
}
