// One prompt to put to models, wherever it came from.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace revlm::challenge {

struct Prompt {
  std::string id;                     // empty: none was given
  std::string text;                   // valid UTF-8
  std::optional<int32_t> max_tokens;  // these override the run's
  std::optional<int32_t> priority;
};

}  // namespace revlm::challenge
