// Is a target what it is claimed to be, when nothing is known of it but what it
// answered? The reference's weights are here.
//
//   revlm::VerifyTextOptions options;
//   options.compare.models = {"./claimed"};
//   options.answers = "answers.jsonl";
//   options.max_tokens = 64;  // as the target was asked
//   revlm::Result<revlm::Comparison> found = revlm::VerifyText(options);
//
// The reference answers the same prompts; it, its usual roundings and further
// alternatives say how probable they find all answers. The verdict's error rate
// holds whenever the target's owner stopped answering. How the answers were
// drawn has to be declared as it was: nothing else is assumed
// (docs/method-identity.md, "Text only").
//
// What was found is kept in a directory, from which `Explain` forms the verdict
// again without the models.
//
// Threads, memory, errors and determinism: as revlm/compare.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "revlm/compare.h"
#include "revlm/error.h"

namespace revlm {

inline constexpr int32_t kDefaultTextChallenges = 200;
inline constexpr int32_t kDefaultAnswerTokens = 32;
inline constexpr int32_t kDefaultOwnAnswers = 8;
inline constexpr int32_t kMostOwnAnswers = 1000;

// What of its answers is looked at.
enum class Known {
  kTokens,  // token ids, where they are there and are the reference's
  kText,
};

// One answer of the target.
struct GivenAnswer {
  std::string prompt;
  std::string text;
  // The reference's ids, as they were drawn: the one that ended the sequence
  // is among them, unless `max_tokens` or the context ended the answer. Not
  // empty: in place of the text.
  std::vector<int32_t> token_ids;
};

struct VerifyTextOptions {
  // `models`: the reference, then the target, where it is here and is to be
  // asked now, the prompts being those of `Compare`, kDefaultTextChallenges of
  // them, all at once. No target: its answers are given, and no prompts are
  // asked for. `full_matching` has no meaning and is refused.
  CompareOptions compare;

  // JSON Lines: {"prompt": TEXT, "answer": TEXT}, or a list of token ids as the
  // answer, or "answers" with a list of either. Or the directory of a finished
  // run, all of whose settings are known.
  std::string answers;
  std::vector<GivenAnswer> given;
  // What the target is called; of a run with several models, which of them.
  // Empty: after the file, and the only model.
  std::string target;
  Known known = Known::kTokens;

  // Further models that it may be, with the reference's tokens; references as
  // in `models`.
  std::vector<std::string> alternatives;

  // How the target was asked, or is. The reference is asked in the same way.
  std::optional<int32_t> max_tokens;  // needed for a file and for `given`
  std::optional<double> temperature;  // 1
  std::optional<int32_t> top_k;       // 0: all
  std::optional<double> top_p;        // 1
  // Of the reference, to each prompt; empty: kDefaultOwnAnswers.
  std::optional<int32_t> num_own_answers;
};

Result<Comparison> VerifyText(const VerifyTextOptions& options);

// Whether `target` is the directory of a run, and no model's.
bool IsRunDirectory(const std::string& target);

}  // namespace revlm
