#include "challenge/parameters.h"

#include <algorithm>
#include <string>

#include "base/quote.h"

namespace revlm::challenge {
namespace {

std::unexpected<Error> Refuse(std::string_view system,
                              const Parameter& parameter,
                              std::string_view allowed) {
  return base::MakeError(ErrorCode::kInvalidArgument,
                         "prompt system {}: found {} = {}, allowed is {}",
                         system, base::Quote(parameter.name),
                         base::Quote(parameter.value), allowed);
}

std::string NamesOf(std::span<const ParameterChoice> choices) {
  std::string names;
  for (const ParameterChoice& choice : choices) {
    names.append(base::Quote(choice.name)).append(", ");
  }
  return names + "each once";
}

std::string ValuesOf(const ParameterChoice& choice) {
  if (choice.values.front() == kLevels[0]) {
    return fmt::format("1 to {}", choice.values.size());
  }
  std::string values = "one of";
  for (const std::string_view value : choice.values) {
    values.append(" ").append(value);
  }
  return values;
}

}  // namespace

Result<std::vector<std::optional<size_t>>> ReadParameters(
    std::string_view system, std::span<const Parameter> parameters,
    std::span<const ParameterChoice> choices) {
  std::vector<std::optional<size_t>> found(choices.size());
  for (const Parameter& parameter : parameters) {
    const auto choice =
        std::ranges::find(choices, parameter.name, &ParameterChoice::name);
    const auto choice_idx = static_cast<size_t>(choice - choices.begin());
    if (choice == choices.end() || found[choice_idx]) {
      return Refuse(system, parameter, NamesOf(choices));
    }
    const auto value = std::ranges::find(choice->values, parameter.value);
    if (value == choice->values.end()) {
      return Refuse(system, parameter, ValuesOf(*choice));
    }
    found[choice_idx] = static_cast<size_t>(value - choice->values.begin());
  }
  return found;
}

}  // namespace revlm::challenge
