// Asks the models of a comparison their prompts, round by round, and keeps what
// each round brought (api/kept_findings.h).
//
// Threads: thread-confined. Lifetime: borrows all that it works with. Memory:
// the prompts as token ids, once for each model; values and what a round takes
// are reserved in the budget. Errors: those of models and their engines,
// kCancelled, kBudgetExceeded, kUnavailable (I/O, disk full). Determinism: the
// values are those of the prompts, however they are divided into rounds.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "api/compare_events.h"
#include "api/compare_rounds.h"
#include "api/compared_models.h"
#include "api/comparison_directory.h"
#include "api/kept_findings.h"
#include "api/unfinished_folder.h"
#include "base/error.h"
#include "memory/budget.h"
#include "revlm/compare.h"
#include "verify/behaviour.h"

namespace revlm {

class PromptAsker {
 public:
  struct Work {
    const CompareOptions& options;
    const CompareEvents& events;
    const std::vector<OpenedModel>& models;
    const PlannedPairs& planned;
    const UnfinishedFolder& unfinished;
    Comparison& comparison;  // what was asked is put down in it
  };
  // `prompts`: all; those that may be asked, when they are chosen in rounds.
  PromptAsker(Work work, ComparePrompts prompts,
              std::vector<verify::BehaviourModel> encoded);

  // All that were asked, once they were.
  const ComparePrompts& prompts() const { return prompts_; }

  // Makes room in what is planned for prompts that are chosen later.
  Status MakeRoom();
  Result<uint64_t> FloorBytes() const;

  struct Costs {
    double seconds = 0;
    int64_t num_passes = 0;
    uint64_t read_bytes = 0;
  };
  // Of all at once.
  Result<Costs> Predict(memory::Budget& budget);
  // Room for the values of all, to be held from Predict on.
  Result<memory::Reservation> HoldValues(memory::Budget& budget) const;

  // By pair, what each prompt brings. `tell`: of the seconds predicted, how
  // many are done. REQUIRES: Predict was called, once.
  using Tell = std::function<void(RunEvent event, double done_seconds)>;
  Result<PromptTable> Ask(memory::Budget& budget, const Tell& tell);

 private:
  // What these prompts bring, which `encoded_` has, if need be by asking them.
  Result<RoundFinding> AskRound(const std::vector<MadePrompt>& prompts,
                                memory::Budget& budget, const Tell& tell);
  Result<RoundFinding> CompareBehaviour(memory::Budget& budget,
                                        const Tell& tell);
  Result<PromptTable> AskAll(memory::Budget& budget, const Tell& tell);
  // Asks what is chosen until enough was asked.
  Result<PromptTable> AskChosen(memory::Budget& budget, const Tell& tell);

  // Prompts of a round of those that are all there.
  Result<size_t> SizeOfRounds();
  uint64_t ValueBytes() const;  // of all prompts
  verify::BehaviourOptions BehaviourOptions() const;
  double SecondsOfModels(size_t num_models) const;
  // What prompts of a round were not answered.
  void CountFailures(const RoundFinding& round, size_t num_prompts);
  void TellFailures() const;

  Work work_;
  ComparePrompts prompts_;  // all; of chosen ones, those of rounds before
  size_t most_prompts_;
  std::vector<verify::BehaviourModel> encoded_;  // of all, or of this round
  size_t num_asked_ = 0;                         // in rounds before
  size_t num_rounds_ = 0;                        // that were asked
  std::vector<int64_t> num_failed_;              // by model
  std::vector<std::string> first_failure_;       // by model
  std::vector<double> seconds_;                  // predicted, by model
  double read_seconds_ = 0;  // of it, to read all weights once
};

}  // namespace revlm
