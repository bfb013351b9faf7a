#include "challenge/system.h"

#include <unordered_set>
#include <utility>

namespace revlm::challenge {

Result<std::vector<Challenge>> GenerateChallenges(
    const System& system, const Key& session_key,
    std::span<const Parameter> parameters, size_t count) {
  if (count < 1 || count > kMaxChallenges) {
    return base::MakeError(ErrorCode::kInvalidArgument,
                           "making prompts by {}: found a number of {}, "
                           "allowed is 1 to {}",
                           system.name, count, kMaxChallenges);
  }
  const Key prompt_key = DerivePromptKey(session_key, system.name);
  std::unordered_set<std::string> texts;
  std::vector<Challenge> challenges;
  challenges.reserve(count);
  size_t num_without_new = 0;
  for (uint64_t index = 0; challenges.size() < count; ++index) {
    REVLM_ASSIGN_OR_RETURN(Challenge challenge,
                           system.make(prompt_key, index, parameters));
    if (texts.insert(challenge.text).second) {
      challenges.push_back(std::move(challenge));
      num_without_new = 0;
    } else if (++num_without_new == kMaxChallenges) {
      return base::MakeError(ErrorCode::kInvalidArgument,
                             "making prompts by {}: found {} different ones "
                             "with these parameters, asked for {}; ask for "
                             "fewer, or leave a parameter out",
                             system.name, challenges.size(), count);
    }
  }
  return challenges;
}

}  // namespace revlm::challenge
