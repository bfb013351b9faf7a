#include "challenge/pot.h"

#include <algorithm>
#include <array>
#include <string>

#include "challenge/expand.h"
#include "challenge/parameters.h"
#include "challenge/pot_grammar.h"

namespace revlm::challenge {
namespace {

// Otherwise some pairs of domain and difficulty would never come.
static_assert(kNumPotDomains % kNumLevels != 0);

// The templates of a pair, which lie together.
std::span<const PotTemplate> TemplatesOf(PotDomain domain,
                                         uint64_t difficulty) {
  const auto is_of_pair = [&](const PotTemplate& item) {
    return item.domain == domain && item.difficulty == difficulty;
  };
  const std::span<const PotTemplate> all = PotTemplates();
  const auto begin = std::ranges::find_if(all, is_of_pair);
  return {begin, std::find_if_not(begin, all.end(), is_of_pair)};
}

}  // namespace

Result<Challenge> MakePotChallenge(const Key& prompt_key, uint64_t index,
                                   std::span<const Parameter> parameters) {
  std::array<std::string_view, kNumPotDomains> domains;
  for (size_t i = 0; i < domains.size(); ++i) {
    domains[i] = PotDomainName(static_cast<PotDomain>(i));
  }
  const ParameterChoice choices[] = {{"domain", domains},
                                     {"difficulty", kLevels}};
  REVLM_ASSIGN_OR_RETURN(const auto given,
                         ReadParameters(kPot.name, parameters, choices));
  const auto domain =
      static_cast<PotDomain>(given[0].value_or(index % kNumPotDomains));
  const uint64_t difficulty = 1 + given[1].value_or(index % kNumLevels);
  const auto templates = TemplatesOf(domain, difficulty);
  Draws draws(prompt_key, index);
  const std::string_view text = templates[draws.Below(templates.size())].text;
  return Challenge{
      .id = fmt::format("pot-{}", index),
      .text = Expand(text, PotWordLists(), draws),
      .system = std::string(kPot.name),
      .parameters = {{"domain", std::string(PotDomainName(domain))},
                     {"difficulty", std::to_string(difficulty)}},
      .rationale = fmt::format("{}; difficulty {}: {}", PotDomainReason(domain),
                               difficulty, PotDifficultyMeaning(difficulty))};
}

}  // namespace revlm::challenge
