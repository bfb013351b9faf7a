// What ParseJson accepts, it accepts again after printing, as the same value;
// what it refuses, it refuses with kCorrupt.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "base/json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using revlm::base::ParseJson;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto value = ParseJson(text, "input");
  if (!value) {
    REVLM_CHECK(value.error().code == revlm::ErrorCode::kCorrupt);
    return 0;
  }
  const auto again = ParseJson(value->dump(), "printed input");
  REVLM_CHECK(again.has_value());
  REVLM_CHECK(*again == *value);
  return 0;
}
