// What a comparison kept, from a stranger: any bytes are an error or something
// that writes back as it was read.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "verify/record.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace revlm;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto line = verify::EvidenceFromLine(text, "input")) {
    const std::string once = verify::EvidenceToLine(*line);
    const auto again = verify::EvidenceFromLine(once, "written");
    REVLM_CHECK(again && verify::EvidenceToLine(*again) == once);
  }
  const auto json = base::ParseJson(text, "input");
  if (!json) return 0;
  if (const auto read = verify::ComparisonFromJson(*json, "input")) {
    const base::Json once = verify::ComparisonToJson(*read);
    const auto again = verify::ComparisonFromJson(once, "written");
    REVLM_CHECK(again && verify::ComparisonToJson(*again) == once);
  }
  return 0;
}
