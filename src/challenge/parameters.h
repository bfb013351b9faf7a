// Reading the parameters of a prompt system: names with a list of values each.
//
// Threads: a pure function. Errors: kInvalidArgument, which says what there is.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "challenge/system.h"

namespace revlm::challenge {

// The values of a parameter that grades: "1" to "5".
inline constexpr std::string_view kLevels[] = {"1", "2", "3", "4", "5"};
inline constexpr size_t kNumLevels = std::size(kLevels);

struct ParameterChoice {
  std::string_view name;
  std::span<const std::string_view> values;
};

// For each of `choices`, where the value given is in its `values`; nothing for
// one that is not given.
Result<std::vector<std::optional<size_t>>> ReadParameters(
    std::string_view system, std::span<const Parameter> parameters,
    std::span<const ParameterChoice> choices);

}  // namespace revlm::challenge
