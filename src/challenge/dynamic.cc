#include "challenge/dynamic.h"

#include <string>
#include <string_view>
#include <vector>

#include "challenge/dynamic_grammar.h"
#include "challenge/dynamic_kinds.h"
#include "challenge/parameters.h"

namespace revlm::challenge {
namespace {

template <typename Entry>
std::vector<std::string_view> NamesOf(std::span<const Entry> entries) {
  std::vector<std::string_view> names;
  names.reserve(entries.size());
  for (const Entry& entry : entries) names.push_back(entry.name);
  return names;
}

}  // namespace

Result<Challenge> MakeDynamicChallenge(const Key& prompt_key, uint64_t index,
                                       std::span<const Parameter> parameters) {
  const std::span<const DynamicKind> kinds = DynamicKinds();
  const std::span<const DynamicDomain> domains = DynamicDomains();
  const auto kind_names = NamesOf(kinds);
  const auto domain_names = NamesOf(domains);
  const ParameterChoice choices[] = {
      {"kind", kind_names}, {"domain", domain_names}, {"difficulty", kLevels}};
  REVLM_ASSIGN_OR_RETURN(const auto given,
                         ReadParameters(kDynamic.name, parameters, choices));
  const DynamicKind& kind = kinds[given[0].value_or(index % kinds.size())];
  const DynamicDomain& domain =
      domains[given[1].value_or(index % domains.size())];
  const uint64_t difficulty = 1 + given[2].value_or(index % kNumLevels);
  Draws draws(prompt_key, index);
  DynamicComposer composer(domain, draws);
  return Challenge{
      .id = fmt::format("dynamic-{}", index),
      .text = kind.compose(composer, difficulty),
      .system = std::string(kDynamic.name),
      .parameters = {{"kind", std::string(kind.name)},
                     {"domain", std::string(domain.name)},
                     {"difficulty", std::to_string(difficulty)}},
      .rationale = fmt::format("{}; {}, difficulty {} of 5", kind.reason,
                               domain.name, difficulty)};
}

}  // namespace revlm::challenge
