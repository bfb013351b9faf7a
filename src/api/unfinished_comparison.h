// What a comparison keeps of itself until it comes to its end, so that the same
// comparison goes on where it was stopped (docs/formats/comparison.md).
//
// Kept are the weights of whole pairs and whole rounds of prompts: what is in
// flight when it stops is done again. The plan is all that findings depend on;
// those of another plan are never used, nor those of a round of other prompts.
//
// Threads: thread-confined. Memory: what was found. Errors: kInvalidArgument
// (another plan), kCorrupt, kUnavailable (I/O, disk full). Determinism:
// findings read back bit for bit.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/compare_rounds.h"
#include "api/compared_models.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "revlm/compare.h"

namespace revlm {

// Everything that what is found depends on: what `planned` and the options say,
// and the weight files, by size and time. Callers add what is of their own.
base::Json PlanOf(const Comparison& planned, const CompareOptions& options,
                  const std::vector<OpenedModel>& models);

// Added to the message of an error.
std::string KeptIn(const std::string& directory);

struct PromptFailure {
  int64_t model = 0;       // index
  int64_t prompt_idx = 0;  // in its round
  std::string message;
};

// What a round of prompts brought.
struct RoundFinding {
  std::string prompts_sha256;
  int64_t num_prompts = 0;
  PromptTable values;        // a row of num_prompts for each pair
  CertaintyTable certainty;  // empty: nobody asked for it
  std::vector<PromptFailure> failures;
};

class UnfinishedComparison {
 public:
  // What an earlier start kept in `directory`, the folder of unfinished things,
  // if one did. `planned`: the comparison before anything is found.
  static Result<UnfinishedComparison> Open(const std::string& directory,
                                           base::Json plan,
                                           const Comparison& planned);

  // Whether `directory` has one; of this plan.
  static bool IsKeptIn(const std::string& directory);
  static bool IsIn(const std::string& directory, const base::Json& plan);
  static void RemoveFrom(const std::string& directory);
  // What a process that was killed left beside what is kept and `but`.
  static void RemoveScratch(const std::string& directory,
                            const std::string& but);
  // Whether `directory` has what models said (verify/text.h).
  static bool HasAnswers(const std::string& directory);

  // Of kept rounds.
  int64_t num_kept_prompts() const;
  // Pairs whose weights an earlier start compared; 0: there was none.
  size_t num_kept_pairs() const;

  // Puts the weights of a pair, and its models' tensor roots, as an earlier
  // start found them. False: it did not.
  bool TakeWeights(size_t pair_idx, std::pair<size_t, size_t> models,
                   Comparison& comparison) const;

  // The size of the next kept round; nothing: there is none.
  std::optional<size_t> NextRoundSize() const;
  // The next kept round, if these are its prompts; else it and all behind it
  // are forgotten.
  const RoundFinding* TakeRound(const std::string& prompts_sha256);
  const RoundFinding& AddRound(RoundFinding round);

  // Writes down what was found, if the last time is half a minute ago.
  Status Keep(const Comparison& comparison);
  Status Save(const Comparison& comparison);
  // Whether there is a file to go on from.
  bool is_saved() const { return is_saved_; }

 private:
  UnfinishedComparison(std::string directory, base::Json plan)
      : directory_(std::move(directory)), plan_(std::move(plan)) {}

  std::string directory_;
  base::Json plan_;
  std::optional<Comparison> earlier_;
  std::vector<RoundFinding> rounds_;
  size_t num_taken_ = 0;  // of the rounds
  bool is_saved_ = false;
  std::chrono::nanoseconds saved_at_ = base::SystemClock().Monotonic();
};

}  // namespace revlm
