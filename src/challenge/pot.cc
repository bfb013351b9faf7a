#include "challenge/pot.h"

#include <algorithm>
#include <optional>
#include <string>

#include "base/quote.h"
#include "challenge/expand.h"
#include "challenge/pot_grammar.h"

namespace revlm::challenge {
namespace {

// Otherwise some pairs of domain and difficulty would never come.
static_assert(kNumPotDomains % kNumPotDifficulties != 0);

struct Selection {
  std::optional<PotDomain> domain;
  std::optional<uint64_t> difficulty;
};

std::unexpected<Error> Refuse(const Parameter& parameter,
                              std::string_view allowed) {
  return base::MakeError(ErrorCode::kInvalidArgument,
                         "prompt system {}: found {} = {}, allowed is {}",
                         kPot.name, base::Quote(parameter.name),
                         base::Quote(parameter.value), allowed);
}

Result<PotDomain> ReadDomain(const Parameter& parameter) {
  std::string allowed = "one of";
  for (uint64_t i = 0; i < kNumPotDomains; ++i) {
    const auto domain = static_cast<PotDomain>(i);
    if (parameter.value == PotDomainName(domain)) return domain;
    allowed.append(" ").append(PotDomainName(domain));
  }
  return Refuse(parameter, allowed);
}

Result<uint64_t> ReadDifficulty(const Parameter& parameter) {
  for (uint64_t value = 1; value <= kNumPotDifficulties; ++value) {
    if (parameter.value == std::to_string(value)) return value;
  }
  return Refuse(parameter, "1 to 5");
}

Result<Selection> ReadParameters(std::span<const Parameter> parameters) {
  Selection selection;
  for (const Parameter& parameter : parameters) {
    if (parameter.name == "domain" && !selection.domain) {
      REVLM_ASSIGN_OR_RETURN(selection.domain, ReadDomain(parameter));
    } else if (parameter.name == "difficulty" && !selection.difficulty) {
      REVLM_ASSIGN_OR_RETURN(selection.difficulty, ReadDifficulty(parameter));
    } else {
      return Refuse(parameter, "\"domain\" and \"difficulty\", each once");
    }
  }
  return selection;
}

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
  REVLM_ASSIGN_OR_RETURN(const Selection selection, ReadParameters(parameters));
  const PotDomain domain =
      selection.domain.value_or(static_cast<PotDomain>(index % kNumPotDomains));
  const uint64_t difficulty =
      selection.difficulty.value_or(1 + index % kNumPotDifficulties);
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
