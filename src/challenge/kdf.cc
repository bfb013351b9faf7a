#include "challenge/kdf.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/quote.h"
#include "challenge/kdf_methods.h"
#include "challenge/parameters.h"

namespace revlm::challenge {
namespace {

struct Choice {
  const KdfClass* of_class = nullptr;
  const KdfMethod* method = nullptr;
  uint64_t strength = 1;
};

Result<Choice> Choose(uint64_t index, std::span<const Parameter> parameters) {
  const std::span<const KdfClass> classes = KdfClasses();
  std::vector<std::string_view> class_names;
  std::vector<std::string_view> method_names;
  std::vector<size_t> class_of_method;
  for (const KdfClass& of_class : classes) {
    for (const KdfMethod& method : of_class.methods) {
      method_names.push_back(method.name);
      class_of_method.push_back(class_names.size());
    }
    class_names.push_back(of_class.name);
  }
  const ParameterChoice choices[] = {
      {"class", class_names}, {"method", method_names}, {"strength", kLevels}};
  REVLM_ASSIGN_OR_RETURN(const auto given,
                         ReadParameters(kKdf.name, parameters, choices));
  const size_t class_idx = given[1] ? class_of_method[*given[1]]
                                    : given[0].value_or(index % classes.size());
  if (given[0].value_or(class_idx) != class_idx) {
    return base::MakeError(
        ErrorCode::kInvalidArgument,
        "prompt system {}: found method {} with class {}, allowed is it with "
        "class {}; leave the class out",
        kKdf.name, base::Quote(method_names[*given[1]]),
        base::Quote(class_names[*given[0]]),
        base::Quote(class_names[class_idx]));
  }
  const KdfClass& of_class = classes[class_idx];
  const auto first = static_cast<size_t>(
      std::ranges::find(class_of_method, class_idx) - class_of_method.begin());
  const size_t method_idx =
      given[1] ? *given[1] - first
               : index / classes.size() % of_class.methods.size();
  return Choice{.of_class = &of_class,
                .method = &of_class.methods[method_idx],
                .strength = 1 + given[2].value_or(index % kNumLevels)};
}

}  // namespace

std::span<const KdfClass> KdfClasses() {
  static const KdfClass kClasses[] = {
      {"perturbation", PerturbationMethods()},
      {"encoding", EncodingMethods()},
      {"unicode", UnicodeMethods()},
      {"conflict", ConflictMethods()},
      {"long_context", LongContextMethods()},
      {"format_trap", FormatTrapMethods()},
  };
  return kClasses;
}

Result<Challenge> MakeKdfChallenge(const Key& prompt_key, uint64_t index,
                                   std::span<const Parameter> parameters) {
  REVLM_ASSIGN_OR_RETURN(const Choice choice, Choose(index, parameters));
  Draws draws(prompt_key, index);
  return Challenge{
      .id = fmt::format("kdf-{}", index),
      .text = choice.method->write(draws, choice.strength),
      .system = std::string(kKdf.name),
      .parameters = {{"class", std::string(choice.of_class->name)},
                     {"method", std::string(choice.method->name)},
                     {"strength", std::to_string(choice.strength)}},
      .rationale = fmt::format("{}; strength {} of 5", choice.method->reason,
                               choice.strength)};
}

}  // namespace revlm::challenge
