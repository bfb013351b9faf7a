// Whatever a system is given as key, index and parameters, it refuses with
// kInvalidArgument or makes a challenge that is as the headers say and that its
// own parameters make again.
//
// The input: a byte for the system, 8 of the index, then parameters, one a
// line, "name=value".
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/utf8.h"
#include "challenge/coverage.h"
#include "challenge/dynamic.h"
#include "challenge/evolution.h"
#include "challenge/hierarchical.h"
#include "challenge/kdf.h"
#include "challenge/pot.h"

namespace {

namespace challenge = revlm::challenge;
using challenge::Parameter;

std::vector<Parameter> ReadLines(std::string_view text) {
  std::vector<Parameter> parameters;
  while (!text.empty() && parameters.size() < 8) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const size_t middle = std::min(line.find('='), line.size());
    parameters.push_back(
        {std::string(line.substr(0, middle)),
         std::string(line.substr(std::min(middle + 1, line.size())))});
  }
  return parameters;
}

void CheckText(std::string_view text) {
  REVLM_CHECK(!text.empty() && text.size() <= 8192);
  for (size_t i = 0; i < text.size();) {
    const revlm::base::CodePoint point = revlm::base::DecodeUtf8(text, i);
    REVLM_CHECK(point.is_valid);
    const bool is_control =
        point.value < ' ' || (point.value >= 0x7f && point.value < 0xa0);
    REVLM_CHECK(!is_control || point.value == '\n' || point.value == '\t');
    i += point.length;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static constexpr challenge::System kSystems[] = {
      challenge::kPot, challenge::kKdf, challenge::kDynamic,
      challenge::kHierarchical, challenge::kEvolutionary};
  uint64_t index = 0;
  if (size < 1 + sizeof index) return 0;
  const challenge::System& system = kSystems[data[0] % std::size(kSystems)];
  std::memcpy(&index, data + 1, sizeof index);
  const std::vector<Parameter> parameters =
      ReadLines({reinterpret_cast<const char*>(data) + 1 + sizeof index,
                 size - 1 - sizeof index});
  const challenge::Key key = challenge::SeedFromNumber(data[0]);
  const auto made = system.make(key, index, parameters);
  if (!made) {
    REVLM_CHECK(made.error().code == revlm::ErrorCode::kInvalidArgument);
    return 0;
  }
  CheckText(made->text);
  // A gene is of no capability.
  REVLM_CHECK(challenge::TouchedBy(*made).capabilities.empty() ==
              (system.name == challenge::kEvolutionary.name));
  REVLM_CHECK(system.make(key, index, made->parameters).value() == *made);
  return 0;
}
